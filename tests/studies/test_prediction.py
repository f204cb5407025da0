import json
import math
import re

import numpy as np
import pytest
from typer.testing import CliRunner

import pdefreq
from pdefreq.cli import app
from pdefreq.core.errors import IncompatibleError
from pdefreq.core.history import Schedule, Stop
from pdefreq.figures.prediction import PredictedRun
from pdefreq.problem.files import load_problem
from pdefreq.runs.solve import solve
from pdefreq.solvers.names import make_solver
from pdefreq.spectrum.predicted import Drift, StoredPrediction
from pdefreq.spectrum.spectral_record import SpectralRecord, keep_drift
from pdefreq.studies.prediction import predict

DESCENT = {
    "widths": (200,),
    "initialization": "ntk",
    "activation": "sin",
    "optimizer": "gd",
    "learning_rate": 1e-4,
    "half_life": None,
    "number": 40,
}


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    """The command draws a figure in the current folder."""
    monkeypatch.chdir(tmp_path)


def run(*arguments):
    return CliRunner().invoke(app, list(arguments))


def test_the_prediction_for_jacobi_agrees_with_the_run():
    """All recorded steps of a run; 1000 factors, each rounded."""
    problem, solver = load_problem("poisson"), make_solver("jacobi", {"intervals": 64})
    found, history = (
        predict(problem, solver),
        solve(problem, solver, stop=Stop(steps=1000), schedule=Schedule(dense=1000)).history,
    )
    where = [i for i, step in enumerate(history.column("step")) if step in found.errors.step]
    np.testing.assert_allclose(found.errors.error[: len(where)], history.column("mode_error")[where], rtol=1e-10, atol=1e-13)
    assert not found.is_heuristic


def test_problem_and_method_can_be_given_by_name():
    found, named = predict(load_problem("poisson"), make_solver("jacobi")), pdefreq.predict("poisson", "jacobi")
    np.testing.assert_array_equal(found.errors.error, named.errors.error)


def test_the_prediction_for_gradient_descent_agrees_with_the_run_near_initialization():
    """The steps are so small that the parameters move by 1e-3; the neglected terms are of second order."""
    problem, solver = load_problem("poisson"), make_solver("deep-ritz", DESCENT)
    found, history = predict(problem, solver), solve(problem, solver, stop=Stop(steps=30)).history
    measured, predicted = (
        history.column("mode_error")[[0, 1, 10, 30]],
        found.errors.error[np.isin(found.errors.step, [0, 1, 10, 30])],
    )
    np.testing.assert_allclose(predicted[0], measured[0], rtol=1e-10)
    moved = np.abs(measured[-1] - measured[0])
    assert moved.max() > 1e-3
    assert np.abs(predicted - measured).max() < 0.1 * moved.max()
    np.testing.assert_allclose(found.initial_rate, 1 - predicted[1] / predicted[0], atol=1e-9)


def test_adam_and_adaptive_damping_get_a_guide_in_steps_and_other_optimizers_one_in_units_of_time():
    """The first steps of Adam are predicted exactly for the linearized network, from which a network of 200 units with this small
    rate hardly differs; the neglected terms are of second order in the change.
    """
    problem, options = (
        load_problem("poisson"),
        {name: DESCENT[name] for name in ("widths", "initialization", "activation", "number")},
    )
    adam = make_solver("deep-ritz", options | {"optimizer": "adam", "half_life": None, "learning_rate": 1e-4})
    found, history = predict(problem, adam), solve(problem, adam, stop=Stop(steps=30)).history
    assert not found.is_heuristic and "a guide without a proof" in found.errors.note and found.orders is None
    measured, predicted = (
        history.column("mode_error")[[0, 1, 10, 30]],
        found.errors.error[np.isin(found.errors.step, [0, 1, 10, 30])],
    )
    moved = np.abs(measured[-1] - measured[0])
    assert moved.max() > 1e-3 and np.abs(predicted - measured).max() < 0.1 * moved.max()
    newton = predict(problem, make_solver("deep-ritz", options | {"optimizer": "gauss-newton"}))
    assert not newton.is_heuristic and "gain 1" in newton.errors.note
    heuristic = predict(problem, make_solver("deep-ritz", options | {"optimizer": "lbfgs"}))
    assert heuristic.is_heuristic and "not for this optimizer" in heuristic.errors.note


