import math

import numpy as np
import pytest
import torch

from pdefreq.core.fields import as_field
from pdefreq.core.history import Status
from pdefreq.domains.box import Box
from pdefreq.domains.meshes.meshing import mesh_for
from pdefreq.iterations.newton import Newton, _line_search
from pdefreq.problem.boundary_conditions import BoundaryPart
from pdefreq.problem.files import load_problem
from pdefreq.problem.problem import Problem
from pdefreq.problem.terms.diffusion import exponents
from pdefreq.runs.reference import reference_solution
from pdefreq.runs.solve import solve
from pdefreq.solvers.names import make_solver
from pdefreq.spaces.elements.lagrange import Lagrange
from pdefreq.spaces.elements.weak_form import WeakForm
from pdefreq.spaces.spectral.legendre import Legendre

UNIT = Box((0.0,), (1.0,))
EXPONENTS = [1.1, 1.5, 2.0, 3.0, 5.0, 8.0, 20.0]
F64 = torch.empty(0, dtype=torch.float64)


def solved(problem, space, guess=None):
    """Coefficients of the discrete solution, and the decrements of the steps."""
    iteration = Newton(WeakForm(space, problem), like=F64, guess=guess)
    state, decrements = iteration.init(), []
    while not state.done:
        state = iteration.step(state)
        decrements.append(float(state.memory["size"]))
        assert len(decrements) < 300
    return state.coefficients.numpy(), decrements


@pytest.mark.parametrize("p", EXPONENTS)
def test_the_flux_in_each_cell_is_the_mean_of_the_exact_flux(p):
    """P1 in one dimension, a = f = 1: |u'|^(p-2) u' is 1/2 - x at the midpoint of each cell.

    Slopes are differences of values of u near its maximum. For p = 1.1 they are (1/2 - x)^10: with more than a few cells they are
    rounding errors of u.
    """
    cells = 6 if p < 1.5 else 50
    space = Lagrange(mesh_for(UNIT, cells))
    c, _ = solved(Problem(domain=UNIT, source=1.0, boundary=0.0, exponent=p), space)
    slope = np.diff(c) * cells
    middle = (np.arange(cells) + 0.5) / cells
    assert np.abs(np.sign(slope) * np.abs(slope) ** (p - 1) - (0.5 - middle)).max() < 1e-10


@pytest.mark.parametrize("p", [1.1, 3.0, 20.0])
def test_a_cell_with_vanishing_gradient_is_no_obstacle(p):
    """If the number of cells is odd, u is constant in the middle one. It converges to the closed form at order 2 or more."""
    problem = load_problem("p-laplacian:constant", p=p)
    space = Lagrange(mesh_for(UNIT, 51))
    c, _ = solved(problem, space)
    exact = problem.exact(space.nodes).numpy()
    assert np.abs(c - exact).max() < 1e-2 * exact.max()


@pytest.mark.parametrize("p", [1.5, 4.0])
def test_solutions_scale_with_a_power_of_the_source(p):
    """u(k f) = k^(1/(p-1)) u(f), so that no absolute tolerance is suitable for both."""
    square = Box((0.0, 0.0), (1.0, 1.0))
    space = Lagrange(mesh_for(square, 8), 2)
    one, many = (solved(Problem(domain=square, source=k, boundary=0.0, exponent=p), space)[0] for k in (1.0, 1e8))
    assert np.allclose(many, one * 1e8 ** (1 / (p - 1)), rtol=1e-9)


@pytest.mark.parametrize(("p", "order"), [(2.0, 2), (3.0, 2)])
def test_orders_of_convergence_for_a_multiscale_coefficient(p, order):
    """-(a |u'|^(p-2) u')' = f with a = 1/(2 + cos 2 pi x/eps), eps = 0.1: the relative L2 error of P1 elements."""
    problem = load_problem("p-laplacian", p=p)
    errors = []
    for cells in (200, 400, 800):
        space = Lagrange(mesh_for(UNIT, cells))
        c, _ = solved(problem, space)
        rule = space.inside()
        errors.append(rule.integral((rule.value(c) - problem.exact(rule.x).numpy().reshape(rule.weights.shape)) ** 2) ** 0.5)
    assert np.abs(np.diff(np.log2(errors)) + order).max() < 0.15


