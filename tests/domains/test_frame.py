"""Units of numbers and of coordinates."""

import math

from hypothesis import given
from hypothesis import strategies as st

from pdefreq.domains.box import Box
from pdefreq.domains.frame import Frame, origin_of, power_of_ten_near

SIZES = st.floats(1e-100, 1e100)
POWERS = st.integers(-150, 150)


@given(SIZES, POWERS)
def test_the_unit_of_a_multiple_is_that_multiple_of_the_unit(size, power):
    """For powers of ten, unless rounding moves a size over a bound between two units."""
    bound = abs(math.log10(size) % 1 - 0.5)
    assert bound < 1e-12 or power_of_ten_near(size * 10.0**power) == float(
        f"1e{round(math.log10(power_of_ten_near(size))) + power}"
    )


@given(SIZES)
def test_a_size_is_within_half_a_decade_of_its_unit(size):
    assert abs(math.log10(size / power_of_ten_near(size))) <= 0.5 + 1e-12


def test_sizes_without_a_unit_have_the_unit_one():
    assert power_of_ten_near(0.0) == power_of_ten_near(math.inf) == power_of_ten_near(math.nan) == 1


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e3).map(power_of_ten_near))
def test_an_offset_is_left_within_five_units(value, unit):
    """Half of the spacing of offsets, ten units, up to the rounding of a value 1e9 times the unit."""
    assert abs(value - origin_of(value, unit)) <= 5 * unit * (1 + 1e-6)


def test_an_offset_far_beyond_the_unit_is_the_value_itself():
    assert origin_of(300.0, 1e-150) == 300


@given(st.floats(-1e3, 1e3), st.floats(1e-3, 1e3))
def test_in_its_frame_a_box_lies_near_the_origin_and_has_about_unit_size(lower, side):
    frame = Frame.of(Box((lower,), (lower + side,)))
    low, high = ((x - frame.origin[0]) / frame.units[0] for x in (lower, lower + side))
    # half the side is within half a decade of its unit, and the center within five units of the origin
    assert 2 * 10**-0.5 * (1 - 1e-6) <= high - low <= 2 * 10**0.5 * (1 + 1e-6)
    assert abs(low + high) / 2 <= 5 * (1 + 1e-6)


def test_domains_of_about_unit_size_near_the_origin_keep_their_coordinates():
    for lower, upper in ((-1.0, 1.0), (0.0, 1.0), (-math.pi, math.pi), (0.0, 2 * math.pi)):
        assert Frame.of(Box((lower, -1.0), (upper, 1.0))).is_identity


def test_each_axis_of_a_box_has_its_own_unit():
    assert Frame.of(Box((0.0, 1000.0), (2000.0, 1000.002))).units == (1000.0, 0.001)
