"""GMRES on a grid, against dense least squares over its Krylov space and against the direct solution."""

import numpy as np
import pytest
import torch

from pdefreq import solve
from pdefreq.core.errors import IncompatibleError, OptionError
from pdefreq.core.history import Status
from pdefreq.domains.box import Box
from pdefreq.iterations.linear.gmres import Gmres
from pdefreq.iterations.linear.sparse import CondensedSystem
from pdefreq.problem.problem import Problem
from pdefreq.solvers.names import make_solver
from pdefreq.spaces.grids.grid import Grid
from pdefreq.spectrum.modes import make_modes
from tests.iterations.grids import GRIDS, LIKE, convective, indefinite, run

SQUARE = Box((0.0, 0.0), (1.0, 1.0))


@pytest.mark.parametrize("problem", [convective, indefinite])
def test_a_cycle_has_the_smallest_residual_of_its_krylov_space(problem):
    """|b - A u| is minimal over M span(b, A M b, ...), by least squares; the preconditioner M is formed by columns."""
    grid = GRIDS[1]
    system = CondensedSystem(grid.assemble(problem(grid.box)))
    a, b = system.matrix.toarray(), system.load
    for restart in (1, 2, 4):
        iteration = Gmres(problem(grid.box), grid, restart=restart, like=LIKE)
        found = float(iteration.objective(run(iteration, 1))["residual"])
        m = np.column_stack([iteration._method._preconditioner @ e for e in np.eye(len(b))])
        basis = b[:, None] / np.linalg.norm(b)
        while basis.shape[1] < restart:
            basis = np.linalg.qr(np.column_stack([basis, a @ (m @ basis[:, -1])]))[0]
        image = a @ m @ basis
        best = np.linalg.norm(b - image @ np.linalg.lstsq(image, b, rcond=None)[0]) / np.linalg.norm(b)
        assert found == pytest.approx(best, rel=1e-9)


CASES = {
    "convection-diffusion": {"convection": ["1", "2"]},
    "little diffusion": {"convection": ["1", "2"], "diffusion": 1e-2},
    "hardly any": {"convection": ["1", "2"], "diffusion": 1e-3},
    "Helmholtz": {"reaction": -100},
    "both": {"convection": ["1", "2"], "reaction": -40, "diffusion": 0.1},
    "anisotropic": {"diffusion": [["1", "0"], ["0", "100"]]},
}


@pytest.mark.parametrize("name", CASES)
def test_a_few_cycles_solve_equations_that_other_methods_cannot(name):
    problem = Problem(domain=SQUARE, exact="sin(pi*x)*exp(y)*cos(2*y)", **CASES[name])
    solution = solve(problem, "gmres:intervals=32")
    assert solution.status in (Status.DONE, Status.CONVERGED) and int(solution.history.last("step")) <= 4
    discrete = CondensedSystem(solution.state.space.assemble(problem)).solve()
    # |A^-1| times a residual of 1e-10; the condition numbers are at most 1e4
    assert np.abs(solution.state.coefficients.numpy() - discrete).max() < 1e-7 * np.abs(discrete).max()


def test_the_helmholtz_equation_in_one_dimension():
    problem, errors = Problem(domain=Box((0.0,), (1.0,)), reaction=-400, exact="sin(3*pi*x) + sin(12*pi*x)/4"), []
    for n in (125, 250, 500):
        state = solve(problem, f"gmres:intervals={n}").state
        errors.append(float((state.coefficients - problem.exact(state.space.nodes)).abs().max()))
    assert np.log2(np.divide(errors[:-1], errors[1:])) == pytest.approx([2, 2], abs=0.02)
    assert errors[-1] < 1e-3


def test_stagnating_cycles_are_reported():
    """A Krylov space of one dimension is too small for an indefinite equation."""
    problem = Problem(domain=SQUARE, reaction=-2000, exact="sin(pi*x)*exp(y)*cos(2*y)")
    solution = solve(problem, "gmres:intervals=24,restart=1")
    assert solution.status is Status.STALLED
    assert any("GMRES with restart=1 stagnates: use a larger `restart`" in note for note in solution.notes)


def test_gmres_has_no_theory_of_modes_and_its_options_have_ranges():
    iteration = Gmres(indefinite(SQUARE), Grid(SQUARE, (8, 8)), restart=5, like=LIKE)
    with pytest.raises(IncompatibleError, match="no theory of modes for GMRES"):
        iteration.predict(make_modes("sine", SQUARE, [[1, 1]]), torch.arange(3))
    with pytest.raises(OptionError, match="`restart` must be at least 1"):
        make_solver("gmres", {"restart": 0})
