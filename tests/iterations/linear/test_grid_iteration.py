"""Laws of every iteration on a grid."""

import numpy as np
import pytest
import torch

from pdefreq.core.errors import IncompatibleError
from pdefreq.core.fields import as_field
from pdefreq.iterations.linear.conjugate_gradients import ConjugateGradients
from pdefreq.iterations.linear.gmres import Gmres
from pdefreq.iterations.linear.jacobi import Jacobi
from pdefreq.iterations.linear.multigrid import Multigrid
from pdefreq.iterations.linear.sor import LexicographicSor, RedBlackSor
from pdefreq.iterations.linear.sparse import CondensedSystem
from pdefreq.problem.problem import Problem
from pdefreq.spaces.grids.grid import Grid
from tests.iterations.grids import GRIDS, LIKE, convective, dirichlet, indefinite, mixed, neumann, run

# a method, and a number of steps after which its error on any of the grids above is at rounding level
METHODS = {
    "damped jacobi": (lambda *args, **kw: Jacobi(*args, omega=0.8, **kw), 8000),
    "gauss-seidel": (lambda *args, **kw: LexicographicSor(*args, omega=1.0, **kw), 3000),
    "sor": (lambda *args, **kw: LexicographicSor(*args, omega="optimal", **kw), 400),
    "red-black gauss-seidel": (lambda *args, **kw: RedBlackSor(*args, omega=1.0, **kw), 3000),
    "red-black sor": (lambda *args, **kw: RedBlackSor(*args, omega="optimal", **kw), 400),
    "cg": (ConjugateGradients, 200),
    "multigrid": (Multigrid, 30),
    "gmres": (lambda *args, **kw: Gmres(*args, restart=3, **kw), 10),
}
every_method = pytest.mark.parametrize("make", [make for make, _ in METHODS.values()], ids=list(METHODS))
PROBLEMS = [dirichlet, mixed, neumann]


def limit(iteration, steps):
    """The state after `steps` steps, or after 25 steps that no longer change it by more than a few rounding errors."""
    state = run(iteration, min(steps, 25))
    for _ in range(25, steps, 25):
        before = state.coefficients.clone()
        for _ in range(25):
            state = iteration.step(state)
        if float((state.coefficients - before).abs().max()) <= 4e-16 * float(before.abs().max()):
            break
    return state


@pytest.mark.parametrize("grid", GRIDS, ids=["1-D", "2-D", "3-D"])
@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("method", METHODS)
def test_steps_converge_to_the_solution_of_the_difference_equations(method, problem, grid):
    (make, steps), problem = METHODS[method], problem(grid.box)
    iteration = make(problem, grid, like=LIKE)
    state = limit(iteration, steps)
    discrete = iteration.discrete_solution(state)
    size = float(discrete.abs().max())
    # rounding: eps times condition numbers of at most 1e3
    assert float((state.coefficients - discrete).abs().max()) < 1e-12 * size
    assert float(iteration.objective(state)["residual"]) < 1e-12
    stencil = grid.stencil(problem)
    if stencil.mean is None:
        expected = CondensedSystem(grid.assemble(problem)).solve()
        assert np.abs(discrete.numpy() - expected).max() < 1e-12 * size
    else:
        assert abs(float((discrete.reshape(grid.shape) * stencil.mean).sum())) < 1e-14 * size
        assert float(stencil.residual(discrete).abs().max()) < 1e-12 * float(stencil.load.abs().max())


@pytest.mark.parametrize("grid", GRIDS, ids=["1-D", "2-D", "3-D"])
@pytest.mark.parametrize("method", ["damped jacobi", "gauss-seidel", "red-black gauss-seidel", "multigrid", "gmres"])
def test_steps_converge_for_equations_with_convection(method, grid):
    (make, steps), problem = METHODS[method], convective(grid.box)
    iteration = make(problem, grid, like=LIKE)
    found = limit(iteration, steps).coefficients.numpy()
    discrete = CondensedSystem(grid.assemble(problem)).solve()
    assert np.abs(found - discrete).max() < 1e-12 * np.abs(discrete).max()
    assert np.abs(iteration.discrete_solution(iteration.init()).numpy() - discrete).max() < 1e-12 * np.abs(discrete).max()


@pytest.mark.parametrize("grid", GRIDS, ids=["1-D", "2-D", "3-D"])
def test_indefinite_equations_are_solved_by_sine_transforms_and_by_gmres(grid):
    problem = indefinite(grid.box)
    iteration = Gmres(problem, grid, restart=20, like=LIKE)
    discrete = CondensedSystem(grid.assemble(problem)).solve()
    for u in (run(iteration, 3).coefficients, iteration.discrete_solution(iteration.init())):
        assert np.abs(u.numpy() - discrete).max() < 1e-11 * np.abs(discrete).max()  # the condition number is about 100


@pytest.mark.parametrize("method", ["sor", "red-black sor"])
@pytest.mark.parametrize("problem", [convective, indefinite])
def test_the_optimal_omega_is_known_only_for_definite_equations(method, problem):
    with pytest.raises(IncompatibleError, match=r"use `--set omega=1\.2`"):
        METHODS[method][0](problem(GRIDS[1].box), GRIDS[1], like=LIKE)