@pytest.mark.parametrize("p", [1.5, 3.0, 8.0])
def test_a_smooth_solution_without_critical_points_converges_at_the_usual_orders(p):
    problem = load_problem("p-laplacian-smooth-2d", p=p)
    x = problem.domain.quadrature(3000).x

    def error(space):
        return float((space.at(x).value(torch.from_numpy(solved(problem, space)[0])) - problem.exact(x)).norm())

    coarse, fine = (error(Lagrange(mesh_for(problem.domain, n), 4, degree=2)) for n in (6, 12))
    assert abs(math.log2(coarse / fine) - 3) < 0.3
    assert error(Legendre(problem.domain, 10, 24)) < 1e-6 * float(problem.exact(x).norm())


def test_newton_converges_quadratically():
    """If the gradient does not vanish, each decrement is at most a constant times the square of the previous one, or rounding."""
    problem = load_problem("p-laplacian-smooth-2d", p=4)
    _, decrements = solved(problem, Lagrange(mesh_for(problem.domain, 16), 2))
    tail = [d for d in decrements if d < 0.1]
    assert len(tail) >= 3 and tail[-1] < 1e-9
    assert all(after <= 100 * before**2 + 1e-15 for before, after in zip(tail, tail[1:], strict=False)), tail


def test_the_solution_as_a_guess_ends_the_iteration_immediately():
    problem = load_problem("p-laplacian:constant", p=4)
    space = Lagrange(mesh_for(UNIT, 64))
    c, _ = solved(problem, space)
    again, decrements = solved(problem, space, as_field(lambda x: space.at(x).value(torch.from_numpy(c))))
    assert len(decrements) <= 2
    assert np.allclose(again, c, rtol=0, atol=1e-12)


def test_continuation_exponents_increase_from_two_to_the_target():
    for p in (1.01, 1.1, 1.9, 2.5, 7.0, 20.0, 50.0):
        way = exponents(p)
        assert way[0] == 2 and way[-1] == p
        assert all((b - a) * (p - 2) > 0 for a, b in zip(way, way[1:], strict=False))
    assert exponents(2.0) == (2.0,)


@pytest.mark.parametrize("p", [1.05, 2.0, 30.0])
@pytest.mark.parametrize("target", [1e-3, 1.0, 1e3])
def test_the_line_search_finds_the_minimum_of_a_nearly_flat_convex_function(p, target):
    """phi(t) = |t - target|^p / p."""

    def slope(t):
        return math.copysign(abs(t - target) ** (p - 1), t - target) if t != target else 0.0

    t = _line_search(slope)
    assert t > 0 and abs(slope(t)) <= 0.5 * abs(slope(0.0))


@pytest.mark.parametrize(("p", "told"), [(3.0, False), (15.0, True)])
def test_termination_by_rounding_is_reported(p, told):
    """With p = 15 the curvature |u'|^13 varies over more decades than there are digits."""
    notes = solve(load_problem("p-laplacian", p=p), make_solver("fem", {"cells": 500})).notes
    assert [note.startswith("Newton's method ended because rounding errors keep") for note in notes] == [True] * told


BRATU = {"domain": Box((0.0, 0.0), (1.0, 1.0)), "source": 0.0, "boundary": 0.0}


@pytest.mark.parametrize(("k", "status"), [(6.7, Status.DONE), (7.0, Status.UNSOLVED), (50.0, Status.UNSOLVED)])
def test_the_run_ends_unsolved_only_beyond_the_turning_point(k, status):
    """-lap u = k exp(u) on the unit square has two solutions for k below 6.808 and no solution above."""
    problem = Problem(nonlinear=f"-{k}*exp(u)", **BRATU)
    iteration = Newton(WeakForm(Lagrange(mesh_for(problem.domain, 24), 2), problem), like=F64)
    state, steps = iteration.init(), 0
    while not state.done:
        state, steps = iteration.step(state), steps + 1
    assert iteration.final_status(state) is status
    assert np.isfinite(state.coefficients.numpy()).all()
    assert steps < 30


def test_a_failure_has_a_message():
    problem = Problem(nonlinear="-7*exp(u)", **BRATU)
    found = solve(problem, make_solver("fem", {"cells": 20}), probes=())
    assert found.status is Status.UNSOLVED and found.status.exit_code == 1
    assert "found no solution" in found.status.sentence and "guess=" in found.status.sentence
    reference = reference_solution(problem)
    assert reference.solution is None and "found no solution" in reference.reason


