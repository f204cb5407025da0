"""Predictions from the matrix of one step, against the iterations."""

import functools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pdefreq.iterations.linear.jacobi import Jacobi
from pdefreq.iterations.linear.multigrid import Multigrid
from pdefreq.iterations.linear.sor import LexicographicSor, RedBlackSor
from pdefreq.spectrum.modes import make_modes
from pdefreq.theory.relaxation import propagate
from tests.iterations.grids import GRIDS, LIKE, convective, dirichlet, mixed, neumann

METHODS = {
    "damped": functools.partial(Jacobi, omega=0.7),
    "lexicographic": functools.partial(LexicographicSor, omega=1.2),
    "red-black": functools.partial(RedBlackSor, omega=1.2),
    "multigrid": Multigrid,
}
STEPS = [0, 1, 2, 5, 40]


def measured(iteration, grid, modes, steps):
    state = iteration.init()
    discrete, rows = iteration.discrete_solution(state).numpy(), []
    for step in range(max(steps) + 1):
        if step in steps:
            rows.append(modes.coefficients(state.coefficients.numpy() - discrete, grid))
        state = iteration.step(state)
    return np.array(rows)


@pytest.mark.parametrize("grid", GRIDS[:2], ids=lambda g: f"{len(g.intervals)}-d")
@pytest.mark.parametrize("problem", [dirichlet, mixed, neumann, convective])
@pytest.mark.parametrize("method", METHODS)
def test_every_mode_decays_as_predicted_by_the_matrix_of_a_step(method, problem, grid):
    """For all coefficients, conditions and modes, including signs: by theory, or by the matrix where theory is not exact."""
    iteration, kind = METHODS[method](problem(grid.box), grid, like=LIKE), "cosine" if problem is neumann else "sine"
    modes = make_modes(kind, grid.box, intervals=grid.intervals)
    prediction = iteration.predict(modes, torch.tensor(STEPS))
    assert ("matrix" in prediction.note) == (problem is not dirichlet or method in ("lexicographic", "multigrid"))
    found = measured(iteration, grid, modes, STEPS)
    shown = np.abs(found[0]) > 1e-3 * np.abs(found[0]).max()
    assert shown.sum() > 3
    # rounding of the largest error over the smallest error compared, 1e3 eps, and rounding of 40 sweeps
    np.testing.assert_allclose(prediction.curves.numpy()[:, shown], found[:, shown] / found[0, shown], atol=1e-11)


@pytest.mark.parametrize("method", METHODS)
def test_a_step_reduces_an_error_of_one_mode_by_its_own_rate(method):
    """One step from the solution plus one mode: the remaining amplitude of this mode, and the amplitudes of all others."""
    grid = GRIDS[1]
    iteration = METHODS[method](dirichlet(grid.box), grid, like=LIKE)
    modes = make_modes("sine", grid.box, [[1, 2], [4, 3], [8, 6]])
    every = make_modes("sine", grid.box, intervals=grid.intervals)
    prediction = iteration.predict(modes, torch.arange(2))
    discrete = iteration.discrete_solution(iteration.init())
    for place, number in enumerate(modes.indices):
        lower, lengths = (torch.tensor(side, dtype=torch.float64) for side in (grid.box.lower, grid.box.lengths))
        wave = torch.sin(np.pi * torch.from_numpy(number).double() * (grid.nodes - lower) / lengths)
        state = iteration.step(iteration.restore(discrete + wave.prod(dim=1), {}))
        left = every.coefficients((state.coefficients - discrete).numpy(), grid)
        own = int((every.indices == number).all(axis=1).argmax())
        rate = 1 - left[own]
        others = np.linalg.norm(np.delete(left, own))
        assert float(prediction.rayleigh_quotients[place]) == pytest.approx(rate, abs=1e-13)
        assert float(prediction.eigen_residuals[place]) == pytest.approx(others / rate, abs=1e-12)
    assert (float(prediction.eigen_residuals.max()) < 1e-12) == (
        method == "damped"
    )  # only for Jacobi, whose eigenvectors are the modes


def test_a_large_grid_has_rates_but_no_curves():
    """With 33^2 unknowns no matrix is formed: one cycle is applied to each mode, and a note recommends a coarser grid."""
    from pdefreq.spaces.grids.grid import Grid

    grid = Grid(GRIDS[1].box, (34, 34))
    modes = make_modes("sine", grid.box, [[1, 1], [33, 33]])
    prediction = Multigrid(dirichlet(grid.box), grid, like=LIKE).predict(modes, torch.arange(3))
    assert not prediction.curves.isfinite().any() and "`intervals`" in prediction.note
    assert float(prediction.rayleigh_quotients[0]) > 0.5


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 300), min_size=1, max_size=8), st.integers(0, 2**31))
def test_propagation_to_given_steps_agrees_with_repeated_products(steps, seed):
    """For any steps with any spacing."""
    generator = torch.Generator().manual_seed(seed)
    matrix = torch.randn(5, 5, generator=generator, dtype=torch.float64) / 4
    start, steps = torch.randn(5, generator=generator, dtype=torch.float64), sorted(steps)
    error, rows = start, []
    for _ in range(max(steps) + 1):
        rows.append(error)
        error = matrix @ error
    expected = torch.stack(rows)[steps]
    size = max(1.0, float(torch.stack(rows).abs().max()))  # a random matrix may amplify
    torch.testing.assert_close(propagate(matrix, start, torch.tensor(steps)), expected, atol=1e-11 * size, rtol=1e-9)
