"""Stratified points: one in each cell, unbiased for every function, accurate for smooth ones."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pdefreq.core.streams import stream
from pdefreq.domains.geometry.strata import standard_error, stratified

SEEDS = 400


def uniform(n):
    return torch.linspace(0, 1, n + 1, dtype=torch.float64)


def integrals(g, n):
    """The integrals of g over (0, 1) by n cells for many seeds, and their estimated standard errors."""
    samples = [stratified([uniform(n)], stream(seed, "strata")) for seed in range(SEEDS)]
    values = [g(s.x[:, 0]) for s in samples]
    found = torch.stack([s.weights @ v for s, v in zip(samples, values, strict=True)])
    return found, torch.tensor([standard_error(v, s.weights) for s, v in zip(samples, values, strict=True)])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=3), st.integers(0, 100))
def test_every_cell_contains_one_point_and_the_weights_are_the_measures_of_the_cells(numbers, seed):
    ticks = [torch.cumsum(torch.rand(n + 1, generator=stream(seed, f"axis {k}"), dtype=torch.float64), 0)
             for k, n in enumerate(numbers)]  # fmt: skip
    samples = stratified(ticks, stream(seed, "points"))
    cells = torch.stack([torch.bucketize(samples.x[:, k].contiguous(), t, right=True) - 1 for k, t in enumerate(ticks)], dim=1)
    assert cells.equal(torch.cartesian_prod(*[torch.arange(n) for n in numbers]).reshape(-1, len(numbers)))
    assert float(samples.weights.sum()) == pytest.approx(math.prod(float(t[-1] - t[0]) for t in ticks), rel=1e-13)


@pytest.mark.parametrize("waves", [16, 32, 160])
def test_integrals_of_functions_that_vanish_on_a_uniform_grid_are_unbiased(waves):
    """sin^2(16 pi x) is zero at all nodes of a grid with 16 intervals, where a trapezoidal rule finds 0 instead of 1/2."""
    found, _ = integrals(lambda x: torch.sin(waves * math.pi * x) ** 2, 16)
    assert float(found.mean()) == pytest.approx(0.5, abs=5 * float(found.std()) / math.sqrt(SEEDS))


def test_the_error_for_smooth_functions_is_of_order_three_halves():
    """The variance of one point in a cell of width h is h^2 (h g')^2 / 12, so that the sum has 0.289 h^(3/2) ||g'||."""
    for n in (16, 64, 256):
        found, _ = integrals(torch.exp, n)
        rms = float((found - (math.e - 1)).square().mean().sqrt())
        norm = math.sqrt((math.e**2 - 1) / 2)  # of g' = exp
        assert rms == pytest.approx(norm * n**-1.5 / math.sqrt(12), rel=0.15)  # the sample deviation of 400 has 3.5 %


@pytest.mark.parametrize("waves", [1, 40])
def test_the_standard_error_is_not_too_small_on_average(waves):
    found, estimated = integrals(lambda x: torch.sin(waves * math.pi * x) ** 2, 32)
    assert float(found.std()) <= 1.15 * float(estimated.square().mean().sqrt())  # 3.5 % of either, four times


def test_the_standard_error_of_independent_points_is_that_of_the_mean():
    """The mean of n uniform numbers has the variance 1 / (12 n)."""
    x = torch.rand(100_000, generator=stream(0, "independent"), dtype=torch.float64)
    assert standard_error(x, torch.full_like(x, 1e-5)) == pytest.approx(math.sqrt(1 / 12e5), rel=0.02)