def test_both_branches_are_reached_from_a_guess():
    """-u'' = k exp(u) on (0, 1): u(1/2) = 2 log cosh(theta / 4), theta = sqrt(2 k) cosh(theta / 4); k = 1."""
    problem = Problem(domain=UNIT, nonlinear="-exp(u)", source=0.0, boundary=0.0)
    for theta, guess in ((1.5171645990507543, None), (10.938702772122214, as_field(lambda x: 16 * x[:, 0] * (1 - x[:, 0])))):
        assert abs(theta - math.sqrt(2) * math.cosh(theta / 4)) < 1e-12
        space = Legendre(UNIT, 40, 90)
        c, _ = solved(problem, space, guess)
        middle = float(space.at(torch.tensor([[0.5]], dtype=torch.float64)).value(torch.from_numpy(c)))
        assert abs(middle - 2 * math.log(math.cosh(theta / 4))) < 1e-10


def test_without_energy_the_objective_is_the_residual_and_convergence_is_quadratic():
    problem = Problem(domain=UNIT, nonlinear="u**3", convection=5.0, exact="1 + sin(3*x)")
    iteration = Newton(WeakForm(Lagrange(mesh_for(UNIT, 50)), problem), like=F64)
    state, objectives, sizes = iteration.init(), [], []
    while not state.done:
        state = iteration.step(state)
        objectives.append(float(iteration.objective(state)["residual"]))
        sizes.append(float(state.memory["size"]))
    assert objectives[-1] < 1e-12
    tail = [size for size in sizes if size < 0.3]
    assert all(after <= 10 * before**2 + 1e-13 for before, after in zip(tail, tail[1:], strict=False)), sizes


def test_steps_are_damped_where_full_newton_steps_overflow():
    """-0.05 u'' + 3 u' + exp(u) = 1000: the first full step leads to u = 500."""
    problem = Problem(domain=UNIT, diffusion=0.05, convection=3.0, nonlinear="exp(u)", source=1000.0, boundary="2 - 4*x")
    form = WeakForm(Lagrange(mesh_for(UNIT, 50)), problem)
    c, sizes = solved(problem, form.space)
    assert len(sizes) < 20
    assert np.abs(np.delete(form.residual(c), form.fixed)).max() < 1e-9 * np.abs(form.load).max()


def test_a_neumann_problem_with_a_singular_linearization_at_zero():
    """-lap u + u^3 = 8 with zero flux: u = 2. At u = 0 the linearization is the singular operator -lap."""
    problem = Problem(domain=UNIT, nonlinear="u**3", source=8.0, boundary=(BoundaryPart("robin"),))
    c, _ = solved(problem, Lagrange(mesh_for(UNIT, 10)))
    np.testing.assert_allclose(c, 2.0, rtol=0, atol=1e-12)


def test_a_term_that_is_not_finite_initially_fails():
    found = solve(Problem(domain=UNIT, nonlinear="1/u", source=1.0, boundary=0.0), make_solver("fem", {"cells": 8}), probes=())
    assert found.status.exit_code == 1


def test_an_energy_without_minimum_ends_the_run_unsolved():
    """-u'' - u^2 = f on (0, 2) with f = 10 has no solution: the energy is unbounded below along the Newton directions."""
    problem = Problem(domain=Box(0.0, 2.0), nonlinear="-u**2", source="10", boundary=0.0)
    solution = solve(problem, "fem:cells=50")
    assert solution.status is Status.UNSOLVED and solution.state.coefficients.isfinite().all()


def test_newton_without_convergence_has_a_status_of_its_own():
    """For p = 1.01, u scales like f^100: slopes vary over more decades than there are digits, and 200 steps do not converge."""
    source = "1 + cos(2*pi*x)*sin(2*pi*y)"
    problem = Problem(domain=Box((0.0, 0.0), (1.0, 1.0)), source=source, boundary=0.0, exponent=1.01)
    solution = solve(problem, make_solver("fem", {"cells": 16}), probes=(), reference=as_field(0.0))
    assert solution.status is Status.UNCONVERGED and solution.status.exit_code == 1
    assert "did not converge" in solution.status.sentence and "guess=" in solution.status.sentence
    assert solution.step == solution.history.last("step")  # the last iterate, not an earlier one


@pytest.mark.parametrize(("p", "status"), [(3.0, Status.DONE), (15.0, Status.ROUNDING)])
def test_a_run_that_rounding_ends_says_so(p, status):
    assert solve(load_problem("p-laplacian", p=p), make_solver("fem", {"cells": 500}), probes=()).status is status
