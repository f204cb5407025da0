import pytest

from pdefreq.domains.box import Box
from pdefreq.iterations.multigrid import Multigrid
from pdefreq.spaces.grid import Grid
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
    assert max(counts) <= 10  # about a factor of ten a cycle


@pytest.mark.slow
@pytest.mark.parametrize("problem", [dirichlet, mixed, neumann])
def test_nor_does_it_on_large_grids(problem):
    counts = [cycles(problem, n) for n in (64, 128, 256, 512, 1024)]
    assert max(counts) <= min(counts) + 1
