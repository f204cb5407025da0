import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdefreq.spectrum.orders import fit_order

H = 0.5 ** np.arange(8)


@given(order=st.floats(0.3, 7.5), size=st.floats(1e-6, 1e3), unit=st.floats(1e-3, 1e3))
def test_a_power_law_is_found_for_any_factor_and_unit_of_length(order, size, unit):
    found = fit_order(unit * H, size * H**order)
    assert found.value == pytest.approx(order, rel=1e-9)  # a line through points on a line, up to rounding
    assert found.error == pytest.approx(0, abs=1e-9)
    assert found.levels == (0, 7)
    assert (found.faster, found.reason) == (False, "")


@given(order=st.sampled_from([1, 2, 3, 4]), floor=st.floats(1e-9, 1e-5))
def test_levels_at_the_floor_are_excluded(order, floor):
    errors = np.maximum(H**order, floor * (1 + 0.1 * (-1.0) ** np.arange(8)))
    found = fit_order(H, errors)
    # One level at the floor may be included near the line: windows whose finer half deviates by up to 0.1 are accepted.
    assert found.value == pytest.approx(order, abs=0.1)
    assert found.levels[0] <= 1  # a window from level 1 with one level at the floor has the same length and is finer


def test_coarse_levels_that_do_not_resolve_the_solution_are_excluded():
    errors = np.array([1.0, 0.9, 1.1, *H[3:] ** 2])
    found = fit_order(H, errors)
    assert found.value == pytest.approx(2, abs=1e-9)
    assert found.levels == (3, 7)


def test_levels_below_a_given_floor_and_unknown_levels_are_excluded():
    errors = H**2
    errors[2] = np.nan
    assert fit_order(H, errors).levels == (3, 7)
    assert fit_order(H, H**2, floor=H[5] ** 2).levels == (0, 4)


@pytest.mark.parametrize("rate", [0.5, 1.0, 3.0])
def test_exponential_convergence_is_not_a_power_law(rate):
    n = 2.0 ** np.arange(2, 9)
    found = fit_order(1 / n, np.maximum(np.exp(-rate * n), 1e-15))
    assert (found.value, found.faster, found.reason) == (None, True, "faster than any power")


def test_a_zero_error_is_faster_than_any_power():
    assert fit_order(H, np.array([1.0, 1.0, *[0.0] * 6])).faster


@pytest.mark.parametrize(
    ("errors", "reason"),
    [
        (np.full(8, 0.3), "no three levels"),  # a floor lies on a line but has no order
        (0.3 * H**0.1, "no three levels"),  # nor does a slow decrease
        (H**2 * 3.0 ** ((-1.0) ** np.arange(8)), "no three levels"),
        (np.array([1.0, 0.25, *[np.nan] * 6]), "fewer than three"),
    ],
)
def test_a_missing_order_has_a_reason(errors, reason):
    found = fit_order(H, errors)
    assert found.value is None and found.levels is None
    assert reason in found.reason


def test_levels_of_similar_width_determine_no_order():
    h = 1.1 ** -np.arange(6.0)  # a total factor of 1.6
    assert fit_order(h, h**8).value is None
    assert not fit_order(h[:4], h[:4] ** 9).faster
