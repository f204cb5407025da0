"""Laplace's equation with boundary values that have a kink or jumps: the series solution, or a refusal that names methods."""

import math

import pytest
import torch

from pdefreq.core.errors import IncompatibleError
from pdefreq.domains.box import Box
from pdefreq.problem.problem import Problem
from pdefreq.solvers.names import make_solver

SQUARE = Box((-1.0, -1.0), (1.0, 1.0))
CENTER = torch.zeros(1, 2, dtype=torch.float64)
KINK = "abs(y)"
STEP = "where(x < -1 + 1e-9, 75, where(y < -1 + 1e-9, 50, 0))"  # 75 on the left, 50 below
POINTS = torch.tensor([[0.0, 0.0], [-0.8, -0.8], [-0.4, 0.4], [0.5, -0.9]], dtype=torch.float64)


def laplace(values, domain=SQUARE):
    return Problem(domain=domain, source=0.0, boundary=values)


def solved(method, problem, x):
    iteration = make_solver(method).prepare(problem, seed=0, device=torch.device("cpu"), dtype=torch.float64)
    state = iteration.init()
    while not state.done:
        state = iteration.step(state)
    return state.space.at(x).value(state.coefficients)


def series(side, x, y):
    """The solution on (0, 1)^2 with values f on the side x = 0 and zero on the others, where f has the sine coefficients `side`."""
    total = torch.zeros_like(x)
    for m, coefficient in side:
        k = m * math.pi
        profile = (-k * x).exp() * (1 - (-2 * k * (1 - x)).exp()) / (1 - math.exp(-2 * k))
        total = total + coefficient * (k * y).sin() * profile
    return total


def step_solution(points):
    """A constant 1 has the sine coefficients 4 / (pi m) for odd m; at m = 400 the terms at x = 0.05 are below 1e-27."""
    one = [(m, 4 / (math.pi * m)) for m in range(1, 400, 2)]
    x, y = ((points + 1) / 2).unbind(dim=1)
    return 75 * series(one, x, y) + 50 * series(one, y, x)


def kink_solution(points):
    """1 on the sides below and above, and |y| on the others, whose coefficients follow from two integrations by parts."""

    def kinked(m):  # 2 int_0^1 |2 y - 1| sin(m pi y) dy = 4 / (m pi) - 8 sin(m pi / 2) / (m pi)^2 for odd m
        return 4 / (m * math.pi) - 8 * math.sin(m * math.pi / 2) / (m * math.pi) ** 2

    one, kink = ([(m, f(m)) for m in range(1, 400, 2)] for f in (lambda m: 4 / (math.pi * m), kinked))
    x, y = ((points + 1) / 2).unbind(dim=1)
    return series(kink, x, y) + series(kink, 1 - x, y) + series(one, y, x) + series(one, 1 - y, x)


def test_the_center_value_for_the_kink_is_0_675():
    assert float(kink_solution(CENTER)) == pytest.approx(0.675314, abs=1e-6)


@pytest.mark.parametrize(("values", "exact"), [(KINK, kink_solution), (STEP, step_solution)], ids=["kink", "step"])
@pytest.mark.parametrize(
    ("method", "tolerance"),
    [
        ("sine", 1e-6),  # jumps at the corners are taken 1e-7 away from them, and kinks are aliased with 2^14 samples
        ("cg:intervals=40", 5e-3),  # second order away from the corners; the third derivatives are about 100 at a distance of 0.2
        ("fem:cells=40", 5e-3),
    ],
)
def test_classical_methods_solve_problems_with_kinks_and_steps(values, exact, method, tolerance):
    wanted = exact(POINTS)
    found = solved(method, laplace(values), POINTS)
    assert float((found - wanted).abs().max() / wanted.abs().max()) < tolerance


def test_values_with_an_infinite_slope_agree_with_finite_elements():
    """For sqrt(1 + x) the sine coefficients of a side decrease like k^-1.5, and elements have an error of about h^1.5 = 6e-3."""
    problem = laplace("sqrt(1 + x)")
    assert float((solved("sine", problem, POINTS) - solved("fem:cells=30", problem, POINTS)).abs().max()) < 6e-3


@pytest.mark.parametrize(
    ("method", "values", "told"),
    [
        ("gauss-newton:boundary=hard", KINK, r"second derivatives.*kink near \(-1, 0\): use `--set boundary=penalty`"),
        ("pinn:boundary=hard", KINK, "second derivatives.*kink"),
        ("pinn-gradient:boundary=hard", KINK, "third derivatives.*kink"),
        ("pinn:boundary=hard", STEP, "jump.*use `--set boundary=penalty`"),
        ("deep-ritz:boundary=hard", STEP, "first derivatives.*jump.*use `--set boundary=penalty`"),
    ],
)
def test_derivatives_that_a_lifting_lacks_are_refused(method, values, told):
    with pytest.raises(IncompatibleError, match=told):
        make_solver(method).prepare(laplace(values), seed=0, device=torch.device("cpu"), dtype=torch.float64)


@pytest.mark.parametrize("method", ["deep-ritz", "pinn:boundary=penalty"])
def test_weak_forms_and_penalties_admit_a_kink(method):
    make_solver(method).prepare(laplace(KINK), seed=0, device=torch.device("cpu"), dtype=torch.float64)


def test_sine_series_refuse_kinks_in_three_dimensions():
    cube = Box((-1.0,) * 3, (1.0,) * 3)
    with pytest.raises(IncompatibleError, match=r"without kinks in three dimensions.*kink near.*use `cg`"):
        make_solver("sine").prepare(laplace(KINK, cube), seed=0, device=torch.device("cpu"), dtype=torch.float64)