@pytest.mark.parametrize("modes", ["sine", "cosine", "fourier", "eigen", "neumann", "ray"])
def test_networks_are_predicted_in_every_family_in_which_they_are_measured(modes):
    solver = make_solver("deep-ritz", DESCENT | {"learning_rate": 1e-3})
    found = predict("poisson", solver, modes=modes)
    history = solve("poisson", solver, stop=Stop(steps=10), modes=modes, predict=False).history
    measured = history.column("mode_error")[[0, 1, 10]]
    predicted = found.errors.error[np.isin(found.errors.step, [0, 1, 10])]
    assert found.modes.kind == modes and len(found.modes) > 1
    np.testing.assert_allclose(predicted[0], measured[0], rtol=1e-2)  # recorded on a coarser grid
    known = np.isfinite(measured[0])  # a named mode that the solution does not contain has no relative error
    change, foretold = (errors[:, known] / errors[0, known] - 1 for errors in (measured, predicted))
    assert known.sum() > 1 and np.abs(change - foretold).max() < 0.1 * np.abs(change).max()


def test_the_errors_of_finite_elements_are_predicted_for_each_mode():
    """P1 in one dimension: 1 - S^2, except for unresolved modes, which are aliases of weak modes; C h^2 is close to it."""
    problem, solver = load_problem("poisson"), make_solver("fem", {"cells": 64})
    found = predict(problem, solver)
    orders = found.orders
    assert not len(found.errors) and (orders.order, orders.h) == (2, pytest.approx(2 / 64))
    measured = solve(problem, solver, stop=Stop(steps=1)).history.column("mode_error_total")[-1]
    strong = found.modes.amplitude > 0.1 * found.modes.amplitude.max()
    np.testing.assert_allclose(orders.error[strong], measured[strong], rtol=0.01)
    np.testing.assert_allclose(orders.constant, found.modes.wavenumber**2 / 12, rtol=1e-12)
    low = (
        found.modes.wavenumber * orders.h < 0.3
    )  # so that the next term, a factor (xi h)^2 / 30, and the error of the grid of modes are small
    np.testing.assert_allclose((orders.constant * orders.h**2)[low], orders.error[low], rtol=0.02)


@pytest.mark.parametrize(
    ("problem", "method", "options", "order", "words"),
    [
        ("poisson", "fem", {"element": "P2", "cells": 20}, 4, "square-integrable"),
        pytest.param("torsion", "multigrid", {"intervals": 12}, 2, "corners may reduce", marks=pytest.mark.slow),
        ("poisson", "ritz-galerkin", {"number": 20}, None, "faster than any power"),
        ("poisson", "cg", {"intervals": 20}, 2, "square-integrable"),
        ("p-laplacian", "fem", {"cells": 20}, None, ""),
    ],
)
def test_orders_are_stated_with_their_conditions_or_a_reason(problem, method, options, order, words):
    if problem == "p-laplacian":
        with pytest.raises(IncompatibleError, match="linear equations"):
            predict(load_problem(problem), make_solver(method, options))
        return
    orders = predict(load_problem(problem), make_solver(method, options)).orders
    assert orders.order == order and words in orders.condition


def test_the_note_on_conjugate_gradients_contains_the_error_bound():
    problem, solver = load_problem("poisson"), make_solver("cg", {"intervals": 20})
    note = predict(problem, solver).errors.note
    factor = float(re.search(r"2 \* (0\.\d+)\^t", note)[1])
    assert factor == pytest.approx(
        (1 - math.tan(math.pi / 40)) / (1 + math.tan(math.pi / 40)), rel=1e-3
    )  # the root of the condition number is a cotangent


