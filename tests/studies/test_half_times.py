"""Half times that are predicted at stated steps, and measured."""

import math

import numpy as np
import pytest

from pdefreq.core.errors import NotPredictedError
from pdefreq.experiments.half_times import OPTIMIZERS, experiment, stable_rate
from pdefreq.spectrum.predicted import Drift
from pdefreq.studies.half_times import HalfTime, half_times, half_times_of

NETWORK = "widths=[200],activation=sin,initialization=siren(10),number=40"


def row(predicted, measured):
    return HalfTime(0, 1.0, predicted, measured, Drift(0.0, 0.0))


def test_half_times_are_compared_in_whole_steps():
    assert row(0.1, 0.9).agrees and row(7.0, 14.0).agrees and row(14.0, 7.0).agrees
    assert not row(7.0, 14.1).agrees and not row(math.inf, 3.0).agrees
    assert not row(3.0, math.inf).is_reached and not row(3.0, math.inf).agrees


def test_predictions_are_judged_over_the_steps_of_the_run_like_measurements():
    """An error that is above one half again after the run has the half time that a run of these steps would measure."""
    steps = np.array([0, 10, 20, 40, 100, 200])
    returns, late, never = [1, 0.5, 0.4, 0.4, 0.6, 0.7], [1, 0.9, 0.8, 0.7, 0.5, 0.4], [1, 1, 1, 0.9, 0.9, 0.9]
    curves = np.array([returns, late, never]).T
    np.testing.assert_allclose(half_times_of(steps, curves, 40), [10, 100, math.inf])
    np.testing.assert_allclose(half_times_of(steps, curves, 200), [math.inf, 100, math.inf])


@pytest.mark.parametrize(
    ("optimizer", "as_it_ran"),
    [
        ("optimizer=sgd,half_life=null,learning_rate={rate}", False),
        ("optimizer=adam,half_life=null,learning_rate=1e-3", False),
        ("optimizer=gauss-newton", False),
        ("optimizer=gauss-newton", True),
    ],
)
def test_half_times_are_right_while_the_network_stays_near_its_start(optimizer, as_it_ran):
    """Wherever the flag is not raised, the half time is within a factor of two."""
    steps = 8 if "newton" in optimizer else 40
    network = f"deep-ritz:{NETWORK}"
    optimizer = optimizer.format(rate=stable_rate("poisson", network))
    rows = half_times("poisson", f"{network},{optimizer}", steps=steps, as_it_ran=as_it_ran)
    quiet = [each for each in rows if each.is_reached and each.drift.is_small]
    assert rows and all(each.agrees for each in quiet)
    assert quiet or "newton" in optimizer  # its steps are long


def test_methods_without_a_network_or_a_guide_are_refused():
    with pytest.raises(NotPredictedError, match="for networks"):
        half_times("poisson", "jacobi", steps=2)
    with pytest.raises(NotPredictedError, match="no guide"):
        half_times("poisson", f"deep-ritz:{NETWORK},optimizer=lbfgs", steps=2)


@pytest.mark.slow
def test_the_report_contains_each_optimizer_and_problem():
    report = experiment(problems=("poisson",))
    assert len(report.tables["problems"].rows) == len(OPTIMIZERS)
    assert all(np.isfinite(each[5]) or each[5] == math.inf for each in report.tables["half-times"].rows)
    report.figures["half-times"].draw_without_rendering()
