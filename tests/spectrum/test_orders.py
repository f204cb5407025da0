import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdefreq.spectrum.orders import fit_order

H = 0.5 ** np.arange(8)


@given(order=st.floats(0.3, 7.5), size=st.floats(1e-6, 1e3), unit=st.floats(1e-3, 1e3))
def test_a_power_is_found_whatever_its_factor_and_the_unit_of_length(order, size, unit):
    found = fit_order(unit * H, size * H**order)
    assert found.value == pytest.approx(order, rel=1e-9)  # a line through points on a line, to rounding
    assert found.error == pytest.approx(0, abs=1e-9)
    assert found.levels == (0, 7)
    assert (found.faster, found.reason) == (False, "")


@given(order=st.sampled_from([1, 2, 3, 4]), floor=st.floats(1e-9, 1e-5))
def test_the_floor_does_not_count(order, floor):
    errors = np.maximum(H**order, floor * (1 + 0.1 * (-1.0) ** np.arange(8)))
    found = fit_order(H, errors)
    # One level at the floor may enter where it is near the line: windows whose finer half drifts by up to 0.1 are accepted.
    assert found.value == pytest.approx(order, abs=0.1)
    assert found.levels[0] <= 1  # a window from level 1 that takes in one level at the floor is as long, and finer


def test_coarse_levels_that_resolve_nothing_do_not_count():
    errors = np.array([1.0, 0.9, 1.1, *H[3:] ** 2])
    found = fit_order(H, errors)
    assert found.value == pytest.approx(2, abs=1e-9)
    assert found.levels == (3, 7)


def test_a_given_floor_and_unknown_levels_are_left_out():
    errors = H**2
    errors[2] = np.nan
    assert fit_order(H, errors).levels == (3, 7)
    assert fit_order(H, H**2, floor=H[5] ** 2).levels == (0, 4)


@pytest.mark.parametrize("rate", [0.5, 1.0, 3.0])
def test_exponential_convergence_is_no_power(rate):
    n = 2.0 ** np.arange(2, 9)
    found = fit_order(1 / n, np.maximum(np.exp(-rate * n), 1e-15))
    assert (found.value, found.faster, found.reason) == (None, True, "faster than any power")


def test_an_error_that_is_zero_at_once_is_faster_than_any_power():
    assert fit_order(H, np.array([1.0, 1.0, *[0.0] * 6])).faster


@pytest.mark.parametrize(
    ("errors", "reason"),
    [
        (np.full(8, 0.3), "no three levels"),  # a floor is straight, but no order
        (0.3 * H**0.1, "no three levels"),  # nor one that still falls a little
        (H**2 * 3.0 ** ((-1.0) ** np.arange(8)), "no three levels"),
        (np.array([1.0, 0.25, *[np.nan] * 6]), "fewer than three"),
    ],
)
def test_why_there_is_no_order(errors, reason):
    found = fit_order(H, errors)
    assert found.value is None and found.levels is None
    assert reason in found.reason


def test_levels_that_follow_closely_are_no_evidence():
    h = 1.1 ** -np.arange(6.0)  # a factor of 1.6 in all
    assert fit_order(h, h**8).value is None
    assert not fit_order(h[:4], h[:4] ** 9).faster
