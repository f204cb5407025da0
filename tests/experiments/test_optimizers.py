"""The comparison of optimizers: only they differ, and B, spread and figure follow from the half times."""

import math
from dataclasses import replace

import numpy as np
import pytest

from pdefreq.core.errors import OptionError
from pdefreq.experiments.optimizers import OPTIMIZERS, TONES, Learned, experiment, methods, report_of, tones
from pdefreq.parts import Adam
from pdefreq.solvers.network_solver import NetworkSolver

WAVENUMBER = np.pi / 2 * np.array(TONES)


def test_only_the_optimizers_differ():
    found = [solver for solver, _ in methods().values() if isinstance(solver, NetworkSolver)]
    assert len(found) == len(OPTIMIZERS)
    assert len({repr(replace(solver, optimizer=Adam())) for solver in found}) == 1
    assert len({type(solver.optimizer) for solver in found}) == len(OPTIMIZERS)


def test_the_tones_solve_the_equation_and_have_equal_amplitudes():
    problem = tones()
    x = problem.domain.quadrature(60).x
    assert problem.exact is not None
    np.testing.assert_allclose(problem.source(x), -problem.exact.laplacian(x), rtol=1e-9, atol=1e-9)
    # five orthogonal sines, each with the mean square 1/2 over an interval of length 2
    samples = problem.domain.quadrature(200)
    assert float((samples.weights * problem.exact(samples.x) ** 2).sum()) == pytest.approx(5, rel=1e-12)


@pytest.mark.parametrize("slope", [-1.0, 0.0, 2.0])
def test_bias_and_spread_of_a_power_law(slope):
    """t_k = 100 xi_k^slope in the median of three seeds has B = slope and the spread (largest / smallest xi)^|slope|."""
    times = 100 * WAVENUMBER**slope
    learned = Learned(10**6, np.stack([times, 0.5 * times, 3 * times]), WAVENUMBER, [0.1])
    assert learned.bias.value == pytest.approx(slope, abs=1e-12)
    assert learned.spread == pytest.approx((TONES[-1] / TONES[0]) ** abs(slope))


def test_a_tone_that_is_never_halved_is_said_so():
    times = np.array([[1.0, 2.0, math.inf, 4.0, 5.0]])
    report = report_of({"one": Learned(10, times, WAVENUMBER, [0.5])}, seeds=1)
    assert "1, 2, never, 4, 5" in report.findings[0]
    (line,) = report.figures["optimizers"].axes[0].get_lines()
    np.testing.assert_array_equal(line.get_ydata(), [1, 2, math.nan, 4, 5])  # no line crosses the tone without a half time


@pytest.mark.slow
def test_a_short_run_reports_every_method():
    with pytest.raises(OptionError, match="`seeds` must be at least 1, got 0"):
        experiment(seeds=0)
    report = experiment(shorter=500)
    assert [row[0] for row in report.tables["optimizers"].rows] == list(methods())
