"""The experiments at small size: networks follow the prediction while their kernels are constant; linear sweeps always do."""

import functools

import numpy as np
import pytest

from pdefreq.experiments import prediction
from pdefreq.experiments.prediction import LEARNED, LOSSES, difference_until_learned, experiment, learned
from pdefreq.experiments.relaxation import INTERVALS, METHODS, MODES, relaxation, sweeps
from pdefreq.figures.prediction import PredictedRun

trained = functools.cache(prediction.trained)  # two tests look at the same runs


@pytest.mark.parametrize("loss", LOSSES)
def test_small_targets_train_as_predicted(loss):
    """The neglected terms are quadratic in the target: for a target of 1/100 the relative change of kernel and error is 1/100."""
    small, smaller = (trained(loss, size, width=60, steps=100, number=20) for size in (0.01, 0.001))
    np.testing.assert_allclose(small.measured[0], 1, atol=1e-10)  # u = 0 initially
    assert np.abs(small.measured[-1] - small.measured[0]).max() > 0.2
    assert smaller.largest_difference < 0.2 * small.largest_difference < 0.02
    assert smaller.drift < 0.2 * small.drift and not smaller.flagged


def test_the_flag_is_raised_if_the_kernel_moves():
    run = trained("residual", 1.0, width=60, steps=200, number=20)
    assert run.flagged and run.drift > 0.05 and difference_until_learned(run) > 0.01


@pytest.mark.parametrize("loss", LOSSES)
def test_the_first_mode_is_compared_until_it_is_learned(loss):
    """The comparison covers many steps until mode 1 is learned: at 0.05 / kappa_1 its fastest decay by a factor e takes 20 steps.
    For a narrow network mode 1 is not an eigenvector and may cross zero earlier.
    """
    run = trained(loss, 0.01, width=60, steps=100, number=20)
    last = learned(run)
    assert last is not None and last >= 10
    assert np.abs(run.measured[run.steps < last, 0]).min() >= LEARNED > np.abs(run.measured[run.steps == last, 0])
    assert 0 < difference_until_learned(run) <= run.largest_difference


def test_the_report_has_a_row_and_a_panel_for_each_run():
    report = experiment(width=20, steps=3, sizes=(0.01, 1.0))
    assert len(report.tables["prediction"].rows) == 6 == len(report.figures["prediction"].axes)


@pytest.mark.parametrize("name", ["Jacobi", "damped Jacobi, ω = 2/3", "red-black Gauss-Seidel", "two-grid, 1 + 1 sweeps"])
def test_predictions_of_sweeps_are_exact(name):
    run = PredictedRun.of(name, sweeps(name))
    assert run.largest_difference < 1e-12  # limited by the direct solution of 64 equations with a condition number of 1700
    np.testing.assert_allclose(run.wavenumber, np.pi * np.array(MODES))


def test_the_jacobi_factor_is_the_cosine():
    record = sweeps("Jacobi")
    np.testing.assert_allclose(record.error[50], np.abs(np.cos(np.array(MODES) * np.pi / INTERVALS)) ** 50, atol=1e-13)


def test_halving_steps_are_the_steps_at_which_theory_halves():
    """Jacobi halves mode k in exactly log 2 / -log cos(k pi / n) steps; a two-grid cycle halves each mode in its first step."""
    rows = {row[0]: row[3:] for row in relaxation().tables["relaxation"].rows}
    halved = np.log(2) / -np.log(np.abs(np.cos(np.array(MODES) * np.pi / INTERVALS)))
    assert rows["Jacobi"] == [str(int(np.ceil(t))) for t in halved]
    assert rows["two-grid, 1 + 1 sweeps"] == ["1"] * 5
    assert set(rows) == set(METHODS)