def test_single_modes_of_a_network_have_rayleigh_quotients_and_the_sentence_says_where_they_fail():
    found = predict(load_problem("poisson"), make_solver("deep-ritz", DESCENT))
    assert (found.errors.rayleigh_quotient > 0).all() and (found.errors.eigen_residual > 0.1).any()
    printed = run("predict", "poisson", "--method", "deep-ritz", *[f"--set={k}={json.dumps(v)}" for k, v in DESCENT.items()])
    assert printed.exit_code == 0 and "no single rate" in " ".join(printed.stdout.split())
    assert "single rate" not in run("predict", "poisson", "--method", "jacobi", "--set", "intervals=20").stdout


def test_the_command_prints_the_published_half_steps():
    """Jacobi with 500 intervals: 8780, 976, 137 sweeps, rounded to whole sweeps."""
    result = run("predict", "poisson", "--method", "jacobi", "--set", "intervals=500", "--json")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    half = dict(zip(np.round(np.array(found["wavenumber"]) / math.pi).astype(int).tolist(), found["halving_step"], strict=True))
    np.testing.assert_allclose([half[1], half[3], half[8]], [8780, 976, 137], rtol=0.005)
    printed = run("predict", "poisson", "--method", "jacobi", "--set", "intervals=500").stdout
    assert "8,7" in printed and "exact" in printed


def test_the_kernel_command_prints_and_draws(tmp_path):
    out = tmp_path / "kernel.png"
    options = ["--set", "widths=[20]", "--set", "number=30", "--number", "60", "--steps", "3", "--out", str(out)]
    result = run("ntk", "poisson", "--method", "deep-ritz", *options, "--json")
    assert result.exit_code == 0 and out.stat().st_size > 10_000
    found = json.loads(result.stdout)
    assert found["sign_changes"][:4] == [0, 1, 2, 3]
    assert len(found["eigen_residual"]) == 12 and max(found["eigen_residual"]) > 0.1
    assert max(found["rayleigh_quotient"]) <= found["eigenvalues"][0]
    assert 0 < found["drift"] < 1 and found["eigenvalues"] == sorted(found["eigenvalues"], reverse=True)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("ntk", "poisson", "--method", "jacobi"), "does not train a network"),
        (("ntk", "torsion", "--method", "deep-ritz"), "on an interval"),
        (("predict", "p-laplacian", "--method", "fem"), "no theory of modes"),
        (("predict", "poisson-chirp", "--method", "jacobi", "-p", "dimension=2", "--modes", "sine"), "has no sine modes"),
    ],
)
def test_refusals_are_one_sentence(arguments, sentence, tmp_path):
    result = run(*arguments)
    assert result.exit_code == 2 and sentence in result.stderr and not list(tmp_path.iterdir())


def test_a_run_keeps_its_prediction_and_the_report_compares_it_with_the_measurement():
    problem = load_problem("poisson")
    solution = solve(problem, make_solver("deep-ritz", DESCENT | {"learning_rate": 1e-3}), stop=Stop(steps=200))
    run = PredictedRun.of("gradient descent", SpectralRecord.of(solution.history))
    predicted, measured = run.predicted, run.measured
    assert np.abs(measured[-1] - measured[0]).max() > 0.05
    assert np.abs(predicted - measured).max() < 0.1 * np.abs(measured[-1] - measured[0]).max()  # 200 units: not quite linear
    (told,) = [note for note in solution.notes if "the kernel of the loss has moved" in note]
    assert "linearized" in solution.spectrum().theory and "predictions from initialization" in told
    nothing = solve(problem, make_solver("deep-ritz", DESCENT), stop=Stop(steps=1), predict=False)
    assert (
        StoredPrediction.in_facts(nothing.history.facts).facts() == StoredPrediction().facts() and nothing.spectrum().theory == ""
    )
    (told,) = [note for note in nothing.notes if "trains like its linearization" in note]
    assert "predictions" not in told


