"""The numbers of a result are those of the state that the run returns, also if it is not the state of the last row."""

import json

import numpy as np
import pytest
import torch

from pdefreq import Box, Problem
from pdefreq.core.history import Schedule, Status, Stop
from pdefreq.iterations.defaults import result_state_of
from pdefreq.iterations.linear.feature_least_squares import FeatureLeastSquares
from pdefreq.reports.sections import summary as report_summary
from pdefreq.runs.lifecycle import load_run
from pdefreq.runs.solve import solve
from pdefreq.solvers.names import make_solver

NETWORK = "mscale:widths=[10,10],scales=[1,2,4],form=subnetworks,number=12,learning_rate=0.02,half_life=null"
WAVE = Problem(domain=Box((0,), (1,)), exact="sin(2*pi*x) + sin(9*pi*x)/10 + x/3")
ERRORS = ("relative_l2", "relative_h1", "max_error", "relative_l2_homogeneous")


def early_and_end(after="", steps=60):
    """A run that returns an earlier state, and a run that ends at this state, with the same options.

    Args:
        after: The second method of a chain, which the run does not reach.
        steps: The steps of the first run.
    """
    part, chain = ("first.", {"hand_over_step": 2 * steps}) if after else ("", {})
    best, last = (make_solver(NETWORK + after, {f"{part}keep": keep, **chain}) for keep in ("best", "last"))
    kept = solve("poisson", best, stop=Stop(steps=steps))
    step = int(kept.last_state.memory["inner.held_out_best_step" if after else "held_out_best_step"])
    return kept, solve("poisson", last, stop=Stop(steps=step))


@pytest.fixture(scope="module", params=["", "+jacobi"], ids=["network", "chain"])
def pair(request):
    return early_and_end(request.param)


def error_of_modes(solution):
    return [row.error for row in solution.spectrum().rows]


def test_every_number_of_an_earlier_state_is_that_of_a_run_that_ends_there(pair):
    """The same computations of the same state, so that the numbers are equal bit for bit."""
    kept, end = pair
    assert not kept.is_last_state and kept.step > end.step == end.history.last("step")
    assert torch.equal(kept.state.coefficients, end.state.coefficients)
    one, two = kept.summary(), end.summary()
    for name in ("objective", *ERRORS):
        assert one[name] == two[name], name
    assert one["result"].keys() == two["result"].keys()
    for name, value in two["result"].items():
        assert one["result"][name] == value, name
    assert [mode["error"] for mode in one["modes"]] == [mode["error"] for mode in two["modes"]] == error_of_modes(end)
    assert one["objective"] != kept.history.last("objective")
    assert error_of_modes(kept) != kept.history.last("mode_error_total").tolist()


def test_the_folder_has_the_numbers_of_the_returned_state(pair, tmp_path):
    kept, end = pair
    kept.save(tmp_path / "run")
    written = json.loads((tmp_path / "run" / "run.json").read_text())["summary"]
    assert written["result"]["objective"] == written["objective"] == end.history.last("objective")
    assert not written["is_last_state"] and written["recorded_step"] == kept.step
    with np.load(tmp_path / "run" / "spectrum.npz") as arrays:
        for name in ("mode_error", "mode_error_total"):
            np.testing.assert_array_equal(arrays[f"result_{name}"], end.history.last(name))
            np.testing.assert_array_equal(arrays[name][-1], kept.history.last(name))
    again = load_run(tmp_path / "run")
    assert again.result_columns.keys() == kept.result_columns.keys()
    for name, value in kept.result_columns.items():
        np.testing.assert_array_equal(again.result_columns[name], value, err_msg=name)


def test_the_printed_result_and_the_report_agree_with_the_summary(pair):
    from rich.console import Console

    from pdefreq.commands.console import number
    from pdefreq.commands.result import print_solution

    kept, _ = pair
    console, found = Console(width=200), kept.summary()
    with console.capture() as printed:
        print_solution(console, kept)
    text = printed.get()
    assert f"objective {number(found['objective'], 8)}" in text
    assert "The result is an earlier state than the last one. The objective and all errors are those of the result" in text
    strongest = max(found["modes"], key=lambda mode: mode["amplitude"])
    assert number(strongest["error"]) in text
    assert number(found["relative_l2"]) in text and number(found["relative_l2"]) in str(report_summary([kept], ["kept"]))


def test_the_last_row_is_not_measured_again(monkeypatch):
    """A run that returns the state of its last row, as most do, evaluates each recorded state once."""
    from pdefreq.runs.recorder import Recorder

    calls, columns = [], Recorder.columns
    monkeypatch.setattr(Recorder, "columns", lambda *args: calls.append(1) or columns(*args))
    solution = solve("poisson", "jacobi:intervals=16", stop=Stop(steps=7))
    assert len(calls) == len(solution.history) == 8
    assert solution.summary()["result"]["objective"] == solution.history.last("objective")


def test_a_state_between_two_recorded_steps_is_measured():
    method = make_solver("jacobi:intervals=16")
    cut = solve("poisson", method, stop=Stop(steps=50), schedule=Schedule(dense=4, per_decade=1))
    whole = solve("poisson", method, stop=Stop(steps=50))
    assert cut.summary()["result"] == whole.summary()["result"]


@pytest.mark.parametrize("method", ["random-features", "random-features+jacobi"])
def test_the_attempt_with_the_smallest_residual_is_returned_with_its_own_residual(monkeypatch, method):
    """Three attempts with the residuals 0.5, 0.3 and 0.4, of which the second one is returned, in a space of its own."""
    left = iter([0.5, 0.3, 0.4])
    monkeypatch.setattr(FeatureLeastSquares, "_relative_residual", lambda *_: next(left))
    monkeypatch.setattr(FeatureLeastSquares, "_ending", lambda *_: None)
    solution = solve(WAVE, method, stop=Stop(steps=3))
    assert solution.status is Status.STEPS and not solution.is_last_state
    assert solution.history.column("objective").tolist() == [1.0, 0.5, 0.3, 0.4]
    assert solution.summary()["objective"] == 0.3
    unknowns = solution.history.column("unknowns")[2]
    assert solution.summary()["unknowns"] == solution.summary()["result"]["unknowns"] == unknowns
    assert solution.state.space.num_coefficients == len(solution.state.coefficients) == unknowns
    assert error_of_modes(solution) == solution.history.column("mode_error_total")[2].tolist()


def test_newtons_method_returns_the_residual_of_its_best_attempt():
    """A later attempt that has not ended has a space of its own, and the residual of its first iterates."""
    problem = Problem(domain=Box((0,), (1,)), nonlinear="u**3", exact="sin(3*x) + x")
    iteration = make_solver("random-features", {"tolerance": 1e-30}).prepare(
        problem.blind(), seed=0, device=torch.device("cpu"), dtype=torch.float64
    )
    state = iteration.init()
    while len(state.memory["residuals"]) < 1:
        state = iteration.step(state)
    assert not state.done  # the second attempt begins
    result = result_state_of(iteration, state)
    assert float(iteration.objective(result)["residual"]) == pytest.approx(float(state.memory["residuals"][0]), rel=1e-12)
