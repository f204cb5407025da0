"""The number of functions that waves span on a box."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch

from pdefreq.spaces.features.effective_dimension import effective_dimension, num_significant
from pdefreq.spaces.features.wave_bands import WaveBands


@pytest.mark.parametrize("bandwidth", [2.5, 9.0, 30.0])
@pytest.mark.parametrize("accuracy", [1e-3, 1e-8])
def test_the_number_is_that_of_the_eigenvalues_of_the_sinc_kernel_above_the_squared_accuracy(bandwidth, accuracy):
    """The squared singular values are the eigenvalues of sin(c (x - y)) / (pi (x - y)) (Slepian and Pollak, 1961)."""
    nodes, weights = np.polynomial.legendre.leggauss(160)
    c, scale = math.pi * bandwidth / 2, np.sqrt(weights)
    kernel = c / math.pi * np.sinc(c * np.subtract.outer(nodes, nodes) / math.pi)
    values = np.linalg.eigvalsh(scale[:, None] * kernel * scale)
    floor = 1e-15  # rounding; 1e-16 = accuracy^2 is not resolved by eigenvalues, and one value may lie on either side of it
    expected = (values > max(accuracy**2, floor) * values.max()).sum()
    assert abs(num_significant(bandwidth, accuracy) - expected) <= (0 if accuracy**2 > floor else 2)


@pytest.mark.parametrize("bandwidth", [20.0, 80.0])
def test_each_half_wave_adds_one_function(bandwidth):
    """The excess grows like log R: by (2 / pi^2) log(1 / accuracy) log 2 = 3.9 for a doubled R, plus or minus one by rounding."""
    first, second = (num_significant(r, 1e-12) - r for r in (bandwidth, 2 * bandwidth))
    assert abs(second - first - 2 / math.pi**2 * math.log(1e12) * math.log(2)) <= 1


def test_the_extrapolation_is_continuous():
    """Below and above R = 200, the numbers differ by the half wave between them, and by one by rounding."""
    assert abs(num_significant(200.5, 1e-12) - num_significant(199.5, 1e-12) - 1) <= 1


def test_the_number_of_a_box_is_the_product_of_its_axes():
    product = num_significant(6.0, 1e-6) * num_significant(9.0, 1e-6)
    assert effective_dimension(WaveBands.box((6.0, 9.0)), 1e-6) == product


@pytest.mark.parametrize("dimension", [1, 2])
def test_neighborhoods_have_as_many_functions_as_samples_of_their_waves_have_singular_values(dimension):
    """Singular values of dense samples of the waves are counted; the estimate is between 0.85 and 1.4 times their number.

    It counts products of two functions with singular values above the accuracy, also those whose product is below it. The mean
    length of the intervals replaces that of each one, and the amplitudes of neighboring intervals add up.
    """
    accuracy = 1e-6
    points = torch.tensor([[12.0] * dimension], dtype=torch.float64)
    bands = WaveBands.around(points, (4.0,) * dimension)
    generator = torch.Generator().manual_seed(0)
    w = math.pi * bands.draw(150 if dimension == 1 else 600, generator).numpy()
    axis = np.polynomial.legendre.leggauss(50 if dimension == 1 else 36)
    x = np.array([*itertools.product(axis[0] / 2, repeat=dimension)])
    weights = np.prod(np.array([*itertools.product(axis[1] / 2, repeat=dimension)]), axis=1)
    phases = x @ w.T
    waves = np.sqrt(weights)[:, None] * np.concatenate([np.cos(phases), np.sin(phases)], axis=1)
    values = np.sqrt(np.linalg.eigvalsh(waves.T @ waves).clip(min=0))
    counted = int((values > accuracy * values.max()).sum())
    assert 0.85 <= effective_dimension(bands, accuracy) / counted <= 1.4


def test_a_union_of_cells_that_is_a_box_has_the_number_of_the_box():
    """The general rule for cells, with a box that has a small hole in the middle: the dilated sets are equal."""
    box = WaveBands.box((12.0, 12.0))
    inner = (box.corners == torch.tensor([5.0, 5.0])).all(dim=1)
    holed = WaveBands(box.corners[~inner], box.widths)
    assert effective_dimension(holed, 1e-9) == pytest.approx(effective_dimension(box, 1e-9), rel=0.05)  # the mean run is shorter
