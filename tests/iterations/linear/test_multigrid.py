import pytest

from pdefreq.domains.box import Box
from pdefreq.iterations.linear.multigrid import Multigrid
from pdefreq.problem.problem import Problem
from pdefreq.spaces.grids.grid import Grid
from tests.iterations.grids import LIKE, dirichlet, mixed, neumann


def cycles(problem, intervals):
    box = Box((0.0, 0.0), (1.0, 1.0))
    iteration = Multigrid(problem(box), Grid(box, (intervals,) * 2), like=LIKE)
    state, count = iteration.init(), 0
    while float(iteration.objective(state)["residual"]) > 1e-8:
        state, count = iteration.step(state), count + 1
    return count


@pytest.mark.parametrize("problem", [dirichlet, mixed, neumann])
def test_the_number_of_cycles_does_not_depend_on_the_grid(problem):
    counts = [cycles(problem, n) for n in (64, 128, 256)]
    assert max(counts) <= min(counts) + 1
    assert max(counts) <= 10  # a factor of about ten per cycle


def test_convergence_with_convection_depends_on_the_mesh_peclet_number():
    """Below 1 there are about as many cycles as without convection; above it a note recommends another method."""
    box = Box((0.0, 0.0), (1.0, 1.0))

    def convected(box):
        return Problem(domain=box, source=1.0, boundary=0.0, diffusion=0.03, convection=[1, 2])

    assert max(cycles(convected, n) for n in (36, 64)) <= 10  # mesh Peclet numbers 0.93 and 0.52
    coarse = Multigrid(convected(box), Grid(box, (8, 8)), like=LIKE)
    *_, note = coarse.notes(coarse.init())
    assert "may diverge; use `gmres`" in note


@pytest.mark.slow
@pytest.mark.parametrize("problem", [dirichlet, mixed, neumann])
def test_the_number_of_cycles_does_not_depend_on_the_size_of_large_grids(problem):
    counts = [cycles(problem, n) for n in (64, 128, 256, 512, 1024)]
    assert max(counts) <= min(counts) + 1
