"""Two-grid cycles against their theory, which tests/theory compares with matrices, and their discrete solution."""

import numpy as np
import pytest
import torch
from scipy.fft import dstn

from pdefreq.core.errors import IncompatibleError, OptionError
from pdefreq.domains.box import Box
from pdefreq.iterations.linear.two_grid import TwoGridCycle
from pdefreq.problem.boundary_conditions import BoundaryPart
from pdefreq.problem.problem import Problem
from pdefreq.solvers.names import make_solver
from pdefreq.spaces.grids.grid import Grid
from pdefreq.spectrum.modes import make_modes
from pdefreq.theory.two_grid import CYCLES, TwoGrid

LIKE = torch.empty(0, dtype=torch.float64)
CASES = [((16,), (2.0,), 1, 1, 0.0), ((18,), (1.0,), 2, 0, 5.0), ((2,), (1.0,), 1, 0, 0.0), ((12, 8), (1.0, 2.0), 0, 2, 3.0)]
CASES += [((4, 6, 8), (1.0, 1.0, 2.0), 1, 1, 0.0)]


def cycle(intervals, lengths, pre, post, reaction, omega=0.7):
    grid = Grid(Box((0.0,) * len(lengths), lengths), intervals)
    source = lambda x: torch.exp(x.sum(dim=1)) * torch.cos(9 * x[:, 0])  # noqa: E731
    problem = Problem(domain=grid.box, source=source, diffusion=0.3, reaction=reaction, boundary=(BoundaryPart("dirichlet"),))
    return TwoGridCycle(problem, grid, omega=omega, pre=pre, post=post, like=LIKE)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_mode_of_the_error_decays_as_predicted(case):
    """All modes of the grid with an initial amplitude of at least 1/1000: smaller ones are dominated by rounding."""
    iteration = cycle(*case)
    intervals = case[0]
    every = np.stack(np.meshgrid(*[np.arange(1, n) for n in intervals], indexing="ij"), axis=-1).reshape(-1, len(intervals))
    modes = make_modes("sine", Box((0.0,) * len(intervals), case[1]), every)
    prediction = iteration.predict(modes, torch.arange(6))
    state = iteration.init()
    discrete = iteration.discrete_solution(state)
    rows = []
    for _ in range(6):
        error = (state.coefficients - discrete).reshape([n + 1 for n in intervals])[(slice(1, -1),) * len(intervals)]
        rows.append(dstn(error.numpy(), type=1).reshape(-1))
        state = iteration.step(state)
    start = rows[0]
    shown = np.abs(start) > 1e-3 * np.abs(start).max()
    np.testing.assert_allclose(np.array(rows)[:, shown] / start[shown], prediction.curves.numpy()[:, shown], atol=1e-11)
    assert shown.sum() > 0


def test_curves_continue_at_the_rate_of_their_block_beyond_the_computed_cycles():
    grid = TwoGrid((8,), (1.0,), omega=0.01, pre=1, post=0)  # hardly any smoothing: slow
    curves, radii = grid.curves(
        torch.tensor([[7]]), torch.ones(7, dtype=torch.float64), torch.tensor([CYCLES, CYCLES + 9, 10**7])
    )
    assert float(curves[1, 0] / curves[0, 0]) == pytest.approx(float(radii[0]) ** 9, rel=1e-9)
    assert float(curves[2, 0]) == 0 or float(curves[2, 0]) < 1e-300


def test_unsupported_problems_are_refused():
    with pytest.raises(OptionError, match="even number of intervals"):
        cycle((7,), (1.0,), 1, 1, 0.0)
    with pytest.raises(OptionError, match="`intervals` must be even"):
        make_solver("two-grid", {"intervals": 7})
    grid = Grid(Box((0.0,), (1.0,)), (8,))
    varied = Problem(domain=grid.box, source=1.0, diffusion=lambda x: 1 + x[:, 0], boundary=(BoundaryPart("dirichlet"),))
    with pytest.raises(IncompatibleError, match="use `multigrid`"):
        TwoGridCycle(varied, grid, omega=0.7, pre=1, post=1, like=LIKE)
