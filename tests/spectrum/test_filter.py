"""The Gaussian filter against transforms in closed form."""

import math

import numpy as np
import pytest
import torch
from numpy.polynomial.legendre import leggauss

from pdefreq.core.errors import OptionError
from pdefreq.spectrum import filter as gaussian
from pdefreq.spectrum.filter import even_split, half_wavenumber, low_part, low_shares

REACH = 7  # standard deviations: the Gaussian beyond them is exp(-24.5) = 2e-11
SIZES = {1: 400, 2: 41, 3: 15}


def grid(d):
    """A centered grid of spacing 1, and its points that the boundary does not affect, for a standard deviation of one."""
    axis = torch.arange(SIZES[d], dtype=torch.float64) - (SIZES[d] - 1) / 2
    x = torch.cartesian_prod(*[axis] * d).reshape(-1, d)
    return x, (x.abs() <= axis[-1] - REACH).all(dim=1)


@pytest.mark.parametrize("d", SIZES)
@pytest.mark.parametrize("xi", [0.1, 0.7, 1.5])
def test_a_wave_is_multiplied_by_the_transform_of_the_gaussian(d, xi):
    x, inner = grid(d)
    p = torch.arange(1.0, d + 1, dtype=torch.float64)
    wave = torch.cos(x @ (xi * p / p.norm()) + 0.4)
    found = low_part(x, wave, 1.0)[inner]
    # on the grid sums equal integrals up to aliases of this wave, one per side and axis
    folded = 2 * d * math.exp(-((2 * math.pi - xi) ** 2) / 2)
    torch.testing.assert_close(found, math.exp(-(xi**2) / 2) * wave[inner], rtol=0, atol=folded + 1e-10)


@pytest.mark.parametrize("d", SIZES)
def test_a_filtered_gaussian_is_a_gaussian_with_the_sum_of_the_variances(d):
    x, inner = grid(d)
    tau, delta = 2.0, 1.0
    u = torch.exp(-x.square().sum(dim=1) / (2 * tau))
    expected = (tau / (tau + delta)) ** (d / 2) * torch.exp(-x.square().sum(dim=1) / (2 * (tau + delta)))
    # the product of the Gaussians has variance 2/3: its sum on the grid has an error of 2 exp(-(2 pi)^2 / 3) = 4e-6 per axis
    torch.testing.assert_close(low_part(x, u, delta)[inner], expected[inner], rtol=0, atol=5e-6 * d)


@pytest.mark.parametrize("d", [5, 10])
def test_at_random_points_the_filter_is_an_integral_over_the_box_up_to_the_sampling_error(d):
    """Including the boundary: weights and wave are products, so that the integrals are products of integrals along axes."""
    delta, xi = 0.1, 1.5
    x = torch.rand(2000, d, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = low_part(x, torch.cos(xi * x.sum(dim=1)), delta).numpy()
    nodes, weights = leggauss(40)
    nodes, weights = (nodes + 1) / 2, weights / 2
    kernel = np.exp(-((x.numpy()[:, :, None] - nodes) ** 2) / (2 * delta)) * weights
    expected = ((kernel @ np.exp(1j * xi * nodes)) / kernel.sum(axis=2)).prod(axis=1).real
    w = torch.exp(-torch.cdist(x, x).square() / (2 * delta))
    points = (w.sum(dim=1).square() / w.square().sum(dim=1)).numpy()  # effective sample size of a weighted mean, at least one
    some = points > 10
    assert some.mean() > 0.5
    deviation = (found - expected)[some] * np.sqrt(points[some])  # in units of the local standard deviation
    assert np.sqrt(np.mean(deviation**2)) < 1.2
    assert abs(np.mean(found[some] - expected[some])) < 0.1 * np.std(expected)


def test_the_filter_is_a_linear_mean_that_does_not_depend_on_the_block_size(monkeypatch):
    x = torch.rand(300, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    u = torch.stack([torch.sin(7 * x[:, 0]), x.square().sum(dim=1)], dim=1)
    both = low_part(x, u, 0.05)
    monkeypatch.setattr(gaussian, "_BLOCK", 7 * 300)
    torch.testing.assert_close(low_part(x, u[:, 0], 0.05), both[:, 0], rtol=0, atol=1e-14)
    torch.testing.assert_close(low_part(x, 2 * u[:, 0] - u[:, 1], 0.05), 2 * both[:, 0] - both[:, 1], rtol=0, atol=1e-13)
    assert (both.amax(dim=0) <= u.amax(dim=0)).all() and (both.amin(dim=0) >= u.amin(dim=0)).all()


@pytest.mark.parametrize("periods", [5, 10])
def test_an_even_split_separates_at_the_given_wave(periods):
    x = torch.linspace(0, 1, 401, dtype=torch.float64)[:, None]
    xi = 2 * math.pi * periods
    wave = torch.sin(xi * x[:, 0])
    # in the two outer periods the mean is one-sided
    assert half_wavenumber(even_split(x, wave)) == pytest.approx(xi, rel=0.5 / periods)
    assert even_split(x, wave + 5) == pytest.approx(even_split(x, wave), rel=1e-5)  # the mean is not split
    assert even_split(3 * x, wave) == pytest.approx(9 * even_split(x, wave), rel=1e-5)  # a variance


def test_the_scan_covers_all_splits_from_low_to_high():
    x = torch.rand(400, 5, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    u = torch.sin(math.pi * x).prod(dim=1)
    deltas = np.geomspace(1e-6, 1e6, 13).tolist()
    shares = low_shares(x, u, deltas)
    assert shares[0] == pytest.approx(1, abs=1e-12) and shares[-1] < 1e-10
    assert (np.diff(shares) <= 1e-12).all()
    assert low_shares(x, u, [even_split(x, u)])[0] == pytest.approx(0.5, abs=1e-5)


def test_functions_that_cannot_be_split_are_refused():
    x, ones = torch.rand(5, 2, dtype=torch.float64), torch.ones(5, dtype=torch.float64)
    with pytest.raises(OptionError, match="`delta` must be positive, got 0"):
        low_part(x, ones, 0.0)
    with pytest.raises(OptionError, match="a constant has no high part"):
        even_split(x, 3 * ones)
