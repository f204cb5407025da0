"""The error that a boundary penalty leaves, against closed forms."""

import math

import pytest

from pdefreq.core.history import Stop
from pdefreq.core.notes import brief_of
from pdefreq.domains.box import Box
from pdefreq.problem.problem import Problem
from pdefreq.runs.penalty_floor import penalty_floor
from pdefreq.runs.solve import solve
from pdefreq.solvers.names import make_solver

INTERVAL = Problem(domain=Box((0.0,), (1.0,)), exact="sin(pi*x)", diffusion=3)
SQUARE = Problem(domain=Box((0.0, 0.0), (1.0, 1.0)), exact="sin(pi*x)*sin(pi*y)")


def test_the_flux_over_twice_beta_is_the_error_on_an_interval():
    """The flux 3 pi at both ends; the slope of P2 elements with 200 cells is accurate to (pi h)^2 / 3 = 1e-4."""
    found = penalty_floor(INTERVAL, solve(INTERVAL, "fem:element=P2,cells=200").state, 50.0)
    assert found.absolute == pytest.approx(3 * math.pi / 100, rel=1e-3)
    assert found.relative == pytest.approx(3 * math.pi / 100 * math.sqrt(2), rel=0.03)  # 2000 random points for u


def test_the_flux_is_averaged_over_the_sides_of_a_square():
    """The flux pi sin(pi s) has the mean square pi^2 / 2."""
    found = penalty_floor(SQUARE, solve(SQUARE, "fem:element=P2,cells=32").state, 10.0)
    assert found.absolute == pytest.approx(math.pi / math.sqrt(2) / 20, rel=0.01)


@pytest.mark.parametrize(("boundary", "noted"), [("penalty,beta=5", True), ("penalty,beta=5e6", False), ("hard", False)])
def test_runs_with_a_visible_penalty_error_say_so(boundary, noted):
    notes = solve(INTERVAL, f"deep-ritz:boundary={boundary},number=50,widths=[10]", stop=Stop(steps=3)).notes
    assert ("penalty floor" in map(brief_of, notes)) is noted


@pytest.mark.parametrize(("a", "length"), [(4.0, 1.0), (1000.0, 1.0), (1.0, 1e-3)])
def test_the_error_is_that_of_the_penalty_in_the_units_of_the_problem(a, length):
    """The penalty of the problem with units of 1, so that the error relative to u is the same up to the rounding of the units."""
    problem = Problem(domain=Box((0.0,), (length,)), exact=f"sin(pi*x/{length})", diffusion=a)
    solver = make_solver("deep-ritz:boundary=penalty,beta=50,number=50,widths=[10]")
    exact = solve(problem, "fem:element=P2,cells=200").state
    found = penalty_floor(problem, exact, solver.penalty_parameter(problem, 0))
    beta = 50 * 10 ** round(math.log10(a)) / length  # the unit of a is a power of ten
    assert found.beta == pytest.approx(beta)
    assert found.absolute == pytest.approx(a * math.pi / length / (2 * beta), rel=1e-3)


def test_a_residual_has_no_such_error():
    notes = solve(INTERVAL, "pinn:boundary=penalty,beta=5,number=50,widths=[10]", stop=Stop(steps=3)).notes
    assert "penalty floor" not in map(brief_of, notes)
