"""Two-grid theory compared with matrices of cycles, written from the five-point formula, independent of the theory."""

import functools
import math

import numpy as np
import pytest
import torch
from scipy.fft import dstn, idstn

from pdefreq.core.errors import OptionError
from pdefreq.theory.two_grid import TwoGrid


def laplacian(cycle, intervals):
    """A on the unknowns: the Kronecker sum of second differences, plus the reaction."""
    total = 0
    for axis, (n, length) in enumerate(zip(intervals, cycle.lengths, strict=True)):
        second = (n / length) ** 2 * (2 * np.eye(n - 1) - np.eye(n - 1, k=1) - np.eye(n - 1, k=-1))
        parts = [second if a == axis else np.eye(m - 1) for a, m in enumerate(intervals)]
        total = total + functools.reduce(np.kron, parts)
    return cycle.diffusion * total + cycle.reaction * np.eye(len(total))


def interpolation(intervals):
    """Linear interpolation along each axis: weights 1 for the coarse node itself and 1/2 for its neighbors."""
    parts = []
    for n in intervals:
        p = np.zeros((n - 1, n // 2 - 1))
        for j in range(n // 2 - 1):
            p[2 * j : 2 * j + 3, j] = [0.5, 1, 0.5]
        parts.append(p)
    return functools.reduce(np.kron, parts)


def cycle_matrix(cycle):
    a = laplacian(cycle, cycle.intervals)
    identity = np.eye(len(a))
    jacobi = identity - a / a[0, 0]
    if cycle.smoother == "red-black":
        index = np.add.reduce(np.meshgrid(*[np.arange(1, n) for n in cycle.intervals], indexing="ij")).reshape(-1)
        red, black = np.diag(index % 2 == 0).astype(float), np.diag(index % 2 == 1).astype(float)
        sweep = (black @ jacobi + red) @ (red @ jacobi + black)
    else:
        sweep = (1 - cycle.omega) * identity + cycle.omega * jacobi
    p = interpolation(cycle.intervals)
    coarse = laplacian(cycle, [n // 2 for n in cycle.intervals])
    restrict = p.T / 2 ** len(cycle.intervals)
    correction = identity - p @ np.linalg.solve(coarse, restrict @ a) if p.size else identity
    return np.linalg.matrix_power(sweep, cycle.post) @ correction @ np.linalg.matrix_power(sweep, cycle.pre)


CYCLES = [
    TwoGrid((16,), (2.0,)),
    TwoGrid((32,), (1.0,), omega=0.8, pre=2, post=0, diffusion=0.3, reaction=5.0),
    TwoGrid((18,), (1.0,), smoother="red-black"),  # n/2 is odd
    TwoGrid((2,), (1.0,)),  # only the mode that vanishes on the coarse grid
    TwoGrid((12, 8), (1.0, 2.0), omega=0.8, reaction=3.0),
    TwoGrid((8, 12), (1.0, 1.0), smoother="red-black", pre=1, post=2, reaction=3.0),
    TwoGrid((4, 6, 8), (1.0, 1.0, 2.0), omega=0.7),
    TwoGrid((4, 6, 6), (1.0, 1.0, 1.0), smoother="red-black"),
]


@pytest.mark.parametrize("cycle", CYCLES, ids=str)
def test_amplitudes_of_all_modes_over_six_cycles(cycle):
    shape = tuple(n - 1 for n in cycle.intervals)
    start = np.random.default_rng(0).normal(size=shape)
    predicted = cycle.amplitudes(torch.from_numpy(start), 6).numpy()
    error, matrix = idstn(start, type=1), cycle_matrix(cycle)
    for t in range(7):
        np.testing.assert_allclose(predicted[t], dstn(error, type=1), atol=1e-13)  # amplitudes of at most order one
        error = (matrix @ error.reshape(-1)).reshape(shape)


@pytest.mark.parametrize("cycle", CYCLES, ids=str)
def test_the_radius_is_that_of_the_whole_cycle_and_each_mode_belongs_to_one_block(cycle):
    # eigenvalues of a nilpotent block have an error of the root of rounding, or more if it is defective
    assert cycle.radius() == pytest.approx(np.abs(np.linalg.eigvals(cycle_matrix(cycle))).max(), abs=1e-6)
    indices = torch.cat([block.indices for block in cycle.blocks()])
    assert len(torch.unique(indices, dim=0)) == len(indices) == math.prod(n - 1 for n in cycle.intervals)


def test_radii_agree_with_the_textbook():
    """Trottenberg et al.: omega = 2/3 in 1-D reduces high modes to 1/3 per sweep; omega = 4/5 in 2-D: 0.6 for one sweep, 0.36 for
    two; red-black Gauss-Seidel in 2-D: 0.25 for one sweep (rediscretized, full weighting), 0.074 for two.
    """
    one = TwoGrid((128,), (1.0,), pre=1, post=0).radius()
    assert one == pytest.approx(1 / 3, abs=1e-3)
    jacobi = [TwoGrid((64, 64), (1.0, 1.0), omega=0.8, pre=nu, post=0).radius() for nu in (1, 2)]
    np.testing.assert_allclose(jacobi, [0.6, 0.36], atol=5e-3)  # limits for fine grids
    red_black = [TwoGrid((64, 64), (1.0, 1.0), smoother="red-black", pre=nu, post=0).radius() for nu in (1, 2)]
    np.testing.assert_allclose(red_black, [0.25, 0.074], atol=2e-3)


def test_radii_do_not_grow_as_the_grid_is_refined():
    radii = [TwoGrid((n,), (1.0,)).radius() for n in (8, 64, 512)]
    assert max(radii) < 0.12


def test_odd_grids_and_unknown_smoothers_are_refused():
    with pytest.raises(OptionError, match="even number of intervals"):
        TwoGrid((16, 9), (1.0, 1.0))
    with pytest.raises(OptionError, match="'damped-jacobi' or 'red-black', got 'sor'"):
        TwoGrid((16,), (1.0,), smoother="sor")
