"""Estimated errors of sequences: bounds for regular sequences, and coverage for irregular ones."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdefreq.runs.sequence_error import sequence_error


@given(st.floats(0.5, 4.0), st.integers(3, 7), st.floats(1e-9, 1.0))
def test_the_error_of_a_regular_sequence_is_bounded(order, levels, first):
    """Errors C 2^-pk have changes (2^p - 1) C 2^-p(k + 1), so that the last error is the last change over 2^p - 1.

    The estimate is this number times 2, and at most (16 - 1) / (4 - 1) = 5 times more for p > 2.
    """
    errors = first * 2.0 ** (-order * np.arange(levels))
    estimate = sequence_error(np.abs(np.diff(errors)).tolist())
    assert 2 * (1 - 1e-9) <= estimate / errors[-1] <= 10 * (1 + 1e-9)


@given(st.floats(0.02, 0.49), st.integers(5, 9), st.floats(1e-9, 1.0))
def test_slow_regular_convergence_is_extrapolated(order, levels, first):
    """Below order 1/2 the decrease is used as it is, and the safety factor is 3; rounding is 1e-16 over (2^p - 1)^2."""
    errors = first * 2.0 ** (-order * np.arange(levels))
    assert sequence_error(np.abs(np.diff(errors)).tolist()) / errors[-1] == pytest.approx(3, rel=1e-9)


def test_logarithmic_convergence_is_covered():
    """Errors 1 / k, as those of a value at a point in two dimensions, decrease more slowly than any power of 2^-k."""
    errors = 1 / np.arange(7, 14)
    assert 1 <= sequence_error(np.abs(np.diff(errors)).tolist()) / errors[-1] <= 3


@pytest.mark.parametrize("rate", [2.0, 4.0])
@pytest.mark.parametrize("levels", [5, 6])
def test_random_factors_are_covered(rate, levels):
    """The stated coverage; 0.95 is three standard deviations of the count below 0.97."""
    random = np.random.default_rng(0)
    ratios = []
    for _ in range(2000):
        errors = rate ** -np.arange(levels) * random.uniform(-1, 1, levels)
        ratios.append(sequence_error(np.abs(np.diff(errors)).tolist()) / abs(errors[-1]))
    assert np.mean(np.array(ratios) >= 1) >= 0.95
    assert np.median(ratios) <= 30


def test_changes_that_vanish_by_coincidence_are_not_trusted():
    """A jump at x = 0.3 lies at the fractions 0.8, 0.6, 0.2 and 0.4 of a cell for 256, ..., 2048 cells: e = 0.3125, ..., 0.0195 %."""
    errors = [0.8 / 256, 0.6 / 512, 0.2 / 1024, 0.4 / 2048]
    changes = np.abs(np.diff(errors)).tolist()
    assert changes[-1] < 1e-18
    assert 1 <= sequence_error(changes) / errors[-1] < 20


def test_sudden_convergence_is_believed_after_two_small_changes():
    """As for a series that represents the solution exactly from some number of terms on."""
    assert sequence_error([1.0, 0.9, 1e-15, 2e-15]) < 1e-14


def test_special_sequences():
    assert math.isnan(sequence_error([])) and math.isnan(sequence_error([1.0, math.nan]))
    assert sequence_error([0.0]) == 0
    assert sequence_error([1.0, math.inf]) == math.inf
    assert sequence_error([1e-3]) > 2.4e-3  # nothing is known about the order: the sum of changes of order 1/2
    assert sequence_error([1e-3, 2e-3]) > 4.8e-3  # no convergence
