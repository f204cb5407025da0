"""Roots of functions on an interval, against roots that are known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdefreq.core.interval_roots import interval_roots

SPACING = 4e-16  # two units in the last place of numbers near 1


@given(st.lists(st.floats(0.01, 0.99), min_size=1, max_size=5, unique=True))
def test_all_roots_of_linear_functions_are_found(points):
    found = interval_roots([lambda x, a=a: x - a for a in points], 0, 1)
    assert np.allclose(found, sorted(points), rtol=0, atol=SPACING)


@given(st.floats(0.1, 0.9), st.floats(-8, -2))
def test_a_thin_layer_is_found_after_its_center(center, exponent):
    width = 10.0**exponent
    found = interval_roots([lambda x: x - center, lambda x: np.abs(x - center) - width], 0, 1)
    assert np.allclose(found, [center - width, center, center + width], rtol=0, atol=SPACING)


@given(st.floats(0.1, 0.9), st.floats(-6, -2))
def test_a_close_pair_of_roots_is_found_without_its_center(center, exponent):
    width = 10.0**exponent
    found = interval_roots([lambda x: (x - center) ** 2 - width**2], 0, 1)
    assert np.allclose(found, [center - width, center + width], rtol=0, atol=1e-16 / width)  # the slope at the roots is 2 width


def test_a_jump_from_minus_to_plus_one_is_a_root():
    assert interval_roots([lambda x: np.where(x < 1 / 3, -1.0, 1.0)], 0, 1) == pytest.approx([1 / 3], abs=SPACING)


def test_ends_and_intervals_of_zeros_are_not_roots_but_the_ends_of_such_intervals_are():
    assert len(interval_roots([lambda x: x * (1 - x)], 0, 1)) == 0
    found = interval_roots([lambda x: np.maximum(x - 0.5, 0.0)], 0, 1)
    assert len(found) == 1
    assert abs(found[0] - 0.5) <= 1 / 4096


@pytest.mark.parametrize("size", [1e-170, 1e170])
def test_roots_do_not_depend_on_the_size_of_the_function(size):
    assert interval_roots([lambda x: size * (x - 0.3)], 0, 1) == pytest.approx([0.3], abs=SPACING)