def test_a_run_without_theory_states_the_reason():
    solution = solve(load_problem("poisson"), make_solver("deep-ritz", {"widths": (5,), "number": 20}), stop=Stop(steps=1))
    assert solution.spectrum().theory == "no theory for Adam; `pdefreq predict` gives a guide"
    assert all(row.predicted_rate is None and row.predicted_halving_step is None for row in solution.spectrum().rows)


def test_expensive_predictions_are_left_to_the_command():
    problem = load_problem("poisson")
    slow = make_solver("deep-ritz", DESCENT | {"widths": (60, 60), "number": 3000})
    solution = solve(problem, slow, stop=Stop(steps=0))
    assert "use `pdefreq predict`" in solution.spectrum().theory


def test_a_run_is_saved_even_if_a_note_fails(tmp_path, monkeypatch):
    """If memory is insufficient, the error message of torch replaces the note, and the folder is complete."""

    def fail(*_):
        raise RuntimeError("not enough memory\nat line 1")

    monkeypatch.setattr("pdefreq.iterations.training.training_iteration.kernel_drift", fail)
    solution = solve(load_problem("poisson"), make_solver("deep-ritz", DESCENT), stop=Stop(steps=1), folder=tmp_path / "run")
    assert (tmp_path / "run" / "solution.npz").exists()
    (note,) = (note for note in solution.notes if "could not be computed" in note)
    assert note.endswith("RuntimeError: not enough memory")


def test_rates_too_small_to_be_observed_are_not_reported():
    """The smallest singular values of 40 rows are rounding errors of the largest: their squares are no asymptotic rates."""
    found = predict("poisson", make_solver("deep-ritz", DESCENT))
    rates = found.errors.rate[np.isfinite(found.errors.rate)]
    assert (np.abs(rates) * found.errors.step[-1] >= 1).all() and len(rates) < len(found.errors.rate)


def test_a_learning_rate_that_is_too_large_is_reported_before_and_after_a_run():
    solver = make_solver("deep-ritz", DESCENT | {"learning_rate": 10.0})
    before, solution = predict("poisson", solver), solve("poisson", solver, stop=Stop(steps=1))
    assert "above 2 / kappa_1" in before.errors.note and solution.spectrum().theory == before.errors.note
    assert (before.errors.rate[np.isfinite(before.errors.rate)] < 0).any()


def test_the_kernel_command_reports_the_status_of_a_run_and_its_metric(tmp_path):
    sets = [f"--set={k}={json.dumps(v)}" for k, v in (DESCENT | {"learning_rate": 100}).items()]
    options = ["--method", "deep-ritz", *sets, "--metric", "loss", "--steps", "20", "--out", str(tmp_path / "kernel.png")]
    result = run("ntk", "poisson", *options)
    told = " ".join(result.stdout.split())
    assert result.exit_code == 1 and "of 20 the kernel of u has a relative drift of" in told and "learning rate" in told
    dynamics = run("predict", "poisson", "--method", "deep-ritz", *sets).stdout
    (largest,) = re.findall(r"2 / kappa_1 = ([^ :]+):", " ".join(dynamics.split()))
    assert f"2 / kappa_1 = {largest}" in told


def test_a_late_halving_step_is_told_apart_from_none():
    """n = 1e5: mode 1 is halved at step 3.5e8, after the last predicted step."""
    printed = run("predict", "poisson", "--method", "jacobi", "--set", "intervals=100000").stdout
    assert "not within 1e+08 steps" in " ".join(printed.split())


def test_figures_flag_invalid_predictions():
    from pdefreq.figures.heatmap import heatmap_figure
    from pdefreq.figures.modes import mode_figure

    history = solve("poisson", make_solver("deep-ritz", DESCENT), stop=Stop(steps=3)).history
    drift = SpectralRecord.of(history).prediction.drift
    assert drift is not None and drift.is_small  # stored at the end of a run
    for parameters, words in ((0.04, False), (0.06, True)):
        assert keep_drift(history, Drift(0.01, parameters))
        label = heatmap_figure(history).axes[0].get_xlabel()
        title = mode_figure(history).axes[0].get_title(loc="left")
        assert ("do not hold" in label, "do not hold" in title) == (words, words)
