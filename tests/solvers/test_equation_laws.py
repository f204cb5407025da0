"""Galerkin methods for all kinds of equations: manufactured solutions, orders of convergence, and published numbers."""

import numpy as np
import pytest
import torch

from pdefreq.domains.box import Box
from pdefreq.problem.problem import Problem
from pdefreq.solvers.fem import Fem
from pdefreq.solvers.ritz_galerkin import RitzGalerkin

UNIT, SQUARE, CUBE = Box((0.0,), (1.0,)), Box((0.0, 0.0), (1.0, 1.0)), Box((0.0,) * 3, (1.0,) * 3)
ROTATED = [[25.75, -24.75 * 3**0.5], [-24.75 * 3**0.5, 75.25]]  # eigenvalues 1 and 100, rotated by 30 degrees
EQUATIONS = {
    "convection, diffusion 1": {"convection": [1, 2]},
    "convection, diffusion 1e-2": {"convection": [1, 2], "diffusion": 1e-2},
    "variable convection": {"convection": ["1 + y", "-x"], "diffusion": "2 + sin(3*x)*y"},
    "diagonal matrix": {"diffusion": [[1, 0], [0, 100]]},
    "rotated matrix": {"diffusion": ROTATED},
    "variable matrix": {"diffusion": [["2 + x", "x*y"], ["x*y", "3"]], "convection": ["y", "1"], "reaction": "x - 2"},
    "smooth coefficient": {"diffusion": "exp(x)*(2 + sin(3*y))"},
    "u^3": {"nonlinear": "u**3"},
    "exp(u)": {"nonlinear": "-exp(u)"},
    "u^3 and convection": {"nonlinear": "u**3", "convection": [1, 2]},
    "p = 3 and convection": {"exponent": 3, "convection": [1, 2]},
}


def solved(problem, solver):
    iteration = solver.prepare(problem.blind(), seed=0, device=torch.device("cpu"), dtype=torch.float64)
    state, steps = iteration.init(), 0
    while not state.done:
        state, steps = iteration.step(state), steps + 1
    assert steps < 20
    return state


def error(problem, solver):
    """Relative L2 error."""
    state = solved(problem, solver)
    x = problem.domain.quadrature(12_000).x
    exact = problem.exact(x)
    return float((state.space.at(x).value(state.coefficients) - exact).norm() / exact.norm())


@pytest.mark.parametrize("equation", EQUATIONS.values(), ids=EQUATIONS)
def test_orders_in_two_dimensions(equation):
    problem = Problem(domain=SQUARE, exact="x + sin(2*x)*exp(y)/2", **equation)
    for element, cells, order in (("P1", 24, 2), ("P2", 12, 3)):
        coarse, fine = (error(problem, Fem(element=element, cells=n)) for n in (cells, 2 * cells))
        # quadratic elements with convection have a higher order before their asymptotic range
        assert order - 0.15 < np.log2(coarse / fine) < order + (0.15 if element == "P1" else 0.6)
    assert error(problem, RitzGalerkin(number=12)) < (1e-6 if "exponent" in equation else 1e-9)


def test_helmholtz_in_one_dimension():
    """-u'' - 400 u = f, with k h = 0.1 at the coarsest level."""
    problem = Problem(domain=UNIT, reaction=-400, exact="sin(5*pi*x) + x**2")
    for element, order in (("P1", 2), ("P2", 3)):
        coarse, fine = (error(problem, Fem(element=element, cells=n)) for n in (200, 400))
        assert abs(np.log2(coarse / fine) - order) < 0.05
    assert error(problem, RitzGalerkin()) < 1e-12


def test_nonsymmetric_equations_in_three_dimensions():
    problem = Problem(domain=CUBE, convection=[1, 2, 3], diffusion=0.5, reaction=-1, exact="sin(2*x)*cos(y)*exp(z)")
    coarse, fine = (error(problem, Fem(cells=n)) for n in (5, 10))
    assert abs(np.log2(coarse / fine) - 2) < 0.15


@pytest.mark.parametrize("solver", [Fem(element="P2", cells=16), RitzGalerkin(number=12)], ids=lambda s: s.name)
def test_the_solid_fuel_equation_has_its_published_value(solver):
    """-lap u = exp(u) on the unit square, lower branch: u(1/2, 1/2) = 0.078101 (Mohsen, 2014, Appl. Math. Comput. 235)."""
    state = solved(Problem(domain=SQUARE, nonlinear="-exp(u)", source=0.0, boundary=0.0), solver)
    middle = torch.full((1, 2), 0.5, dtype=torch.float64)
    assert abs(float(state.space.at(middle).value(state.coefficients)) - 0.078101) < 1e-5
