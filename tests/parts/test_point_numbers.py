"""The default numbers of points in the plane."""

import numpy as np
import pytest

from pdefreq import Problem, Stop, load_problem, solve
from pdefreq.domains.ball import Ball
from pdefreq.domains.box import Box
from pdefreq.domains.holes import WithHoles
from pdefreq.parts.point_numbers import fitted_number
from pdefreq.solvers.names import make_solver
from pdefreq.spectrum.data_spectrum import SpectralData

SQUARE = Box((0.0, 0.0), (1.0, 1.0))


def waves(a, b, domain=SQUARE):
    """A sum of products of sines, the highest with a and b half waves along the axes."""
    return Problem(domain=domain, exact=f"sin(pi*x)*sin(pi*y) + sin({a}*pi*x)*sin({b}*pi*y)")


@pytest.mark.parametrize(
    ("problem", "number"),
    [
        (waves(3, 8), 2500),  # 50 x 50
        (waves(16, 8), 80 * 80),
        (waves(16, 17), 85 * 85),
        (waves(20, 20), 19600),  # 10,000 is more than half
        (waves(1, 1), 19600),  # the lowest wavenumber alone
        (Problem(domain=SQUARE, exponent=3, exact="x + sin(3*pi*x)*sin(pi*y)"), 19600),
        (load_problem("sampled-2d"), 19600),
        (load_problem("chirp:2d"), 19600),
    ],
)
def test_five_points_for_each_half_wave(problem, number):
    found, told = fitted_number(19600, SpectralData(problem), holes=False)
    assert found == number
    assert bool(told) == (number < 19600)


@pytest.mark.parametrize(("a", "b"), [(3, 8), (16, 8), (18, 1), (1, 18)])
@pytest.mark.parametrize("domain", [SQUARE, Box((0.0, 0.0), (4.0, 1.0))])
def test_gauss_rules_have_five_points_for_each_half_wave_along_each_axis(a, b, domain):
    exact = f"sin(pi*x/{domain.upper[0]})*sin(pi*y) + sin({a}*pi*x/{domain.upper[0]})*sin({b}*pi*y)"
    points = make_solver("deep-ritz").resolved(Problem(domain=domain, exact=exact).blind(), Stop()).points
    x = points.interior(domain, 0, 0).x.numpy()
    assert len(x) < 19600
    assert all(len(np.unique(x[:, axis].round(9))) >= 5 * k for axis, k in enumerate((a, b)))


def test_three_times_as_many_around_holes():
    domain = WithHoles(SQUARE, (Ball((0.5, 0.5), 0.1),))
    number, _ = fitted_number(
        19600, SpectralData(Problem(domain=domain, source="sin(2*pi*x)*sin(3*pi*y)", boundary="0")), holes=True
    )
    assert number == 7500


def test_the_choice_is_that_of_first_order_methods_without_a_number():
    problem = waves(3, 8)
    for method, number in (
        ("deep-ritz", 2500),
        ("pinn:optimizer=sgd", 2500),
        ("mscale:points=sobol", 2500),
        ("pinn:optimizer=lbfgs", 19600),
        ("deep-ritz:number=700", 700),
    ):
        solver = make_solver(method).resolved(problem.blind(), Stop())
        assert solver.points.number == number
        assert any("interior points were chosen" in choice for choice in solver.choices) == (number == 2500)


def test_the_choice_is_stored_with_the_run():
    solution = solve(waves(3, 8), "deep-ritz:widths=[4]", steps=1, predict=False, probes=[])
    (told,) = [note for note in solution.notes if "interior points" in note]
    assert told.startswith("2,500 interior points were chosen") and "ends at 3 and 8 half waves" in told
    assert told in solution.spec.reasons
    assert make_solver("deep-ritz", {"number": 19600}).resolved(waves(3, 8), Stop()).points.number == 19600
