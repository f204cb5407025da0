"""The experiments in small: networks that train as predicted while their kernels rest, and sweeps that do so always."""

import numpy as np
import pytest

from pdefreq.reproduce.prediction import LOSSES, Fixed, course, deviation, experiment
from pdefreq.reproduce.relaxation import INTERVALS, MODES
from pdefreq.reproduce.relaxation import course as sweeps


@pytest.mark.parametrize("loss", LOSSES)
def test_small_targets_train_as_predicted(loss):
    """What is left out is of second order in the target: a hundredth of it moves the kernel, and the error, by that much less."""
    small, smaller = (course(loss, size, width=60, steps=30, number=16) for size in (0.01, 0.001))
    np.testing.assert_allclose(small.measured[0], 1, atol=1e-10)  # u = 0 at the start
    assert np.abs(small.measured[-1] - small.measured[0]).max() > 0.2
    assert smaller.deviation < 0.2 * small.deviation < 0.02
    assert smaller.drift < 0.2 * small.drift and not smaller.flagged


def test_the_flag_is_raised_where_the_kernel_moves():
    run = course("residual", 1.0, width=60, steps=30, number=16)
    assert run.flagged and run.drift > 0.05 and deviation(run) > 0.01


def test_the_report_has_a_row_and_a_panel_for_each_run():
    report = experiment(width=20, steps=3, sizes=(0.01, 1.0))
    assert len(report.tables["prediction"].rows) == 6 == len(report.figures["prediction"].axes)
    assert Fixed(None).is_final(0)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["Jacobi", "damped Jacobi, ω = 2/3", "red-black Gauss-Seidel", "two-grid, 1 + 1 sweeps"])
def test_theory_of_sweeps_is_exact(name):
    run = sweeps(name)
    assert run.deviation < 1e-12  # a direct solution of 64 equations, whose condition number is 1700, is the limit
    np.testing.assert_allclose(run.wavenumber, np.pi * np.array(MODES))


def test_jacobi_falls_by_the_cosine():
    run = sweeps("Jacobi")
    np.testing.assert_allclose(run.measured[50], np.abs(np.cos(np.array(MODES) * np.pi / INTERVALS)) ** 50, atol=1e-13)
