"""Statements in reports that are derived from the measured numbers."""

import numpy as np
import pytest

from pdefreq.experiments.activations import change, experiment
from pdefreq.experiments.decay_limit import regime

N = 1000


@pytest.mark.parametrize("p", [0.0, 0.02, 0.19, 0.5])
def test_equal_fractions_rarely_differ_by_more_than_three_standard_errors(p):
    """By chance in 0.3 % of 2000 pairs, with a standard deviation of 0.12 %."""
    pairs = np.random.default_rng(0).binomial(N, p, size=(2000, 2)) / N
    changed = [change(before, after, N) != "does not change by more than three standard errors" for before, after in pairs]
    assert np.mean(changed) < 0.01


def test_different_fractions_change_in_the_right_direction():
    """0.19 and 0.1 differ by five standard errors of a thousand points each, and by less than one of twenty points."""
    assert change(0.19, 0.1, N) == "decreases" and change(0.1, 0.19, N) == "increases"
    assert change(0.2, 0.1, 20) == change(0.1, 0.2, 20) == "does not change by more than three standard errors"


@pytest.mark.parametrize("d", [1, 2, 3])
def test_powers_of_the_cutoff_belong_to_the_regimes_of_the_theory(d):
    """M^(alpha - d) for alpha below d / 2, and values that do not depend on M."""
    assert {regime(d, alpha - d) for alpha in (0.0, 0.25 * d, 0.5 * d)} == {"nearer to spikes"}
    assert {regime(d, slope) for slope in (-0.05, 0.0, 0.05)} == {"nearer to a limit that is not zero"}


def test_few_points_give_no_exponent():
    findings = " ".join(experiment(samples=5).findings)
    assert "nan" not in findings and "exponent is not known" in findings and "decreases" not in findings
