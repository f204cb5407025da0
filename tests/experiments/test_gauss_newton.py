"""Gauss-Newton compared with Adam and L-BFGS: the comparison is fair, and a lazy network follows the prediction."""

import math
from dataclasses import replace

import numpy as np
import pytest

from pdefreq.core.errors import OptionError
from pdefreq.experiments.gauss_newton import LAZY, Trained, cases, experiment, lazy_run
from pdefreq.figures.prediction import PredictedRun
from pdefreq.parts import Adam, Training
from pdefreq.solvers.network_solver import NetworkSolver


def test_only_the_optimizers_differ():
    for case in cases().values():
        settings = []
        for solver in case.solvers.values():
            assert isinstance(solver, NetworkSolver)
            settings.append(replace(solver, optimizer=Adam(), training=Training(steps=1)))
        assert settings[0] == settings[1] == settings[2]


def test_the_sum_of_two_waves_solves_its_equation():
    """Minus the Laplacian of sin k pi x sin k pi y is 2 (k pi)^2 times this function."""
    problem = cases()["two waves on a square"].problem
    x = problem.domain.quadrature(30).x
    assert problem.exact is not None
    np.testing.assert_allclose(problem.source(x), -problem.exact.laplacian(x), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", list(LAZY)[2:])
def test_a_lazy_network_follows_the_prediction(name):
    record = lazy_run(name, width=200)
    run = PredictedRun.of(name, record)
    # the error is quadratic in the target and inversely proportional to the root of the width: 0.003 at width 2000
    assert run.largest_difference < 0.02
    assert np.abs(run.measured[-1]).max() < 0.5  # all tones have decreased, which gradient descent cannot achieve in ten steps
    assert np.isfinite(record.halving_steps).any()


def test_other_optimizers_take_steps_of_equal_total_cost_and_zero_steps_are_refused():
    with pytest.raises(OptionError, match="`steps` must be at least 1, got 0"):
        experiment(steps=0)
    trained = Trained.of(cases()["poisson"], steps=2)
    assert [row[0] for row in trained.rows] == ["Adam", "L-BFGS", "Gauss-Newton"]
    assert [run.step for run in trained.runs.values()] == [20, 14, 2]
    assert all(math.isfinite(run.error()) for run in trained.runs.values())
    assert all(curve.seeds[0][0][-1] == 2 for curve in trained.curve)
    assert [curve.name for curve in trained.curve] == [row[0] for row in trained.rows]
