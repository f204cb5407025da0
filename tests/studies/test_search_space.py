"""Points of sweeps: the ends, the scales and the distribution of the values."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdefreq.core.errors import OptionError
from pdefreq.studies.search_space import Range, Values, grid_points, sample_points

FRACTIONS = st.floats(0, 1, exclude_max=True)


@given(st.floats(1e-6, 1e6), st.floats(1.001, 1e6), FRACTIONS, st.booleans())
def test_values_of_a_range_lie_in_it_and_increase(low, ratio, fraction, log):
    interval = Range(low, low * ratio, log=log)
    rounding = 1e-12 * low * ratio
    assert low - rounding <= interval.at(fraction) <= low * ratio + rounding
    assert interval.at(fraction / 2) <= interval.at(fraction) + rounding


def test_a_logarithmic_range_has_the_geometric_mean_in_its_middle():
    assert Range(1e-4, 1e-2, log=True).at(0.5) == pytest.approx(1e-3)
    assert Range(0, 10).at(0.5) == pytest.approx(5)


@pytest.mark.parametrize("log", [False, True])
def test_an_integer_range_takes_each_of_its_values(log):
    found = {Range(1, 6, log=log, integer=True).at(float(u)) for u in np.linspace(0, 1, 1000, endpoint=False)}
    assert found == {1, 2, 3, 4, 5, 6}
    assert all(isinstance(value, int) for value in found)


def test_each_integer_of_a_uniform_range_is_equally_frequent():
    counts = np.bincount([Range(1, 4, integer=True).at(float(u)) for u in np.linspace(0, 1, 4000, endpoint=False)])[1:]
    assert np.ptp(counts) <= 2  # rounding at the borders


@pytest.mark.parametrize("text", ["", "1", "1:", "1:2:lag", "2:1", "1:1", "0:1:log", "nan:1", "a:b", "0.2:0.8:int"])
def test_a_text_that_is_no_range_is_refused(text):
    with pytest.raises(OptionError, match=r"range"):
        Range.parse(text)


@pytest.mark.parametrize("values", [[], [1, 1], ["a", "a"]])
def test_a_list_needs_different_values(values):
    with pytest.raises(OptionError, match="needs different values"):
        Values(values)


def test_a_grid_has_all_combinations_once():
    points = grid_points({"a": Values([1, 2, 3]), "b": Values([True, False])})
    assert len({tuple(point.values()) for point in points}) == len(points) == 6
    with pytest.raises(OptionError, match="more than 10,000"):
        grid_points({name: Values(range(101)) for name in "ab"})


AXES = {"rate": Range(1e-4, 1.0, log=True), "width": Range(5, 50, integer=True), "activation": Values(["sin", "tanh"])}


@pytest.mark.parametrize("search", ["sobol", "random"])
def test_a_sample_depends_on_its_seed_alone(search):
    points = sample_points(AXES, 12, search=search, seed=3)
    assert points == sample_points(AXES, 12, search=search, seed=3)
    assert points != sample_points(AXES, 12, search=search, seed=4)
    assert len(points) == 12


def test_a_sobol_sample_covers_each_option_evenly():
    """Each of 16 equal parts of an axis contains exactly one of 16 points: the definition of a digital net in base 2."""
    rates = [math.log10(point["rate"]) for point in sample_points(AXES, 16)]
    assert sorted(int((rate + 4) / 4 * 16) for rate in rates) == [*range(16)]


@pytest.mark.parametrize("number", [0, -1, 10_001])
def test_a_wrong_number_of_points_is_refused(number):
    with pytest.raises(OptionError, match="`samples` must be between"):
        sample_points(AXES, number)
