"""`pdefreq benchmark`: the list of suites, a run of a suite, and the exit codes of comparisons."""

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from pdefreq.cli import app
from pdefreq.studies.benchmark_result import Benchmark, load_benchmark
from pdefreq.studies.benchmark_run import Run
from pdefreq.studies.suite_file import suite_names

SUITE = """
title = "One problem"
[[problem]]
name = "poisson"
[[method]]
name = "jacobi:intervals=32"
[[method]]
name = "regression"
[[budget]]
steps = 20
[[published]]
method = "A method"
problem = "poisson"
error = 0.25
definition = "largest error"
source = "Somebody (2020), table 1"
"""
MACHINE = {"processor": "one", "cores": 2, "memory": None, "system": "x"}
METHOD = "gauss-newton:boundary=penalty,widths=[20,20],optimizer.damping=1e-4"


def command(*arguments):
    return CliRunner().invoke(app, ["benchmark", *map(str, arguments)], env={"COLUMNS": "80"})


def saved(folder, error, seconds=1.0):
    run = Run("poisson-chirp", "d", METHOD, "1,000 steps or 10 s of steps", 0, "steps", relative_l2=error, seconds=seconds)
    return Benchmark("s", "S", [run, replace(run, method="jacobi")], [], MACHINE, {}, "2026-01-31").save(folder)


def test_the_suites_are_listed():
    listed = command()
    assert listed.exit_code == 0 and all(name in listed.output for name in suite_names())


def test_a_suite_is_run_with_its_failures_and_cited_numbers(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one.toml").write_text(SUITE)
    done = command("one.toml", "--quiet")
    assert done.exit_code == 0, done.output
    for text in (
        "regression needs a given function to fit",
        "not measured here",
        "0.25 (largest error; Somebody (2020), table 1)",
    ):
        assert text in done.output
    folder = tmp_path / "runs/benchmark-one-1"
    assert {"benchmark.html", "benchmark.png", "bias_index.png", "benchmark.csv", "benchmark.json"} <= {
        path.name for path in folder.iterdir()
    }
    printed = json.loads(command("one.toml", "--quiet", "--json", "--out", folder).stdout)
    assert [row["relative_l2"] for row in printed["rows"]] == [row["relative_l2"] for row in load_benchmark(folder).rows()]
    same = command("--compare", folder, folder)
    assert same.exit_code == 0 and "0 regressions, 0 improvements in 2" in same.output


def test_the_exit_code_of_a_comparison_says_whether_there_is_a_regression(tmp_path):
    before, worse = saved(tmp_path / "a", 0.1), saved(tmp_path / "b", 0.2)
    assert command("--compare", before, worse).exit_code == 1
    assert command("--compare", worse, before).exit_code == 0
    assert command("--compare", before, worse, "--threshold", 3).exit_code == 0
    slower = saved(tmp_path / "c", 0.1, seconds=2.0)
    assert command("--compare", before, slower).exit_code == 1
    assert command("--compare", before, slower, "--time-threshold", 3).exit_code == 0
    changes = json.loads(command("--compare", before, worse, "--json").stdout)["changes"]
    assert [(row["method"], row["change"], row["ratio"]) for row in changes] == [
        (METHOD, "regression", 2.0),
        ("jacobi", "regression", 2.0),
    ]


def test_the_table_of_a_comparison_fits_on_80_columns(tmp_path):
    output = command("--compare", saved(tmp_path / "a", 0.1), saved(tmp_path / "b", 0.2)).output
    assert max(map(len, output.splitlines())) <= 80
    assert "regression" in output and "0.1" in output and "0.2" in output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["quik"], "did you mean 'quick'"),
        (["--compare", "a", "b"], "can't read the benchmark"),
        (["quick", "--compare", "a", "b"], "leave it out"),
        (["quick", "--threshold", "2"], "belong to --compare"),
        (["none.toml"], "can't read the suite"),
    ],
)
def test_bad_input_is_one_sentence(arguments, message):
    refused = command(*arguments)
    assert refused.exit_code == 2 and message in refused.output and "Traceback" not in refused.output
    assert len(refused.output.strip().splitlines()) == 1
