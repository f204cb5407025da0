"""Benchmarks: each row is the run that `solve` makes, failures are rows, and a repeated command repeats no run."""

import csv
import json
import time

import pytest

from pdefreq import benchmark, load_benchmark, make_solver, solve
from pdefreq.core.errors import OptionError, RunFolderError
from pdefreq.core.history import Stop
from pdefreq.report.benchmark import benchmark_report
from pdefreq.studies.suite_file import load_suite

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

ADAPTERS = '''
import numpy as np


def jacobi(problem, monitor, stop, seed):
    """Jacobi iteration for -u'' = f on a uniform grid of 128 intervals with u = 0 at both ends."""
    assert problem.exact is None  # a method does not see the solution
    import torch

    (low,), (high,) = problem.domain.bounds
    x = np.linspace(low, high, 129)
    f = problem.source(torch.from_numpy(x)[:, None]).numpy()
    u, h = np.zeros(129), x[1] - x[0]
    monitor(0, lambda p: np.interp(p[:, 0], x, u))
    for step in range(1, stop.steps + 1):
        u[1:-1] = (u[:-2] + u[2:] + h**2 * f[1:-1]) / 2
        monitor(step, lambda p: np.interp(p[:, 0], x, u), last=step == stop.steps)


def broken(problem, monitor, stop, seed):
    raise ZeroDivisionError("a\\nreason")


def silent(problem, monitor, stop, seed):
    pass
'''


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    folder = tmp_path_factory.mktemp("benchmark")
    (folder / "tiny.toml").write_text(TINY)
    (folder / "mine.py").write_text(ADAPTERS)
    adapters = [f"{folder}/mine.py:jacobi", f"{folder}/mine.py:broken", f"{folder}/mine.py:silent"]
    began = time.time()
    return folder, benchmark(folder / "tiny.toml", adapters=adapters, folder=folder / "out"), adapters, began


def test_each_row_is_the_run_of_solve(tiny):
    _, found, _, _ = tiny
    methods = {"jacobi:intervals=128": "jacobi:intervals=128", "deep-ritz:widths=[5],number=20": "deep-ritz:widths=[5],number=20"}
    for run in found.runs:
        if run.problem == "poisson" and run.method in methods:
            alone = solve("poisson", make_solver(methods[run.method]), stop=Stop(steps=40), seed=run.seed)
            assert run.relative_l2 == alone.error() and run.steps == 40 and run.status == "steps"
            assert run.curve[-1][1] == pytest.approx(alone.history.last("relative_l2"), rel=1e-14)
            summary = alone.summary()
            assert run.bias_index == (None if summary["bias_index"] != summary["bias_index"] else summary["bias_index"])


def test_an_adapter_gives_the_result_of_the_same_method_of_the_package(tiny):
    """Jacobi iteration in NumPy and in pdefreq are the same iteration; the adapter interpolates linearly between the nodes."""
    _, found, _, _ = tiny
    rows = {(row["problem"], row["method"]): row for row in found.rows()}
    own, other = rows["poisson", "jacobi:intervals=128"], rows["poisson", "jacobi"]
    assert other["status"] == "recorded" and other["steps"] == 40
    assert other["relative_l2"] == pytest.approx(own["relative_l2"], rel=0.02)
    assert other["bias_index"] < -1  # Jacobi iteration reduces high frequencies first


def test_failures_are_rows_with_their_sentences(tiny):
    _, found, _, _ = tiny
    sentences = {(problem, method): sentence for problem, method, _, sentence in found.failures()}
    assert "regression" in sentences["tones", "jacobi:intervals=128"]
    assert "needs a given function to fit" in sentences["poisson", "small"]
    assert sentences["poisson", "broken"] == "ZeroDivisionError: a reason"
    assert sentences["poisson", "silent"] == "the function did not call the monitor."
    assert {run.status for run in found.runs if run.method == "broken"} == {"failed"}
    assert len(found.runs) == (3 + 3) * 2 * 2


