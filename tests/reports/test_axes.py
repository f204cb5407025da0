"""Scales of charts: where values are drawn, and the labels of ticks."""

import math

import numpy as np
import pytest

from pdefreq.reports.axes import Scale


@pytest.mark.parametrize("tight", [False, True])
def test_a_logarithmic_scale_maps_equal_ratios_to_equal_distances(tight):
    scale = Scale.of(np.array([0.01, 1.0, 100.0]), 0.0, 1.0, log=True, tight=tight)
    assert scale(np.array([0.01, 0.1, 1.0, 10.0, 100.0])) == pytest.approx([0, 0.25, 0.5, 0.75, 1])


def test_a_tight_scale_ends_at_the_largest_value():
    scale = Scale.of(np.array([3.0, 70.0]), 0.0, 1.0, log=True, tight=True)
    assert float(scale(70.0)) == 1.0 and float(scale(math.sqrt(210.0))) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("low", "high"), [(1e-5, 3e-5), (0.012, 0.09), (3.1, 47.0), (2.2, 4.9), (1e-4, 1e4), (6.0, 6.5), (2e-9, 1.0)]
)
def test_the_ticks_are_in_the_range_and_their_labels_are_their_values(low, high):
    scale = Scale.of(np.array([low, high]), 0.0, 1.0, log=True, tight=True)
    ticks = scale.ticks()
    assert ticks and all(low * (1 - 1e-9) <= tick <= high * (1 + 1e-9) for tick in ticks)
    for tick in ticks:
        text = scale.label(tick).translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789"))
        factor, _, power = text.rpartition("10") if "⁻" in scale.label(tick) or tick >= 1e4 else (text, "", "0")
        assert float(factor.rstrip("·") or 1) * 10.0 ** int(power or 0) == pytest.approx(tick, rel=1e-2)
