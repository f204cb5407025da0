"""Benchmarks: each row is the run that `solve` makes, failures are rows, and a repeated command repeats no run."""

import csv
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import torch

from pdefreq import benchmark, load_benchmark, load_problem, make_solver, solve
from pdefreq.core.errors import RunFolderError
from pdefreq.core.history import Stop
from pdefreq.core.machine import machine
from pdefreq.reports.benchmark import benchmark_report
from pdefreq.studies.suite import Suite, SuiteMethod, SuiteProblem
from pdefreq.studies.suite_file import load_suite, suite_names

TINY = """
title = "Tiny"
seeds = 2
[[problem]]
name = "poisson"
[[problem]]
name = "tones"
[[method]]
name = "jacobi:intervals=128"
[[method]]
name = "deep-ritz"
set = {widths = [5], number = 20}
[[method]]
name = "regression"
set = {widths = [5]}
label = "small"
[[budget]]
steps = 40
[[published]]
method = "<A> & network"
problem = "poisson"
error = 0.25
definition = "largest error"
source = "Somebody (2020), table 1"
"""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    folder = tmp_path_factory.mktemp("benchmark")
    (folder / "tiny.toml").write_text(TINY)
    return folder, benchmark(folder / "tiny.toml", folder=folder / "out")


def test_each_row_is_the_run_of_solve(tiny):
    _, found = tiny
    methods = {"jacobi:intervals=128": "jacobi:intervals=128", "deep-ritz:widths=[5],number=20": "deep-ritz:widths=[5],number=20"}
    for run in found.runs:
        if run.problem == "poisson" and run.method in methods:
            alone = solve("poisson", make_solver(methods[run.method]), stop=Stop(steps=40), seed=run.seed)
            assert run.relative_l2 == alone.error() and run.steps == 40 and run.status == "steps"
            assert run.curve[-1][1] == pytest.approx(alone.history.last("relative_l2"), rel=1e-14)
            summary = alone.summary()
            relation = summary["bias_index_relation"]
            assert run.bias_index_relation == (None if run.bias_index is None and relation != "~" else relation)
            assert run.bias_index == (None if summary["bias_index"] != summary["bias_index"] else summary["bias_index"])


def test_failures_are_rows_with_their_sentences(tiny):
    _, found = tiny
    sentences = {(problem, method): sentence for problem, method, _, sentence in found.failures()}
    assert "regression" in sentences["tones", "jacobi:intervals=128"]
    assert "needs a given function to fit" in sentences["poisson", "small"]
    assert {run.status for run in found.runs if run.failed} == {"refused"}
    assert len(found.runs) == 3 * 2 * 2


def test_the_files_contain_the_rows(tiny):
    folder, found = tiny
    loaded = load_benchmark(folder / "out")
    assert loaded.rows() == found.rows() and loaded.failures() == found.failures()
    with open(folder / "out/benchmark.csv") as file:
        rows = [*csv.DictReader(file)]
    assert [row["relative_l2"] for row in rows] == [
        "" if run.relative_l2 is None else repr(run.relative_l2) for run in found.runs
    ]
    assert loaded.setup == found.setup == {"workers": 1, "threads": torch.get_num_threads(), "device": "cpu", "dtype": "float64"}
    assert loaded.machine["cores"] >= 1 and {"python", "torch", "numpy"} <= {*loaded.versions}
    assert {path.name for path in (folder / "out").glob("*.png")} == {"benchmark.png", "bias_index.png"}


def test_the_same_call_repeats_no_run(tiny):
    folder, found = tiny
    before = {path: path.stat().st_mtime_ns for path in (folder / "out").glob("*/*")}
    again = benchmark(folder / "tiny.toml", folder=folder / "out", workers=2)
    assert {path: path.stat().st_mtime_ns for path in (folder / "out").glob("*/*")} == before
    assert again.rows() == found.rows() and again.setup == found.setup


def test_a_study_in_parts_states_only_what_holds_for_all_parts(tiny, tmp_path):
    """The first part had another number of processes, and another processor."""
    folder, _ = tiny
    shutil.copytree(folder / "out", tmp_path / "out")
    for name, changes in (("study.json", {"finished": False}), ("benchmark.json", {})):
        record = json.loads((tmp_path / "out" / name).read_text()) | changes
        if name == "benchmark.json":
            record["setup"]["workers"], record["machine"]["processor"] = 7, "another"
        (tmp_path / "out" / name).write_text(json.dumps(record))
    found = benchmark(folder / "tiny.toml", folder=tmp_path / "out")
    assert found.setup["workers"] is None and found.setup["device"] == "cpu"
    assert found.machine["processor"] is None and found.machine["cores"] == machine()["cores"]
    assert load_benchmark(tmp_path / "out").setup == found.setup