def test_the_files_contain_the_rows(tiny):
    folder, found, _, _ = tiny
    loaded = load_benchmark(folder / "out")
    assert loaded.rows() == found.rows() and loaded.failures() == found.failures()
    with open(folder / "out/benchmark.csv") as file:
        rows = [*csv.DictReader(file)]
    assert [row["relative_l2"] for row in rows] == [
        "" if run.relative_l2 is None else repr(run.relative_l2) for run in found.runs
    ]
    assert loaded.machine["cores"] >= 1 and {"python", "torch", "numpy"} <= {*loaded.versions}
    assert {path.name for path in (folder / "out").glob("*.png")} == {"benchmark.png", "bias_index.png"}


def test_the_same_call_repeats_no_run(tiny):
    folder, found, adapters, _ = tiny
    before = {path: path.stat().st_mtime_ns for path in (folder / "out").glob("*/*")}
    again = benchmark(folder / "tiny.toml", adapters=adapters, folder=folder / "out")
    assert {path: path.stat().st_mtime_ns for path in (folder / "out").glob("*/*")} == before
    assert again.rows() == found.rows()


def test_another_benchmark_in_the_same_folder_is_refused(tiny):
    folder, _, adapters, _ = tiny
    with pytest.raises(RunFolderError, match="contains another study"):
        benchmark(folder / "tiny.toml", folder=folder / "out")
    (folder / "mine.py").write_text(ADAPTERS + "\n# changed\n")
    with pytest.raises(RunFolderError, match="contains another study"):
        benchmark(folder / "tiny.toml", adapters=adapters, folder=folder / "out")
    (folder / "mine.py").write_text(ADAPTERS)


@pytest.mark.parametrize(
    ("adapters", "message"),
    [
        (["mine.py"], "FILE.py:NAME"),
        (["none.py:jacobi"], "there is no file"),
        ("mine.py:jacobi", "must be a list"),
        (["small={}/mine.py:jacobi"], "two methods have the name"),
    ],
)
def test_adapters_that_do_not_exist_are_refused(tiny, adapters, message):
    folder = tiny[0]
    given = adapters if isinstance(adapters, str) else [each.replace("{}", str(folder)) for each in adapters]
    with pytest.raises(OptionError, match=message):
        benchmark(folder / "tiny.toml", adapters=given)


def test_the_report_names_all_results_and_marks_cited_numbers(tiny):
    _, found, _, _ = tiny
    html = benchmark_report(found).html
    for text in ("Cited from publications, not measured here", "largest error", "&lt;A&gt; &amp; network", "ZeroDivisionError"):
        assert text in html
    assert "<A>" not in html
    for run in found.runs:
        assert run.method in html
    assert "src=" not in html and "http" not in html.replace("http-equiv", "")


def test_the_figures_have_a_panel_for_each_problem(tiny):
    _, found, _, _ = tiny
    shown = [axes for axes in found.plot().axes if axes.get_visible()]
    assert len(shown) == 2 * 2 and shown[0].get_title() == "poisson"
    assert found.plot_bias().axes[0].get_title().startswith("Tiny")
    assert repr(found).startswith("<benchmark tiny: 24 runs, of which")


def test_nothing_is_written_without_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.toml").write_text(TINY)
    found = benchmark(load_suite("tiny.toml"))
    assert found.folder is None and [path.name for path in tmp_path.iterdir()] == ["tiny.toml"]


def test_a_damaged_result_is_refused(tiny, tmp_path):
    folder, _, _, _ = tiny
    record = json.loads((folder / "out/benchmark.json").read_text())
    for change in ({"format": 9}, {"runs": [{}]}, {"runs": [record["runs"][0] | {"relative_l2": "0.1"}]}, {"machine": None}):
        (tmp_path / "benchmark.json").write_text(json.dumps(record | change))
        with pytest.raises(RunFolderError, match="can't be used"):
            load_benchmark(tmp_path)
    with pytest.raises(RunFolderError, match="can't read"):
        load_benchmark(tmp_path / "none")
