"""The number of features for a set of wavevectors."""

from __future__ import annotations

import pytest
import torch

from pdefreq.solvers.feature_bands import num_features
from pdefreq.spaces.features.wave_bands import WaveBands


@pytest.mark.parametrize(("dimension", "density"), [(1, 2.0), (2, 1.0)])
def test_small_bandwidths_have_a_fixed_number_of_features_per_unit_volume(dimension, density):
    bands = WaveBands.box((8.0,) * dimension)
    assert num_features(bands) == density * 16.0**dimension


@pytest.mark.parametrize("dimension", [1, 2])
def test_large_bandwidths_need_few_features_per_half_wave(dimension):
    """The number tends to 1.5 or 1.2 per half wave; the excess of about 30 functions per axis is below 50 % at R = 100."""
    bands = WaveBands.box((100.0,) * dimension)
    per_half_wave = (num_features(bands) / 100.0**dimension / (1.5 if dimension == 1 else 1.2)) ** (1 / dimension)
    assert 1.0 < per_half_wave < 1.5


def test_narrow_neighborhoods_in_space_have_more_features_per_unit_volume_than_a_box():
    """An interval of 5 wavenumbers spans about 6 functions and not 2.5, along each of three axes."""
    far = torch.tensor([[40.0, 40.0, 40.0]], dtype=torch.float64)
    near, box = WaveBands.around(far, (2.0,) * 3), WaveBands.box((20.0,) * 3)
    assert num_features(near) / near.volume > 4 * num_features(box) / box.volume


def test_the_number_of_features_of_a_problem_is_between_that_of_parts_of_its_wavevectors_and_their_sum():
    points = torch.tensor([[4.0, 40.0], [40.0, 4.0]], dtype=torch.float64)
    one, other, both = (WaveBands.around(each, (8.0, 8.0)) for each in (points[:1], points[1:], points))
    parts = num_features(one), num_features(other)
    assert max(parts) < num_features(both) <= sum(parts)
