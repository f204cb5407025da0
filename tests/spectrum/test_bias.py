import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdefreq.spectrum.bias import bias_index, combined

XI = np.pi * np.array([1.0, 2.0, 5.0, 9.0, 20.0])


@given(st.floats(-4, 4), st.floats(10, 1e6))
def test_the_index_of_a_power_law_is_its_exponent(exponent, latest):
    found = bias_index(XI, latest * XI**exponent / (XI**exponent).max(), last_step=1e9, complete=True)
    assert found.value == pytest.approx(exponent, abs=1e-12)
    assert found.error == pytest.approx(0, abs=1e-7)
    assert (found.bound, found.modes, found.reason) == (False, (0, 1, 2, 3, 4), "")


def test_the_standard_error_agrees_with_least_squares():
    times = np.array([3.0, 9.0, 11.0, 60.0, 80.0])
    found = bias_index(XI, times, last_step=100, complete=True)
    (slope, _), covariance = np.polyfit(np.log(XI), np.log(times), 1, cov=True)
    assert found.value == pytest.approx(slope, rel=1e-12)
    assert found.error == pytest.approx(np.sqrt(covariance[0, 0]), rel=1e-12)


def test_modes_that_never_arrive_count_with_the_end_of_the_run_and_make_the_index_a_bound():
    times = np.where(XI < 20, XI**2, np.inf)
    found = bias_index(XI, times, last_step=400, complete=True)
    assert found.bound and found.relation == ">="
    assert found.value == bias_index(XI, np.where(XI < 20, XI**2, 400), last_step=400, complete=True).value
    assert 0 < found.value < 2


@given(
    st.lists(st.floats(10, 300) | st.just(float("inf")), min_size=5, max_size=5).filter(lambda t: np.isfinite(t).any()),
    st.lists(st.floats(400, 1e6), min_size=5, max_size=5),
)
def test_a_longer_run_satisfies_the_bound(times, later):
    """Modes that are halved after the end of the run, at any time, change the index in the direction of the relation."""
    times = np.array(times)
    short = bias_index(XI, times, last_step=400, complete=True)
    long = bias_index(XI, np.where(np.isfinite(times), times, later), last_step=1e6, complete=True)
    assert short.bound == bool(np.isinf(times).any())
    rounding = 1e-12
    assert short.relation != "=" or long.value == pytest.approx(short.value, abs=rounding)
    assert short.relation != ">=" or long.value >= short.value - rounding
    assert short.relation != "<=" or long.value <= short.value + rounding


def test_modes_on_both_sides_give_no_bound():
    """With the second and the fourth mode late, an index of a longer run may be higher or lower."""
    times = np.array([20.0, np.inf, 20.0, np.inf, 20.0])
    assert bias_index(XI, times, last_step=400, complete=True).relation == "~"
    assert [combined(pair) for pair in (("=", ">="), ("<=", "<="), (">=", "<="), ("=", "="), ("~", "="))] == [
        *(">=", "<=", "~", "=", "~")
    ]


def test_initially_small_modes_and_constant_modes_are_excluded():
    xi, times = np.append(XI, [0.0, 7.0]), np.append(1000 * XI**-2, [5.0, np.nan])
    found = bias_index(xi, times, last_step=100, complete=True)
    assert found.modes == (0, 1, 2, 3, 4)
    assert found.value == pytest.approx(-2, abs=1e-12)


@pytest.mark.parametrize(
    ("times", "options", "reason"),
    [
        (XI, {"complete": False}, "not a complete orthogonal family"),
        (XI, {"last_step": 1}, "fewer than two steps"),
        ([1, 2, np.nan, np.nan, np.nan], {}, "Only 2 of 5 watched modes"),
        ([np.inf] * 5, {}, "No watched mode had lost half its error"),
        ([0.14, 0.15, 0.2, 0.3, 4.9], {}, "were halved within 5 steps"),
        ([0.5, 1, 2, 3, np.inf], {"last_step": 5}, "ended within 5 steps"),
    ],
)
def test_a_missing_index_has_a_reason(times, options, reason):
    found = bias_index(XI, np.array(times, dtype=float), **{"last_step": 100, "complete": True} | options)
    assert found.value is None and found.error is None and not found.bound
    assert found.relation == ("~" if "No watched mode" in reason or "ended" in reason else "=")
    assert reason in found.reason


def test_one_wavenumber_has_no_slope():
    """The two modes (1, 2) and (2, 1) of a square, and (2, 1) again."""
    found = bias_index(np.sqrt([5.0, 5.0, 5.0]), np.array([10.0, 20.0, 30.0]), last_step=100, complete=True)
    assert found.value is None and "same wavenumber" in found.reason
