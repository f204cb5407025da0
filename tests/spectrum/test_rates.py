import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdefreq.spectrum.rates import decay_rates, floors, halving_time, time_to


def recorded(last):
    """The steps that a run records: every step up to 1000, then 50 per decade."""
    return np.append(np.arange(1000.0), np.rint(np.logspace(3, np.log10(last), round(50 * np.log10(last / 1000)) + 1)))


@given(st.floats(1e-4, 2), st.sampled_from([0.5, 0.1, 1e-3]), st.floats(1, 1e4))
def test_halving_times_of_an_exponential_are_exact_for_any_records(rate, tau, start):
    """log e is linear, so that interpolation between two records is exact."""
    at = recorded(1e6)
    error = start * np.exp(-rate * at)
    expected = np.log(start / tau) / rate
    assert time_to(tau, at, error[:, None])[0] == pytest.approx(expected, rel=1e-12)


def test_halving_times_of_many_modes_at_once_equal_those_of_each():
    at = recorded(5000)
    errors = np.exp(-np.outer(at, np.logspace(-5, 1, 40)))
    together = halving_time(at, errors)
    np.testing.assert_array_equal(together, [halving_time(at, e[:, None])[0] for e in errors.T])
    np.testing.assert_allclose(halving_time(2 * at + 3, errors), 2 * together + 3, rtol=1e-14)  # seconds instead of steps


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        ([1, 0.4, 0.6, 0.25, 0.2], 2 + np.log(1.2) / np.log(2.4)),  # rises again: the last crossing counts
        ([1, 0.5, 0.5, 0.5, 0.5], 1),  # at the level counts as below
        ([1, 0.9, 0.8, 0.7, 0.6], np.inf),
        ([1, 0.1, 0.1, 0.1, 0.6], np.inf),  # below in between, but not at the end
        ([0.5, 0.4, 0.3, 0.2, 0.1], np.nan),  # starts at the level: undefined
        ([0.4, 0.9, 0.3, 0.2, 0.1], np.nan),  # starts below the level: undefined
        ([np.nan, np.nan, 1, 0.25, 0.2], 2.5),  # measured from step 2 on
        ([1, np.nan, 0.3, 0.2, 0.1], 2),  # no value to interpolate from
        ([1, 0.25, 0.2, 0.1, np.nan], np.inf),  # diverged at the end
        ([np.inf, 0.25, 0.2, 0.1, 0.1], 1),
        ([np.nan] * 5, np.nan),
    ],
)
def test_the_halving_time_is_the_first_after_which_the_error_stays_low(errors, expected):
    np.testing.assert_allclose(halving_time(np.arange(5.0), np.array(errors)[:, None]), [expected], rtol=1e-12)


def test_an_error_that_becomes_zero_has_a_halving_time():
    """One step to an exact zero: some time within this step."""
    (time,) = halving_time(np.array([0.0, 1.0]), np.array([[1.0], [0.0]]))
    assert 0 < time <= 1


@given(st.floats(1e-5, 1), st.floats(0.9, 10))
def test_the_rate_of_an_exponential_is_exact(rate, start):
    at = recorded(1e6)
    (found,) = decay_rates(at, start * np.exp(-rate * at)[:, None])
    assert found == pytest.approx(rate, rel=1e-9)  # a least-squares line through points on a line


def test_rates_of_many_modes_agree_with_those_of_single_modes():
    at = recorded(20000)
    errors = np.exp(-np.outer(at, np.logspace(-5, 0, 30))) + 1e-7
    together = decay_rates(at, errors)
    np.testing.assert_array_equal(together, [decay_rates(at, e[:, None])[0] for e in errors.T])


@pytest.mark.parametrize("floor", [1e-2, 1e-6, 1e-15])
def test_a_floor_does_not_reduce_the_rate(floor):
    """Above ten floors the floor changes log e by less than log 1.1 = 0.1, out of at least 2: 5 %."""
    at = np.arange(2000.0)
    error = np.exp(-0.05 * at) + floor
    (found,) = decay_rates(at, error[:, None])
    assert found == pytest.approx(0.05, rel=0.05)
    assert floors(at, error[:, None])[0] == pytest.approx(floor, rel=1e-12, abs=0)
    error[1500] = 1e-4 * floor  # the error passes through zero: not a floor
    assert floors(at, error[:, None])[0] == pytest.approx(floor, rel=1e-12, abs=0)
    assert decay_rates(at, error[:, None])[0] == found


@given(st.integers(0, 2**32 - 1), st.floats(0.01, 0.5))
def test_rounding_errors_after_the_decay_do_not_change_the_rate(seed, rate):
    """Rounding of 1e-15 changes log e by at most 1e-4 above 1e-11, out of 25. Its least value may lie far below the others."""
    at = recorded(3000.0)
    error = np.abs(np.exp(-rate * at) + 1e-15 * np.random.default_rng(seed).normal(size=len(at)))
    assert decay_rates(at, error[:, None])[0] == pytest.approx(rate, rel=1e-4)


def test_a_decreasing_error_has_no_floor():
    at = np.arange(2000.0)
    assert floors(at, np.exp(-np.outer(at, [1e-5, 7e-4, 1e-3, 1e-2, 0.1]))).tolist() == [0] * 5


def test_a_decrease_by_a_factor_of_e_suffices():
    """From 1 to 0.25 in 100 steps: log e decreases by 1.16 between 0.8 and the end."""
    at = np.arange(101.0)
    assert decay_rates(at, 0.25 ** (at / 100)[:, None])[0] == pytest.approx(math.log(4) / 100, rel=1e-9)


def test_a_plateau_before_the_decay_is_excluded():
    """Networks do not change some modes for a while; their rates are those of the decay."""
    at = np.arange(3000.0)
    error = np.where(at < 1000, 1.0, np.exp(-0.01 * (at - 1000)))
    assert decay_rates(at, error[:, None])[0] == pytest.approx(0.01, rel=1e-9)


def test_the_longest_straight_window_is_used():
    """Two exponentials in sequence: a factor of 10 at rate 0.1, and then a factor of e^8 at 0.01 over 800 steps."""
    at = np.arange(824.0)
    error = np.exp(-np.where(at < 23, 0.1 * at, 2.3 + 0.01 * (at - 23)))
    assert decay_rates(at, error[:, None])[0] == pytest.approx(0.01, rel=0.1)  # R^2 > 0.99 admits a small part of the first


@pytest.mark.parametrize(
    "error",
    [
        np.full(100, 1.0),  # constant
        np.full(100, 0.3),  # constant
        np.linspace(1, 0.5, 100),  # less than a factor of e
        np.exp(0.05 * np.arange(100)),  # grows
        np.exp(-np.arange(100) / 30 + 2 * np.sin(np.arange(100.0))),  # not straight
        np.array([1.0] * 97 + [0.7, 0.1, 0.01]),  # three points
        np.full(100, np.nan),
        np.where(np.arange(100) < 3, 1.0, 0.0),  # one step to zero
    ],
)
def test_errors_without_a_straight_window_have_no_rate(error):
    assert np.isnan(decay_rates(np.arange(100.0), error[:, None])[0])


def test_rates_are_per_unit_of_the_given_time():
    at = np.arange(100.0)
    error = np.exp(-0.2 * at)[:, None]
    assert decay_rates(at / 50, error)[0] == pytest.approx(10, rel=1e-9)
