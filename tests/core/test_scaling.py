import math

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from pdefreq.core.scaling import power_of_two_near

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(NUMBERS, min_size=1, max_size=5))
def test_division_by_the_unit_is_exact_and_squares_are_neither_zero_nor_infinite(values):
    x = np.array(values)
    largest = np.abs(x).max()
    unit = power_of_two_near(x)
    assert math.frexp(unit)[0] == 0.5  # a power of two
    if largest >= np.finfo(float).tiny:
        scaled = x / unit
        assert 1 <= np.abs(scaled).max() < 4
        normal = np.abs(scaled) >= np.finfo(float).tiny
        np.testing.assert_array_equal((scaled * unit)[normal], x[normal])
    assert power_of_two_near(torch.from_numpy(x)) == unit


def test_the_unit_of_nothing_is_one():
    for x in (np.zeros(3), np.empty(0), np.array([np.nan]), np.array([np.inf])):
        assert power_of_two_near(x) == 1.0
