"""Networks for all kinds of terms: manufactured solutions, and the accuracy of Gauss-Newton steps with default options."""

import math

import pytest
import torch

from pdefreq import Problem, Stop, solve
from pdefreq.core.errors import IncompatibleError
from pdefreq.core.fields import CallableField
from pdefreq.domains.box import Box

INTERVAL, SQUARE = Box((0.0,), (1.0,)), Box((0.0, 0.0), (1.0, 1.0))
WAVE = {1: "sin(pi*x)", 2: "sin(pi*x)*sin(pi*y)"}


def rotated(degrees, low, high):
    """The matrix with the two given eigenvalues and the rotated axes as its eigenvectors."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return [[low * c * c + high * s * s, (low - high) * c * s], [(low - high) * c * s, low * s * s + high * c * c]]


EQUATIONS = {
    "convection": {"convection": 1.0},
    "convection, 1e-2": {"convection": 1.0, "diffusion": 1e-2},
    "helmholtz": {"reaction": -400.0},
    "smooth diffusion": {"diffusion": "1 + x/2 + sin(2*pi*x)/3"},
    "cubic": {"nonlinear": "u**3"},
    "convection in 2-D": {"convection": [1.0, 2.0]},
    "convection in 2-D, 1e-2": {"convection": [1.0, 2.0], "diffusion": 1e-2},
    "matrix": {"diffusion": [[1.0, 0.0], [0.0, 100.0]]},
    "rotated matrix": {"diffusion": rotated(30, 1.0, 100.0)},
    "smooth diffusion in 2-D": {"diffusion": "1 + x*y + sin(pi*x)/2"},
    "cubic in 2-D": {"nonlinear": "u**3"},
}
IN_PLANE = {"matrix", "rotated matrix"}


def made(name):
    """The problem and its dimension."""
    d = 2 if "2-D" in name or name in IN_PLANE else 1
    return Problem(domain=SQUARE if d == 2 else INTERVAL, exact=WAVE[d], **EQUATIONS[name]), d


@pytest.mark.slow
@pytest.mark.parametrize("name", EQUATIONS)
def test_gauss_newton_solves_every_equation_in_a_minute(name):
    """A relative L2 error of 1e-6 in one dimension and 1e-4 in two, with default options."""
    problem, d = made(name)
    assert solve(problem, "gauss-newton", stop=Stop(seconds=60)).error() < {1: 1e-6, 2: 1e-4}[d]


@pytest.mark.slow
def test_the_lower_branch_of_the_bratu_equation():
    """-lap u = exp(u) on the unit square: u(1/2, 1/2) = 0.078101, by the energy, which needs no second derivatives."""
    problem = Problem(domain=SQUARE, source=0.0, boundary=0.0, nonlinear="-exp(u)")
    u = solve(problem, "gauss-newton:loss=ritz", stop=Stop(seconds=60))
    assert float(u(torch.full((1, 2), 0.5, dtype=torch.float64))) == pytest.approx(0.078101, abs=1e-5)


@pytest.mark.parametrize("name", ["convection", "helmholtz", "cubic", "rotated matrix"])
def test_a_small_network_solves_every_kind_of_equation(name):
    """A few Gauss-Newton steps on few points."""
    problem, d = made(name)
    settings = {1: "widths=[10],number=100", 2: "widths=[12],number=225"}[d]
    assert solve(problem, f"gauss-newton:{settings}", stop=Stop(steps=60)).error() < {1: 1e-4, 2: 2e-2}[d]


@pytest.mark.parametrize("name", ["rotated matrix", "cubic"])
@pytest.mark.parametrize("method", ["deep-ritz:widths=[20,20]", pytest.param("mscale:widths=[10,10]", marks=pytest.mark.slow)])
def test_the_energy_decreases_for_all_terms_that_have_an_energy(method, name):
    """Towards the energy of the exact solution."""
    problem, _ = made(name)
    run = solve(problem, f"{method},number=225", stop=Stop(steps=100), seed=1)
    above = run.history.column("objective") - run.energy_minimum()
    assert 0 < above[-1] < 0.1 * above[0] and run.error() < 0.1


JUMP = CallableField(lambda x: torch.where(x[:, 0] < 0.4, 1.0, 3.0).to(x))


@pytest.mark.parametrize("fields", [{}, {"convection": [1.0, 0.0]}])
def test_a_strong_residual_refuses_discontinuous_second_order_coefficients(fields):
    problem = Problem(domain=SQUARE, source=1.0, boundary=0.0, diffusion=[[1.0, 0.0], [0.0, JUMP]], **fields)
    with pytest.raises(IncompatibleError, match=r"pinn needs second-order coefficients that do not jump, .* diffusion .*: use `"):
        solve(problem, "pinn:widths=[4],number=25", stop=Stop(steps=1))
    smooth = Problem(domain=SQUARE, source=1.0, boundary=0.0, convection=[JUMP, 0.0], reaction=JUMP)
    assert solve(smooth, "pinn:widths=[4],number=25", stop=Stop(steps=1), reference=0.0).status.exit_code == 0


@pytest.mark.parametrize("fields", [{"convection": 1.0}, {"nonlinear": "sin(u)"}, {"reaction": 2.0}])
def test_a_zero_initial_function_is_accepted_if_the_linearization_at_zero_is_not_degenerate(fields):
    """The derivative of |grad u|^(p-2) grad u vanishes at zero, and so does that of u^3."""
    start = "pinn:start=antisymmetric,widths=[4],number=25"
    run = solve(
        Problem(domain=INTERVAL, source=1.0, boundary=0.0, exponent=3.0, **fields), start, stop=Stop(steps=2), reference=0.0
    )
    assert run.history.column("objective")[-1] < run.history.column("objective")[0]
    with pytest.raises(IncompatibleError, match="exponent = 3 is degenerate"):
        solve(Problem(domain=INTERVAL, source=1.0, boundary=0.0, exponent=3.0, nonlinear="u**3"), start, stop=Stop(steps=2))