def test_another_benchmark_in_the_same_folder_is_refused(tiny):
    folder, _ = tiny
    (folder / "other.toml").write_text(TINY.replace("steps = 40", "steps = 41"))
    with pytest.raises(RunFolderError, match="contains another study"):
        benchmark(folder / "other.toml", folder=folder / "out")


def test_the_report_names_all_results_and_marks_cited_numbers(tiny):
    _, found = tiny
    html = benchmark_report(found).html
    for text in (
        "Cited from publications, not measured here",
        "largest error",
        "&lt;A&gt; &amp; network",
        "needs a given function to fit",
    ):
        assert text in html
    assert "<A>" not in html
    for run in found.runs:
        assert run.method in html
    assert "pdefreq benchmark tiny.toml --workers 1" in html  # not the name alone, which only suites of the package have
    outside = replace(
        found, setup={}, suite="quick", title=suite_names()["quick"], runs=[replace(found.runs[0], outside=True, method="a b")]
    )
    assert "pdefreq benchmark quick --adapter &#x27;a b=FILE.py:NAME&#x27;<" in benchmark_report(outside).html
    assert "src=" not in html and "http:" not in html and "https:" not in html


def test_the_figures_have_a_panel_for_each_problem(tiny):
    _, found = tiny
    shown = [axes for axes in found.plot().axes if axes.get_visible()]
    assert len(shown) == 2 * 2 and shown[0].get_title() == "poisson"
    assert found.plot_bias().axes[0].get_title().startswith("Tiny")
    assert repr(found).startswith("<benchmark tiny: 12 runs, of which")


def test_nothing_is_written_without_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.toml").write_text(TINY.replace('[[problem]]\nname = "tones"\n', "").replace("seeds = 2", "seeds = 1"))
    found = benchmark(load_suite("tiny.toml"))
    assert found.folder is None and [path.name for path in tmp_path.iterdir()] == ["tiny.toml"]


def test_the_half_time_of_the_highest_mode_is_not_that_of_another_mode(tiny):
    """The half times are those of the mode with the largest wavenumber of the run, also if it is not halved."""
    folder, found = tiny
    seen = set()
    for run in (run for run in found.runs if run.problem == "poisson" and not run.failed):
        (record,) = (folder / "out").glob(f"poisson-{run.method.partition(':')[0]}*seed{run.seed}/run.json")
        modes = [mode for mode in json.loads(record.read_text())["summary"]["modes"] if mode["status"].endswith("halved")]
        modes.sort(key=lambda mode: mode["wavenumber"])
        assert (run.half_time_low, run.half_time_high) == (modes[0]["halving_seconds"], modes[-1]["halving_seconds"])
        seen.add((run.half_time_low is None, run.half_time_high is None))
    assert (True, False) in seen  # Jacobi iteration does not halve the lowest mode in 40 steps


def test_an_error_of_any_kind_is_a_row():
    """A method that needs more memory than there is raises an error that other studies do not keep."""
    method = SuiteMethod("too large", make_solver("fem:cells=100000000000"), ("poisson",))
    suite = Suite("large", "Large", [SuiteProblem("poisson", load_problem("poisson"))], [method], {"1 steps": Stop(steps=1)})
    (run,) = benchmark(suite).runs
    assert run.status == "refused" and run.failed and "memory" in run.sentence


class Elsewhere(ThreadPoolExecutor):
    """An executor whose workers are on another machine."""

    def submit(self, fn, /, *args, **kwargs):
        return super().submit((lambda: {**machine(), "processor": "Other"}) if fn is machine else fn, *args, **kwargs)


def test_the_machine_is_that_of_the_workers():
    method = SuiteMethod("jacobi", make_solver("jacobi:intervals=16"), ("poisson",))
    suite = Suite("own", "Own", [SuiteProblem("poisson", load_problem("poisson"))], [method], {"1 steps": Stop(steps=1)})
    assert benchmark(suite).machine == machine()
    with Elsewhere(1) as executor:
        assert benchmark(suite, executor=executor).machine["processor"] == "Other"