@pytest.mark.parametrize("method", ["damped jacobi", "gauss-seidel", "red-black gauss-seidel"])
def test_a_nonpositive_diagonal_is_refused(method):
    problem = Problem(domain=GRIDS[0].box, source=1.0, boundary=0.0, reaction=-40)  # 2 / h^2 = 32
    with pytest.raises(IncompatibleError, match="its smallest entry is -8: use a finer grid"):
        METHODS[method][0](problem, GRIDS[0], like=LIKE)


def test_difference_equations_at_a_resonance_are_refused():
    n, length = 8, 2.0
    c = -((2 * n / length * np.sin(3 * np.pi / (2 * n))) ** 2)
    iteration = Gmres(Problem(domain=GRIDS[0].box, source=1.0, boundary=0.0, reaction=c), GRIDS[0], restart=3, like=LIKE)
    with pytest.raises(IncompatibleError, match=r"eigenvalue of sine mode \(3\) is zero to rounding"):
        iteration.discrete_solution(iteration.init())


def test_a_grid_too_coarse_for_the_convection_has_a_note():
    box = GRIDS[0].box
    for n, noted in ((8, True), (64, False)):
        iteration = Gmres(Problem(domain=box, source=1.0, boundary=0.0, convection=20), Grid(box, (n,)), restart=9, like=LIKE)
        notes = iteration.notes(iteration.init())
        assert any("mesh Peclet number reaches 2.5" in note and "intervals=20" in note for note in notes) is noted


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("problem", PROBLEMS)
@every_method
def test_a_restored_run_continues_bit_for_bit(make, problem, dtype):
    def prepared():
        return make(problem(GRIDS[1].box), GRIDS[1], like=LIKE.to(dtype), guess=as_field(lambda x: x[:, 0].cos()))

    iteration = prepared()
    state = run(iteration, 5)
    saved = state.coefficients.clone(), {name: value.clone() for name, value in state.memory.items()}
    for _ in range(5):
        state = iteration.step(state)
    other = prepared()
    resumed = other.restore(*saved)
    assert torch.equal(resumed.coefficients, saved[0])
    for _ in range(5):
        resumed = other.step(resumed)
    assert resumed.coefficients.dtype == dtype
    assert torch.equal(resumed.coefficients, state.coefficients)
    assert all(torch.equal(resumed.memory[name], value) for name, value in state.memory.items())


@every_method
def test_a_copied_state_steps_like_the_original(make):
    iteration = make(mixed(GRIDS[1].box), GRIDS[1], like=LIKE)
    state = run(iteration, 2)
    copy = type(state)(state.space, state.coefficients.clone(), {name: value.clone() for name, value in state.memory.items()})
    after = iteration.step(state).coefficients.clone()
    assert torch.equal(iteration.step(copy).coefficients, after)


@pytest.mark.parametrize("problem", PROBLEMS)
@every_method
def test_the_objective_is_the_relative_residual_and_does_not_change_the_state(make, problem):
    grid = GRIDS[2]
    problem = problem(grid.box)
    iteration, system = make(problem, grid, like=LIKE), CondensedSystem(grid.assemble(problem))
    assert abs(float(iteration.objective(iteration.init())["residual"]) - 1) < 1e-13  # the initial function is zero
    state = run(iteration, 2)
    before = state.coefficients.clone()
    expected = np.linalg.norm(system.residual(before.numpy())) / np.linalg.norm(system.load)
    assert abs(float(iteration.objective(state)["residual"]) - expected) < 1e-13
    assert torch.equal(state.coefficients, before)


@every_method
def test_prescribed_values_do_not_change(make):
    grid, problem = GRIDS[2], mixed(GRIDS[2].box)
    stencil = grid.stencil(problem)
    known = torch.ones(grid.num_coefficients, dtype=torch.bool)
    stencil.window(known)[stencil.unknown] = False
    iteration = make(problem, grid, like=LIKE, guess=as_field(7.0))
    start = iteration.init().coefficients
    assert bool((start[~known] == 7).all())
    end = run(iteration, 20).coefficients
    # some methods update nodes on a face with two conditions, with rounding errors
    assert float((end - stencil.start.reshape(-1))[known].abs().max()) < 1e-14


@every_method
def test_the_discrete_solution_has_the_precision_of_the_state(make):
    iteration = make(neumann(GRIDS[1].box), GRIDS[1], like=LIKE.float())
    assert iteration.discrete_solution(iteration.init()).dtype == torch.float32


@every_method
@pytest.mark.parametrize("intervals", [2, 3])
@pytest.mark.parametrize("problem", PROBLEMS)
def test_the_smallest_grids(make, intervals, problem):
    for box in (grid.box for grid in GRIDS):
        iteration = make(problem(box), Grid(box, (intervals,) * box.dimension), like=LIKE)
        state = limit(iteration, 600)
        assert (
            float((state.coefficients - iteration.discrete_solution(state)).abs().max()) < 1e-8
        )  # damped Jacobi: 0.963^600 = 2e-10
