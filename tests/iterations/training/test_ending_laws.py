"""A stepper that ends says why: at a minimum, at the level of rounding errors, or stalled elsewhere."""

import math

import pytest
import torch

from pdefreq.core.history import Status
from pdefreq.functionals.functional import Functional
from pdefreq.iterations.training.lbfgs import LbfgsStepper
from pdefreq.iterations.training.levenberg_marquardt import LevenbergMarquardtStepper
from pdefreq.iterations.training.ssbroyden import SsBroydenStepper
from pdefreq.iterations.training.steppers import is_stationary
from pdefreq.iterations.training.training_iteration import TrainingIteration
from pdefreq.problem.files import load_problem
from pdefreq.solvers.names import make_solver
from tests.iterations.toys import Constant, Numbers, Plain, Rows, quadratic

LIKE = torch.empty(0, dtype=torch.float64)
STEPPERS = {"lbfgs": LbfgsStepper(), "ssbroyden": SsBroydenStepper(), "gauss-newton": LevenbergMarquardtStepper()}


def ended(functional, stepper, number=3, most=200):
    iteration = TrainingIteration(Numbers(number), Constant(functional), stepper, seed=0, like=LIKE)
    state = iteration.init()
    for _ in range(most):
        state = iteration.step(state)
        if state.done:
            return iteration.final_status(state), state
    raise AssertionError("the iteration did not end")


class Wrong(Rows):
    """Rows whose Jacobian has the wrong sign, so that every step that the model promises to be a descent is an ascent."""

    def gauss_newton_factor(self, c):
        return -super().gauss_newton_factor(c)

    def value_and_gradient(self, c):
        value, gradient = super().value_and_gradient(c)
        return value, -gradient


@pytest.mark.parametrize(
    ("name", "scale"),
    [
        ("lbfgs", 1e-60),
        ("lbfgs", 1.0),
        ("ssbroyden", 1e-60),
        ("ssbroyden", 1.0),
        ("gauss-newton", 1e-60),
        ("gauss-newton", 1.0),
        ("gauss-newton", 1e60),
    ],
)  # the first step of L-BFGS has at most length one, in coefficients of networks
def test_the_minimum_of_squares_is_reached_for_every_scale(name, scale):
    """|c - b|^2 / 2, whose amplitude b has no influence on the reason: no threshold is absolute."""
    b = scale * torch.arange(1.0, 4.0, dtype=torch.float64)
    status, state = ended(Functional([Rows("rows", torch.eye(3, dtype=torch.float64), b)]), STEPPERS[name], most=600)
    assert status in (Status.DONE, Status.ROUNDING)
    # each step of Gauss-Newton decreases the residual to the damping, at the end 1e-16 of it; L-BFGS resolves f by its slope
    torch.testing.assert_close(state.coefficients, b, rtol=1e-10, atol=0)


def test_an_energy_ends_at_the_level_of_rounding():
    """The minimum value is not zero, so that values resolve coefficients up to the root of the rounding error."""
    functional = quadratic()
    status, state = ended(functional, STEPPERS["lbfgs"], number=6)
    assert status in (Status.DONE, Status.ROUNDING)
    expected = torch.linalg.solve(functional.matrix, functional.load)
    torch.testing.assert_close(state.coefficients, expected, rtol=0, atol=1e-6)


def test_a_kink_stalls_a_line_search():
    """The slope of sum |c_i - b_i| is +-1 on both sides of the minimum: no step satisfies the curvature condition."""
    b = torch.tensor([0.1, -0.7, math.pi / 10], dtype=torch.float64)
    status, _ = ended(Functional([Plain("kink", lambda c: (c - b).abs().sum())]), STEPPERS["lbfgs"])
    assert status is Status.STALLED and status.exit_code == 1 and not status.is_failure


def test_a_model_whose_promises_are_not_kept_stalls_gauss_newton():
    block = Wrong("rows", torch.eye(3, dtype=torch.float64), torch.ones(3, dtype=torch.float64))
    status, _ = ended(Functional([block]), STEPPERS["gauss-newton"])
    assert status is Status.STALLED


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_only_the_minimum_is_stationary(dtype):
    """One unit in each coefficient changes the gradient c - b by its own size if and only if c is within some units of b."""
    b = torch.tensor([0.3, 2.0], dtype=dtype)
    functional = Functional([Plain("bowl", lambda c: (c - b).square().sum() / 2)])
    for distance, expected in ((0.0, True), (1.0, True), (100.0, False)):
        c = b * (1 + distance * torch.finfo(dtype).eps)
        assert is_stationary(functional, c, functional.gradient(c)) is expected


CASE = """
title = "-u'' = f, L-BFGS in single precision"
[domain]
kind = "box"
lower = -1
upper = 1
[equation]
exact = "sin(2*pi*x) + 0.1*sin(10*pi*x)"
[boundary]
value = "0"
"""


def test_lbfgs_in_single_precision_learns_both_tones(tmp_path):
    """Values of the energy differ by rounding errors of 2e-5; by slopes the search finds the tone of amplitude 0.1 as well.

    The minimum is -2 pi^2 = -19.7 with the first tone alone, and -2.5 pi^2 = -24.67 with both. A search by values ends at -19.81
    after 66 steps.
    """
    (tmp_path / "case.toml").write_text(CASE)
    problem = load_problem(str(tmp_path / "case.toml"))
    options = {"optimizer": "lbfgs", "activation": "sin", "widths": (30, 30), "number": 100}
    iteration = make_solver("deep-ritz", options).prepare(
        problem.blind(), seed=2, device=torch.device("cpu"), dtype=torch.float32
    )
    state = iteration.init()
    for _ in range(800):
        state = iteration.step(state)
        if state.done:
            assert iteration.final_status(state) in (Status.STALLED, Status.ROUNDING)
            break
    assert float(iteration.objective(state)["energy"]) < -24.5
