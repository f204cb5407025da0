"""The experiments in small: networks that train as predicted while their kernels rest, and sweeps that do so always."""

import numpy as np
import pytest

from pdefreq.experiments.prediction import LEARNT, LOSSES, difference_until_learnt, experiment, learnt, trained
from pdefreq.experiments.relaxation import INTERVALS, METHODS, MODES, relaxation, sweeps
from pdefreq.figures.prediction import PredictedRun


@pytest.mark.parametrize("loss", LOSSES)
def test_small_targets_train_as_predicted(loss):
    """What is left out is of second order in the target: a hundredth of it moves the kernel, and the error, by that much less."""
    small, smaller = (trained(loss, size, width=60, steps=100, number=20) for size in (0.01, 0.001))
    np.testing.assert_allclose(small.measured[0], 1, atol=1e-10)  # u = 0 at the start
    assert np.abs(small.measured[-1] - small.measured[0]).max() > 0.2
    assert smaller.largest_difference < 0.2 * small.largest_difference < 0.02
    assert smaller.drift < 0.2 * small.drift and not smaller.flagged


def test_the_flag_is_raised_where_the_kernel_moves():
    run = trained("residual", 1.0, width=60, steps=200, number=20)
    assert run.flagged and run.drift > 0.05 and difference_until_learnt(run) > 0.01


@pytest.mark.parametrize("loss", LOSSES)
def test_the_first_mode_is_followed_while_it_is_learnt(loss):
    """What is compared until mode 1 is learnt are many steps, not the first: at 0.05 / kappa_1 the fastest e-fold takes 20. Of a
    narrow network mode 1 is no eigenvector, and may cross zero earlier.
    """
    run = trained(loss, 0.01, width=60, steps=100, number=20)
    last = learnt(run)
    assert last is not None and last >= 10
    assert np.abs(run.measured[run.steps < last, 0]).min() >= LEARNT > np.abs(run.measured[run.steps == last, 0])
    assert 0 < difference_until_learnt(run) <= run.largest_difference


def test_the_report_has_a_row_and_a_panel_for_each_run():
    report = experiment(width=20, steps=3, sizes=(0.01, 1.0))
    assert len(report.tables["prediction"].rows) == 6 == len(report.figures["prediction"].axes)


@pytest.mark.parametrize("name", ["Jacobi", "damped Jacobi, ω = 2/3", "red-black Gauss-Seidel", "two-grid, 1 + 1 sweeps"])
def test_theory_of_sweeps_is_exact(name):
    run = PredictedRun.of(name, sweeps(name))
    assert run.largest_difference < 1e-12  # a direct solution of 64 equations, whose condition number is 1700, is the limit
    np.testing.assert_allclose(run.wavenumber, np.pi * np.array(MODES))


def test_jacobi_falls_by_the_cosine():
    record = sweeps("Jacobi")
    np.testing.assert_allclose(record.error[50], np.abs(np.cos(np.array(MODES) * np.pi / INTERVALS)) ** 50, atol=1e-13)


def test_halving_steps_are_the_steps_at_which_theory_halves():
    """Jacobi halves mode k at log 2 / -log cos(k pi / n), exactly; a cycle of two grids halves each mode in its first step."""
    rows = {row[0]: row[3:] for row in relaxation().tables["relaxation"].rows}
    halved = np.log(2) / -np.log(np.abs(np.cos(np.array(MODES) * np.pi / INTERVALS)))
    assert rows["Jacobi"] == [str(int(np.ceil(t))) for t in halved]
    assert rows["two-grid, 1 + 1 sweeps"] == ["1"] * 5
    assert set(rows) == set(METHODS)
