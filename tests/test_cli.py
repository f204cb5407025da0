"""The command line: output, refusals, and exit codes."""

import csv
import itertools
import json
import os
import re
import runpy
import shlex
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch
import typer
from typer.testing import CliRunner

from pdefreq.cli import _EXAMPLES, app
from pdefreq.commands import shared_options as options
from pdefreq.commands.console import number
from pdefreq.commands.result import modes_table
from pdefreq.commands.run_file import read_run_file
from pdefreq.core.history import Stop
from pdefreq.experiments import EXPERIMENTS
from pdefreq.iterations.training.training_iteration import TrainingIteration
from pdefreq.probes.probe import make_probe
from pdefreq.runs.solve import solve
from pdefreq.solvers import SOLVERS
from pdefreq.spectrum.bias import LEGEND

ROOT = Path(__file__).parents[1]
FEW = ("--steps", "30", "--no-figures")  # enough for a table, and fast
NETWORK = ("deep-ritz", "--set", "widths=[6]", "--set", "number=40")  # small
JSON_KEYS = {
    "problem", "method", "status", "steps", "seconds", "relative_l2", "relative_h1",
    "bias_index", "bias_index_modes", "modes", "run",
}  # fmt: skip
MODE_KEYS = {"wavenumber", "amplitude", "error", "halving_step", "rate", "predicted_rate"}

WAVE = """
title = "One wave"
[domain]
kind = "box"
lower = 0
upper = 1
[equation]
exact = "sin(pi*x)"
[boundary]
value = "0"
"""


@pytest.fixture
def cli(tmp_path, monkeypatch):
    """A function that runs a command in an empty current directory; bugs surface as exceptions."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        return CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)

    return run


def files():
    return sorted(str(p) for p in Path().rglob("*"))


def assert_refused(result, before):
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert re.fullmatch(r"error: [^\n]+\n", result.stderr), result.stderr
    assert "Traceback" not in result.stderr
    assert files() == before


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["slove", "poisson"], "solve"),
        (["solve"], "PROBLEM"),
        (["solve", "poisson", "--stepz", "3"], "--steps"),
        (["run", "file.toml", "--method", "fem"], "known names are --help"),  # the dashes alone are no likeness
        (["predict", "poisson", "--steps", "9"], "known names are --help"),  # not --threads
        (["solve", "poisson", "--steps", "many"], "--steps"),
        (["solve", "poisson", "--steps", "-5"], "steps"),
        (["solve", "poisson", "--seconds", "-1"], "seconds"),
        (["solve", "poisson", "--seeds", "0"], "--seeds"),
        (["solve", "poisson", "--threads", "0"], "--threads"),
        (["solve", "poisson", "--dtype", "float16"], "float32"),
        (["solve", "poisson", "--device", "abacus", "-m", "fem"], "cpu"),
        (["solve", "poisson", "--modes", "sinus"], "sine"),
        (["solve", "poisson", "--tolerance", "0.1"], "tolerance"),
        (["solve", "poison"], "poisson"),
        (["solve", "poisson:harder"], "harder"),
        (["solve", "missing.toml"], "missing.toml"),
        (["solve", "poisson", "--method", "jakobi"], "jacobi"),
        (["solve", "poisson", "--method", "deep-ritz+jakobi"], "jacobi"),
        (["solve", "poisson", "--method", "nowhere.py:Mine"], "nowhere.py"),
        (["solve", "poisson", "--set", "learning_rat=1"], "learning_rate"),
        (["solve", "poisson", "--set", "activation=sinn"], "sin"),
        (["solve", "poisson", "--set", "widths"], "KEY=VALUE"),
        (["solve", "poisson", "--set", "number=1", "--set", "number=2"], "twice"),
        (["solve", "poisson", "--set", "widths=[0]"], "widths"),
        (["solve", "poisson", "--set", "widths=[30,-3]"], "widths"),
        (["solve", "poisson", "--set", "widths=wide"], "widths"),
        (["solve", "poisson", "-m", "jacobi", "--set", "intervals=0"], "intervals"),
        (["solve", "poisson", "-m", "jacobi", "--set", "intervals=-4"], "intervals"),
        (["solve", "poisson", "-m", "jacobi", "--set", "intervals=1000000000000"], "B"),
        (["solve", "poisson-chirp", "--param", "muu=3"], "mu"),
        (["solve", "poisson-chirp", "--param", "mu"], "KEY=VALUE"),
        (["solve", "tones", "--method", "jacobi"], "regression"),
        (["solve", "poisson", "--method", "regression"], "regression"),
        (["compare", "poisson", "fem", "jakobi"], "jacobi"),
        (["compare", "poisson"], "METHOD"),
        (["compare", "poisson"], "pdefreq compare --help"),
        (["solve", "poisson", "--steps", "1e400"], "got '1e400'"),
        (["solve", "poisson", "--steps", "9999999999999999999"], "at most 64 bits"),
        (["solve", "poisson", "--seed", "9999999999999999999"], "at most 64 bits"),
        (["solve", "poisson", "--seeds", "0"], "got '0'"),
        (["solve", "poisson", "--dtype", "float16"], "--dtype': 'float16' is not one of 'float64', 'float32'; for"),
        (["solve", "./"], "is a folder"),
        (["refine", "poisson", "--method", "jacobi"], "multigrid"),
        (["refine", "poisson", "--method", "mscale"], "fem"),
        (["refine", "poisson", "--levels", "1"], "--levels"),
        (["refine", "poisson", "--start", "0"], "--start"),
        (["refine", "poisson", "--set", "cels=3"], "cells"),
        (["methods", "mscal"], "mscale"),
        (["check", "poison"], "poisson"),
        (["show", "nothing"], "nothing"),
        (["resume", "nothing"], "nothing"),
        (["rerun", "nothing"], "nothing"),
        (["export", "nothing", "--to", "a.vtu"], "nothing"),
        (["export", "nothing"], "--to"),
        (["compare", "poisson", "fem", "mscale:activation=sinn"], "sin"),
        (["compare", "poisson", "fem", "mscale:activatoin=phi"], "activation"),
        (["compare", "poisson", "fem", "mscale:phi"], "mscale"),
        (["solve", "poisson", "-m", "mscale:activation=sinn"], "sin"),
        (["new", "no/such/folder/my.toml"], "no/such/folder"),
        (["new", "my.txt"], "pdefreq new my.toml"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_is_refused_in_one_sentence(cli, arguments, hint):
    before = files()
    result = cli(*arguments)
    assert_refused(result, before)
    assert hint in result.stderr


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        (("lower = 0", "lower = = 0"), "line 5"),
        (("upper = 1", "upper = 0"), "lower"),
        (("upper = 1", "upper = -1"), "lower"),
        (("upper = 1", "uper = 1"), "upper"),
        (('kind = "box"', 'kind = "bocks"'), "box"),
        (("lower = 0", "lower = 0\ndimension = 0"), "dimension"),
        (("sin(pi*x)", "sin(pi*x"), "sin(pi*x"),
        (("sin(pi*x)", "open(x)"), "open"),
        (("sin(pi*x)", "x.real"), "x.real"),
        (('exact = "sin(pi*x)"', 'exact = "sin(pi*x)"\nsource = "1"'), "source"),
    ],
)
def test_bad_problem_files_are_refused_in_one_sentence(cli, change, hint):
    text = WAVE.replace(*change)
    assert text != WAVE
    Path("my.toml").write_text(text)
    before = files()
    for command in (["solve", "my.toml", "-m", "fem"], ["check", "my.toml"]):
        result = cli(*command)
        assert_refused(result, before)
        assert hint in result.stderr


@pytest.mark.parametrize(
    "command",
    [
        ("solve", "poisson", "-m", "fem"),
        ("compare", "poisson", "fem", "sine"),
        ("refine", "poisson", "-m", "fem"),
        ("reproduce", "multiscale-2d"),
    ],
)
@pytest.mark.parametrize("out", ["file", "file/run"])
def test_a_folder_that_cannot_be_created_is_refused_before_the_run(cli, monkeypatch, command, out):
    monkeypatch.setattr("pdefreq.runs.solve.solve", lambda *_, **__: pytest.fail("was run"))
    monkeypatch.setattr("pdefreq.experiments.multiscale_2d.linear", lambda *_: pytest.fail("was run"))
    Path("file").write_text("not a folder")
    before = files()
    result = cli(*command, "--out", out)
    assert_refused(result, before)
    assert "is not a folder" in result.stderr


def test_a_folder_that_is_not_empty_is_not_changed(cli):
    Path("taken").mkdir()
    Path("taken/letter.txt").write_text("dear")
    before = files()
    assert_refused(cli("solve", "poisson", "-m", "fem", "--out", "taken"), before)
    assert_refused(cli("solve", "poisson", "-m", "fem", "--seeds", "2", "--out", "taken"), before)
    assert_refused(cli("compare", "poisson", "fem", "sine", "--out", "taken"), before)


def test_a_full_disk_is_reported_in_one_sentence(cli, monkeypatch):
    def full(self, *_, **__):
        raise OSError(28, "No space left on device", str(self))

    monkeypatch.setattr(Path, "open", full)
    assert_refused(cli("new", "my.toml"), [])


def test_a_bug_keeps_its_traceback(cli, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("a bug")

    monkeypatch.setattr("pdefreq.commands.shared_options.load_problem", broken)
    with pytest.raises(RuntimeError, match="a bug"):
        cli("solve", "poisson", "-m", "fem")


# ---------------------------------------------------------------- lists, templates, checks


def test_version(cli):
    import pdefreq

    assert cli("--version").stdout == f"pdefreq {pdefreq.__version__}\n"


def test_problems_lists_the_shipped_problems(cli):
    listed = cli("problems").stdout
    for file in (ROOT / "problems").glob("*.toml"):
        assert re.search(rf"^\s*{file.stem}\s", listed, re.MULTILINE)


def test_methods_lists_every_method_and_the_options_of_each(cli):
    from pdefreq.core.options import options_of

    listed = cli("methods").stdout
    for name in SOLVERS:
        assert re.search(rf"^\s*{name}\s", listed, re.MULTILINE)
        explained = cli("methods", name).stdout
        for option in options_of(SOLVERS.load(name)):
            assert re.search(rf"^\s*{option.name}\s", explained, re.MULTILINE), (name, option.name)
            assert option.doc, f"{name} does not say what `{option.name}` means"


@pytest.mark.parametrize("line", [line for examples in _EXAMPLES.values() for line in examples.split("\n\n") if line])
def test_examples_of_the_help_are_accepted(tmp_path, monkeypatch, line):
    """Every option, problem, method, experiment and probe in an example exists; nothing is run."""
    monkeypatch.chdir(tmp_path)
    Path("my.toml").write_text(WAVE)
    Path("my-sweep.toml").write_text(SWEEP)
    Path("my-data.toml").write_text(WAVE + '[data]\npoints = "uniform"\nnumber = 8\n')
    Path("my_method.py").write_text("from tests.toys import Geometric as MySolver\n")
    program, name, *arguments = shlex.split(line)
    assert program == "pdefreq"
    given = typer.main.get_command(app).commands[name].make_context(name, arguments).params
    if given.get("problem") == "my-sweep.toml":
        given |= read_run_file(Path("my-sweep.toml"), is_sweep=True)
    subject = options.load_problem(given["problem"], given.get("params")) if "problem" in given else None
    settings = options.key_values("--set", given.get("settings"))
    solvers = [options.load_solver(method, settings) for method in given.get("methods") or [given.get("method")] if method]
    for probe in given.get("probe") or ():
        make_probe(probe)
    if name == "methods":
        options.load_solver(given["name"], {})
    if name == "reproduce":
        EXPERIMENTS.load(given["name"])
    for solver in solvers:
        iteration = solver.prepare(subject.blind(), seed=0, device=torch.device("cpu"), dtype=torch.float64)
        if name == "predict" and isinstance(iteration, TrainingIteration):
            assert iteration.spectral_filter is not None  # a prediction, not only a heuristic


def test_the_usual_method_is_mscale_where_it_can_solve_the_problem_and_else_auto(cli):
    for problem, method in (("poisson", "mscale"), ("five-points", "auto"), ("convection-diffusion", "auto")):
        assert cli("solve", problem, "--steps", "1", "--no-figures", "--out", problem).exit_code == 0
        assert json.loads((Path(problem) / "run.json").read_text())["spec"]["method"].partition(":")[0] == method
    assert_refused(cli("solve", "five-points", "--set", "scales=[1]"), files())


def test_new_writes_a_valid_problem_and_never_overwrites(cli):
    assert cli("new", "my.toml").exit_code == 0
    before = files()
    again = cli("new", "my.toml")
    assert_refused(again, before)
    checked = cli("check", "my.toml")
    assert checked.exit_code == 0, checked.output
    (picture,) = Path().glob("*.png")
    assert str(picture) in checked.stdout


def test_check_shows_the_derived_source(cli):
    Path("my.toml").write_text(WAVE)
    shown = cli("check", "my.toml", "--out", "wave.png").stdout
    assert "pi*pi*sin(pi*x)" in shown
    assert Path("wave.png").stat().st_size > 1000


# ---------------------------------------------------------------- runs


def test_solve_prints_the_modes_and_the_paths_of_the_files(cli):
    result = cli("solve", "poisson", "-m", "jacobi", "--steps", "3000")
    assert result.exit_code == 0, result.output
    for word in ("wavenumber", "halved at", "theory: exact", "relative L2 error", "frequencies first", "steps:"):
        assert word in result.stdout
    run = Path("runs/poisson-jacobi-1")
    assert str(run) in result.stdout
    for name in (
        "run.json",
        "problem.toml",
        "history.csv",
        "spectrum.npz",
        "solution.npz",
        "solution.png",
        "modes.png",
        "heatmap.png",
    ):
        assert (run / name).stat().st_size > 0, name
    table = [line.split() for line in result.stdout.splitlines() if re.match(r"^\s*\d", line)]
    wavenumbers = [float(row[0]) for row in table if len(row) == 7]
    assert len(wavenumbers) >= 3
    assert wavenumbers == sorted(wavenumbers)


def test_piped_output_contains_no_control_characters(cli):
    result = cli("solve", "poisson", "-m", "jacobi", *FEW)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", result.output)


def test_json_output_is_a_single_object(cli):
    result = cli("solve", "poisson", "-m", "jacobi", *FEW, "--json")
    found = json.loads(result.stdout, parse_constant=pytest.fail)  # NaN and Infinity are not valid JSON
    assert result.stdout.count("\n") == 1
    assert found.keys() >= JSON_KEYS
    assert all(mode.keys() >= MODE_KEYS for mode in found["modes"])
    assert (found["problem"], found["method"], found["status"], found["steps"]) == ("poisson", "jacobi", "steps", 30)
    assert Path(found["run"], "run.json").is_file()


def test_an_offset_hides_neither_an_error_nor_the_units_of_training(cli):
    """300 K with a variation of 1 mK over 1 cm: the error relative to this variation is printed, and the units."""
    text = WAVE.replace("upper = 1", "upper = 0.01").replace('"sin(pi*x)"', '"300 + 1e-3*sin(pi*x/0.01)"').replace('"0"', '"300"')
    Path("offset.toml").write_text(text)
    Path("plain.toml").write_text(WAVE)
    offset, plain = (cli("solve", f"{name}.toml", "-m", *NETWORK, *FEW) for name in ("offset", "plain"))
    assert "relative L2 error without the lifting" in offset.stdout and "scaling=none" in offset.stdout
    assert "without the lifting" not in plain.stdout and "scaling=none" not in plain.stdout
    found = json.loads(cli("solve", "offset.toml", "-m", *NETWORK, "--json", *FEW).stdout)
    # the root mean square of the variation is 1e-3 / sqrt(2), of a solution of 300
    ratio = found["relative_l2_homogeneous"] / found["relative_l2"]
    assert ratio == pytest.approx(300 / (1e-3 * 0.5**0.5), rel=1e-3)


def test_nonfinite_values_are_null_in_json(capsys):
    from pdefreq.commands.console import print_json

    print_json({"bias_index": float("nan"), "modes": [{"rate": float("inf")}]})
    assert capsys.readouterr().out == '{"bias_index": null, "modes": [{"rate": null}]}\n'


def test_json_of_a_one_step_method_has_null_for_undefined_values(cli):
    found = json.loads(cli("solve", "poisson", "-m", "fem", "--no-figures", "--json").stdout)
    assert found["bias_index"] is None
    assert found["status"] == "done"


def test_default_folders_are_numbered(cli):
    for _ in range(2):
        cli("solve", "poisson", "-m", "fem", "--no-figures", "--quiet")
    assert sorted(os.listdir("runs")) == ["poisson-fem-1", "poisson-fem-2"]


def test_quiet_prints_only_the_result(cli):
    loud, quiet = (cli("solve", "poisson", "-m", "jacobi", *FEW, *extra).stdout for extra in ([], ["--quiet"]))
    assert re.search(r"^step 30 .*objective", loud, re.MULTILINE)
    assert not re.search(r"^step ", quiet, re.MULTILINE)
    assert "relative L2 error" in quiet


def test_parameters_and_options_are_passed_to_problem_and_method(cli):
    result = cli(
        "solve", "poisson-chirp", "-p", "dimension=1", "-p", "mu=3", "-m", "jacobi", "-s", "intervals=16", *FEW, "--json"
    )  # fmt: skip
    found = json.loads(result.stdout)
    assert found["unknowns"] == 17
    spec = json.loads(Path(found["run"], "run.json").read_text())["spec"]
    assert (
        spec["problem"]["parameters"]["mu"] == 3 and "sin(mul(3, pow(x, 2)))" in spec["problem"]["content"]["exact"]["expression"]
    )


def test_seeds_on_processes_give_the_numbers_of_one_process(cli):
    arguments = ("solve", "poisson", "--method", *NETWORK, "--steps", "3", "--seeds", "2", "--no-figures", "--json")
    alone, together = (json.loads(cli(*arguments, "--workers", count).stdout)["seeds"] for count in ("1", "2"))
    assert [each["relative_l2"] for each in alone] == [each["relative_l2"] for each in together]


def test_runs_of_a_method_without_random_numbers_are_called_identical(cli):
    arguments = ("--steps", "2", "--seeds", "2", "--no-figures", "--quiet")
    assert "The runs are identical" in cli("solve", "poisson", "-m", "jacobi", *arguments).stdout
    assert "identical" not in cli("solve", "poisson", "-m", *NETWORK, *arguments).stdout


def test_an_error_that_differs_from_the_recorded_one_is_explained(cli):
    """A linear interpolant has other errors at the midpoints than at random points of its cells."""
    text = cli("solve", "poisson", "-m", "fem", "--no-figures").stdout
    assert "measured at fewer points" in text
    assert "measured at fewer points" not in cli("solve", "poisson", "-m", "jacobi", "--steps", "1", "--no-figures").stdout


def test_a_result_that_is_an_earlier_state_is_named(cli):
    network = "deep-ritz:widths=[8],number=100,learning_rate=0.1,half_life=null,keep=best,points=sobol"
    text = cli("solve", "poisson", "-m", network, "--steps", "60", "--no-figures").stdout
    assert "The result is an earlier state than the last one. The objective and all errors are those of the result;" in text


@pytest.mark.parametrize("command", [("compare", "poisson", "fem"), ("refine", "poisson"), ("solve", "poisson", "--seeds", "2")])
def test_a_wrong_number_of_workers_is_refused(cli, command):
    before = files()
    assert_refused(cli(*command, "--workers", "none"), before)


def test_seeds_give_median_and_spread(cli):
    arguments = ("solve", "poisson", "--method", *NETWORK, "--steps", "3", "--seeds", "3", "--seed", "5", "--no-figures")
    text = cli(*arguments)
    assert text.exit_code == 0, text.output
    assert "3 seeds, median" in text.stdout
    found = json.loads(cli(*arguments, "--json").stdout)
    errors = sorted(each["relative_l2"] for each in found["seeds"])
    assert len(set(errors)) == 3  # other seeds give other weights
    assert found["relative_l2"] == errors[1]
    folder = Path(found["run"]).parent
    assert sorted(p.name for p in folder.iterdir()) == ["seed-5", "seed-6", "seed-7", "seeds.csv", "seeds.json", "study.json"]


def test_a_folder_of_seeds_keeps_its_spread(cli):
    arguments = ("solve", "poisson", "-m", *NETWORK, "--steps", "3", "--seeds", "3", "--no-figures", "--quiet", "-o", "s")
    first = cli(*arguments).stdout
    record = json.loads(Path("s/seeds.json").read_text())
    with open("s/seeds.csv") as file:
        rows = list(csv.DictReader(file))
    errors = [each["relative_l2"] for each in record["seeds"]]
    assert [each["seed"] for each in record["seeds"]] == [int(row["seed"]) for row in rows] == [0, 1, 2]
    assert [float(row["relative_l2"]) for row in rows] == errors
    low, middle, high = sorted(errors)
    assert record["spread"]["relative_l2"] == {"lowest": low, "median": middle, "highest": high}
    for file in Path("s").glob("seeds.*"):
        file.unlink()
    assert cli("show", "s", "--no-figures").stdout == first
    assert json.loads(Path("s/seeds.json").read_text()) == record
    cli("resume", "s/seed-1", "--steps", "6", "--no-figures")
    shown = json.loads(cli("show", "s", "--json", "--no-figures").stdout)
    assert [each["steps"] for each in shown["seeds"]] == [3, 6, 3]  # the current steps of the runs


def test_the_bias_index_of_seeds_is_marked_as_a_bound(cli):
    told = cli("solve", "poisson", "-m", "jacobi:intervals=64", "--steps", "30", "--seeds", "2", "--no-figures", "-o", "s").stdout
    first = json.loads(Path("s/seeds.json").read_text())["seeds"][0]
    assert first["bias_index_relation"] == "<="  # the low modes are not halved
    assert f"bias index B <= {first['bias_index']:.3g} (" in told
    for relation, bound, shown in ((None, False, ""), (None, True, "("), ("~", True, "(")):  # None: of an older version
        for path in Path("s").glob("seed-*/run.json"):
            record = json.loads(path.read_text())
            record["summary"] |= {"bias_index_relation": relation, "bias_index_is_bound": bound}
            path.write_text(json.dumps(record))
        assert f"bias index B {shown}{first['bias_index']:.3g}" in cli("show", "s", "--no-figures").stdout


def test_a_seed_that_is_still_running_is_omitted(cli):
    cli("solve", "poisson", "-m", *NETWORK, "--steps", "2", "--seeds", "2", "--no-figures", "-o", "s")
    run = Path("s/seed-0/run.json")
    run.write_text(json.dumps(json.loads(run.read_text()) | {"summary": {"status": "running"}}))
    assert len(json.loads(cli("show", "s", "--json", "--no-figures").stdout)["seeds"]) == 1


@pytest.mark.parametrize("name", ["mine.vtu", "mine.csv", "mine.npz"])
def test_export_writes_the_format_of_the_suffix(cli, name):
    cli("solve", "poisson", "-m", "jacobi", *FEW, "--quiet", "--no-figures", "-o", "run")
    assert Path("run/solution.vtu").is_file()
    result = cli("export", "run", "--to", name)
    assert result.exit_code == 0, result.output
    assert f"wrote {name}: u, exact, error at 501 points" in result.stdout
    assert "error_band_1_0_to_3.14" in result.stdout
    assert Path(name).stat().st_size > 10_000


def test_check_refuses_fluxes_that_do_not_balance_the_source(cli):
    Path("free.toml").write_text(
        '[domain]\nkind = "box"\nlower = 0\nupper = 1\n[equation]\nsource = "1"\n[[boundary.part]]\nkind = "robin"\nflux = "0"\n'
    )
    result = cli("check", "free.toml")
    assert result.exit_code == 2 and "add up to zero" in result.stderr
    assert files() == ["free.toml"]


def test_export_reports_missing_fields(cli):
    cli("solve", "l-shape", "-m", "fem:cells=6", "--quiet", "--no-figures", "-o", "run")  # a harmonic function is its own lifting
    assert "no bands: this run on a mesh" in cli("export", "run", "--to", "a.csv").stdout
    before = files()
    result = cli("export", "run", "--to", "a.txt")
    assert result.exit_code == 2 and ".vtu, .csv, .npz" in result.stderr
    assert files() == before


def test_show_repeats_the_result_and_rerun_gives_the_same_numbers(cli):
    first = cli("solve", "poisson", "-m", "jacobi", *FEW, "--quiet").stdout
    run = Path("runs/poisson-jacobi-1")
    assert cli("show", run, "--no-figures").stdout == first
    assert not list(run.glob("*.png"))
    cli("show", run)
    assert (run / "modes.png").is_file()
    again = json.loads(cli("rerun", run, "--json", "--no-figures").stdout)
    shown = json.loads(cli("show", run, "--json", "--no-figures").stdout)
    assert again["relative_l2"] == shown["relative_l2"]
    assert again["run"] != shown["run"]


def test_resume_continues_with_a_new_budget(cli):
    cli("solve", "poisson", "-m", "jacobi", *FEW, "--out", "run")
    cli("solve", "poisson", "-m", "jacobi", "--steps", "50", "--no-figures", "--out", "whole")
    resumed = json.loads(cli("resume", "run", "--steps", "50", "--json", "--no-figures").stdout)
    whole = json.loads(cli("show", "whole", "--json", "--no-figures").stdout)
    assert resumed["steps"] == 50
    assert resumed["relative_l2"] == whole["relative_l2"]


def test_the_advice_to_continue_can_be_pasted(cli):
    shown = cli("solve", "poisson", "-m", "jacobi", "--train-seconds", "1e-6", "--no-figures", "--out", "my run").stdout
    advice = re.search(r"continue with `(.*?)`", " ".join(shown.split()))[1]
    assert advice == "pdefreq resume 'my run' --train-seconds S"
    program, *arguments = shlex.split(advice.replace("S", "1e3"))
    result = cli(*arguments, "--steps", "20", "--json", "--no-figures")
    assert program == "pdefreq" and json.loads(result.stdout)["steps"] == 20


def test_resume_refuses_a_limit_that_has_been_passed(cli):
    cli("solve", "poisson", "-m", "jacobi", *FEW, "--no-figures", "--out", "run")
    before = Path("run/run.json").read_text()
    for option, value in (("--steps", "10"), ("--seconds", "1e-9")):
        result = cli("resume", "run", option, value)
        assert result.exit_code == 2 and re.search(r"has taken .* already and can't end at", result.stderr), result.output
    assert Path("run/run.json").read_text() == before
    assert cli("resume", "run", "--steps", "30", "--no-figures").exit_code == 0  # the run has this number of steps already


def test_figures_of_an_earlier_state_are_not_listed(cli):
    cli("solve", "poisson", "-m", "jacobi", "--steps", "30", "--out", "run")
    old = cli("resume", "run", "--steps", "40", "--no-figures").stdout
    assert "modes.png" not in old and "figures not drawn; those in the folder may show an earlier state" in old
    assert "written to run: heatmap.png, modes.png" in cli("show", "run").stdout


def test_printed_commands_for_a_run_with_python_code_can_be_pasted(cli):
    """The folder has a space in its name, and its code needs --trust."""
    Path("net.py").write_text("import torch\n\n\ndef act(x):\n    return torch.tanh(x)\n")
    network = ("-m", "deep-ritz", "--set", "widths=[4]", "--set", "number=64", "--set", "activation=net.py:act")
    cli("solve", "poisson", *network, "--steps", "2", "--no-figures", "--out", "my run")
    Path("my run/modes.png").touch()  # a figure of the first two steps
    text = cli("resume", "my run", "--trust", "--steps", "3", "--no-figures").stdout
    commands = re.findall(r"`pdefreq (show [^`]*)`", " ".join(text.split()))
    assert commands == ["show 'my run' --trust"]
    assert cli(*shlex.split(commands[0])).exit_code == 0


def test_a_run_with_a_nonfinite_initial_state_prints_only_the_reason(cli):
    result = cli("solve", "poisson", "-m", "mscale", "--set", "initialization=normal(1e200)", "--no-figures")
    assert result.exit_code == 1
    for text in ("non-finite start", "No spectrum: the objective is not finite at the start", "smaller numbers"):
        assert text in result.stdout
    for text in ("Warning", "learning rate", "neumann", "reference solution is known"):
        assert text not in result.output


def test_omitted_rows_of_the_table_are_shown_as_dots():
    report = solve("poisson", "jacobi", stop=Stop(steps=300)).spectrum()
    shown = report.rows_to_print()
    cells = [str(cell) for cell in modes_table(report).columns[0].cells]
    assert len(shown) == 12 < len(report.rows)
    assert [cell for cell in cells if cell != "..."] == [number(row.wavenumber, 4) for row in shown]
    places = [report.rows.index(row) for row in shown]
    gaps = sum(b - a > 1 for a, b in itertools.pairwise([-1, *places, len(report.rows)]))
    assert cells.count("...") == gaps >= 1


MINE = '''
from __future__ import annotations
from dataclasses import dataclass
from pdefreq.solvers.relaxation import jacobi
from pdefreq.solvers.solver import Solver

@dataclass(frozen=True)
class Mine(Solver):
    """Jacobi on few cells.

    Args:
        intervals: How many.
    """

    intervals: int = 12

    def prepare(self, problem, **context):
        return jacobi(intervals=self.intervals).prepare(problem, **context)

def mine(intervals: int = 12):
    """Jacobi on few cells.

    Args:
        intervals: How many.
    """
    return jacobi(intervals=intervals)

number = 3
'''


@pytest.mark.parametrize("name", ["mine", "Mine"])
def test_a_method_from_a_file_is_run_and_repeated(cli, name):
    Path("my_method.py").write_text(MINE)
    result = cli("solve", "poisson", "-m", f"my_method.py:{name}", *FEW, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["unknowns"] == 13
    Path("my_method.py").unlink()  # the run folder contains all that is needed
    if name == "Mine":  # a function is stored as its result, a method of the package
        refused = cli("rerun", found["run"], "--json", "--no-figures")
        assert refused.exit_code == 2 and "use --trust" in refused.stderr
    again = json.loads(cli("rerun", found["run"], "--json", "--no-figures", "--trust").stdout)
    assert again["relative_l2"] == found["relative_l2"]


@pytest.mark.parametrize(
    ("name", "text", "hint"),
    [
        ("mien", MINE, "mine"),
        ("number", MINE, "number"),
        ("mine", "def mine(:", "SyntaxError"),
        ("mine", "import nowhere", "nowhere"),
    ],
)
def test_a_method_that_cannot_be_loaded_is_refused(cli, name, text, hint):
    Path("my_method.py").write_text(text)
    before = [f for f in files() if "__pycache__" not in f]
    result = cli("solve", "poisson", "-m", f"my_method.py:{name}")
    assert result.exit_code == 2
    assert re.fullmatch(r"error: [^\n]+\n", result.stderr)
    assert hint in result.stderr
    assert [f for f in files() if "__pycache__" not in f] == before


def test_compare_runs_all_methods_and_draws_one_figure(cli):
    result = cli("compare", "poisson", "jacobi", "fem", "sine", "--steps", "30")
    assert result.exit_code == 0, result.output
    for word in ("jacobi", "fem", "sine", "comparison.png"):
        assert word in result.stdout
    (picture,) = Path().rglob("comparison.png")
    assert picture.stat().st_size > 1000


def test_variants_of_a_method_are_compared_under_distinct_names(cli):
    names = [
        "jacobi:intervals=8",
        "jacobi:intervals=16",
        "deep-ritz+jacobi:first.widths=[4,4],hand_over_step=2,second.intervals=8",
    ]
    result = cli("compare", "poisson", *names, "--steps", "5", "--json", "-o", "out")
    assert result.exit_code == 0, result.output
    rows = json.loads(result.stdout)["rows"]
    assert [row["method"] for row in rows] == names
    assert [row["unknowns"] for row in rows] == [9, 17, 9]
    assert len(list(Path("out").glob("*/run.json"))) == 3


def test_options_after_the_name_are_equivalent_to_set(cli):
    found = [
        json.loads(cli("solve", "poisson", "-m", *method, *FEW, "--json").stdout)
        for method in (["jacobi:intervals=8"], ["jacobi", "--set", "intervals=8"])
    ]
    assert found[0]["relative_l2"] == found[1]["relative_l2"]
    assert found[0]["run"] == "runs/poisson-jacobi-1"
    before = files()
    twice = cli("solve", "poisson", "-m", "jacobi:intervals=99", "-s", "intervals=8", *FEW)
    assert_refused(twice, before)
    assert "`intervals` is given twice" in twice.stderr


def test_options_of_both_methods_of_a_chain_appear_in_the_folder_name(cli):
    found = json.loads(
        cli("solve", "poisson", "-m", "jacobi:intervals=8,steps=3+sor:intervals=8,steps=5", "--no-figures", "--json").stdout
    )
    assert found["run"] == "runs/poisson-jacobi+sor-1" and found["steps"] == 8
    listed = cli("methods", "deep-ritz+jacobi").stdout
    assert "first" in listed and "hand_over_step" in listed and "learning_rate" in listed


def test_refine_prints_orders_and_saves_its_tables(cli):
    result = cli("refine", "poisson", "--method", "fem", "--start", "32", "--levels", "3", "--no-figures", "--quiet")
    assert result.exit_code == 0, result.output
    assert re.search(r"^ mode 3π .* 2\.0\d .* 0 to 2 +2 *$", result.stdout, re.MULTILINE)
    assert "Predicted orders: L2 2, H1 1, modes 2" in result.stdout
    written = {path.name for path in Path("runs/poisson-fem-refinement-1").iterdir()}
    assert written == {"cells-32", "cells-64", "cells-128", "study.json", "refinement.csv", "refinement.json"}
    again = cli("refine", "poisson", "--start", "32", "--levels", "3", "--no-figures", "--quiet", "--json")
    record = json.loads(again.stdout)
    assert [row["size"] for row in record["levels"]] == [32, 64, 128]
    assert record["folder"] == "runs/poisson-fem-refinement-2"
    kept = json.loads(Path("runs/poisson-fem-refinement-1/refinement.json").read_text())
    assert kept["orders"] == record["orders"]


SWEEP = """
problem = "poisson"
method = "fem"

[grid]
cells = [16, 32]

[set]
element = "P2"
"""


def test_a_sweep_from_a_file_is_that_of_the_command(cli):
    Path("sweep.toml").write_text(SWEEP)
    written = json.loads(cli("sweep", "sweep.toml", "--json", "--quiet").stdout)
    named = json.loads(
        cli("sweep", "poisson", "-m", "fem", "--set", "element=P2", "--grid", "cells=16,32", "--json", "--quiet").stdout
    )
    for one, other in zip(written["rows"], named["rows"], strict=True):
        assert one | {"seconds": 0} == other | {"seconds": 0}
    text = cli("sweep", "poisson", "-m", "fem", "--grid", "cells=16,32", "--grid", "element=P1,P2", "--quiet", "-o", "out").stdout
    assert re.search(r"^smallest error: .* with cells=32, element=P2$", text, re.MULTILINE)
    assert {"sweep.png", "sweep.csv", "sweep.json", "study.json"} <= {path.name for path in Path("out").iterdir()}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("cells = 8", "must be a list of values, got 8"),
        ("cells = [8, 8]", "needs different values"),
        ("unknown = [1]", "unknown"),
    ],
)
def test_a_wrong_file_of_a_sweep_is_refused(cli, content, told):
    Path("sweep.toml").write_text(f'problem = "poisson"\nmethod = "fem"\n[grid]\n{content}\n')
    before = files()
    result = cli("sweep", "sweep.toml")
    assert_refused(result, before)
    assert told in result.stderr


@pytest.mark.parametrize(
    "option", [("--grid", "cells"), ("--range", "cells=1:2"), ("--range", "cells=2:1", "--samples", "2"), ()]
)
def test_a_wrong_sweep_is_refused(cli, option):
    before = files()
    assert_refused(cli("sweep", "poisson", "-m", "fem", *option), before)


# ---------------------------------------------------------------- endings


def test_a_diverging_run_exits_with_1_and_keeps_its_files(cli):
    result = cli("solve", "poisson", "-m", "deep-ritz", "--set", "learning_rate=1000", "--steps", "2000", "--no-figures")
    assert result.exit_code == 1, result.output
    assert "lower the learning rate" in result.stdout
    run = Path("runs/poisson-deep-ritz-1")
    assert (run / "history.csv").is_file()
    assert list((run / "checkpoints").glob("*.npz"))


def test_python_cli_py_works_from_another_folder(tmp_path):
    command = [sys.executable, str(ROOT / "cli.py"), "problems"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert "poisson" in run.stdout


def test_ctrl_c_saves_the_run_and_exits_with_130(tmp_path):
    command = [sys.executable, str(ROOT / "cli.py"), "solve", "poisson", "-m", "jacobi", "--steps", "1000000000", "--no-figures"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        assert "unknowns" in run.stdout.readline()  # the header: the loop has started
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=60)
    assert run.returncode == 130, err
    assert "pdefreq resume" in out
    assert list(tmp_path.glob("runs/*/checkpoints/*.npz"))


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_request_saves_the_run_and_sets_the_exit_code(cli, monkeypatch, name):
    """128 plus the number of the signal, of `solve` and of `resume`."""
    from pdefreq.commands.live import LiveLine

    number = getattr(signal, name, None)
    if number is None:
        pytest.skip(f"there is no {name} here")
    for step, command in ((7, ("solve", "poisson", "-m", "jacobi", "--steps", "1000", "--out", "run")), (9, ("resume", "run"))):
        with monkeypatch.context() as patch:
            patch.setattr(LiveLine, "progress", lambda _, now, step=step: now.step == step and signal.raise_signal(number))
            result = cli(*command, "--no-figures")
        assert result.exit_code == 128 + number and "interrupted: Stopped before the end" in result.stdout
        assert "`pdefreq resume run`" in result.stdout
        assert json.loads(Path("run/run.json").read_text())["summary"]["steps"] == step


def test_a_resumed_run_writes_the_same_kinds_of_files(cli, monkeypatch):
    """Figures and TensorBoard curves, or neither; --no-figures omits them once."""
    from pdefreq.runs import tensorboard

    opened = []

    class Curves(tensorboard.TensorBoard):
        def __init__(self, folder):
            opened.append(str(folder))

        def __call__(self, *_):
            return False

        def close(self):
            pass

    monkeypatch.setattr(tensorboard, "TensorBoard", Curves)
    cli(
        "solve", "poisson", "-m", "jacobi", "--steps", "3", "--no-figures", "--tensorboard", "--no-prediction", "--out", "without"
    )
    cli("solve", "poisson", "-m", "jacobi", "--steps", "3", "--out", "with")
    cli("resume", "without", "--steps", "4")
    cli("rerun", "without", "--out", "again")
    assert not [*Path().glob("without/*.png"), *Path().glob("again/*.png")]
    assert opened == ["without/tensorboard", "without/tensorboard", "again/tensorboard"]
    for picture in Path().glob("with/*.png"):
        picture.unlink()
    cli("resume", "with", "--steps", "4", "--no-figures")
    assert not list(Path().glob("with/*.png"))
    cli("resume", "with", "--steps", "5")
    assert len(list(Path().glob("with/*.png"))) == 3 and len(opened) == 3


def test_a_second_process_is_refused_in_one_sentence(cli):
    from pdefreq.core.locks import locked

    cli("solve", "poisson", "-m", "jacobi", *FEW, "--out", "run")
    with locked(Path("run")):
        refused = cli("resume", "run", "--steps", "40")
        assert refused.exit_code == 2
        assert refused.stderr == "error: another process uses the folder run; wait until it ends, or stop it with Ctrl-C\n"
        assert cli("show", "run", "--no-figures").exit_code == 0


def test_the_live_line_shows_objective_error_and_remaining_time():
    from rich.console import Console

    from pdefreq.commands.live import LiveLine
    from pdefreq.runs.loop import Progress

    live = LiveLine(Console(quiet=True), "problem, method", quiet=False)
    live.progress(Progress(1200, 30.0, -1.7, 2e-3, 0.25, False))
    line = live._line().plain
    assert line.startswith("step 1,200   objective -1.7   relative L2 2.00e-03   ")
    assert ", of which 30 s in steps" in line
    assert re.search(r"(1 min 30 s|1 min 29 s) left$", line)  # three quarters remain, less the elapsed moment


def test_the_live_line_shows_wall_time_and_the_current_activity(monkeypatch):
    from rich.console import Console

    from pdefreq.commands import live as module
    from pdefreq.runs.loop import Progress

    clock = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: clock[0])
    live = module.LiveLine(Console(quiet=True, force_terminal=True), quiet=False)
    live.progress(Progress(10, 30.0, -1.7, 2e-3, 0.0, False))
    clock[0] = 130.0
    assert live._line().plain.endswith("2 min 10 s, of which 30 s in steps")
    live.announced("measuring the errors")
    assert live._line().plain.endswith("2 min 10 s, of which 30 s in steps   measuring the errors ...")
    live.progress(Progress(11, 31.0, -1.7, 2e-3, 0.0, True))
    assert live._line().plain.endswith("2 min 10 s, of which 31 s in steps")


def test_an_activity_is_printed_once_when_the_output_is_piped(monkeypatch, capsys):
    from rich.console import Console

    from pdefreq.commands import live as module
    from pdefreq.commands.many import LiveTable
    from pdefreq.runs.loop import Progress

    clock = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: clock[0])
    table = LiveTable(Console(force_terminal=False), quiet=False)
    for step in range(5):
        clock[0] += 10
        table.announced("measuring the errors")
        table.follow("seed 0", Progress(step, 1.0, -1.7, 2e-3, 0.0, step == 4))
    assert capsys.readouterr().out.splitlines()[:-1] == ["measuring the errors ..."]


# ---------------------------------------------------------------- the page on getting started


def get_started(kind):
    page = (ROOT / "docs" / "get_started.md").read_text()
    return re.findall(rf"^```{kind}[^\n]*\n(.*?)^```", page, re.MULTILINE | re.DOTALL)


def test_the_output_in_get_started_is_up_to_date(cli):
    """The problem file of the page is valid, and its Jacobi run ends with the sentence on the page."""
    Path("my.toml").write_text(get_started("toml")[0])
    assert cli("check", "my.toml").exit_code == 0
    printed = cli("solve", "my.toml", "-m", "jacobi", "--set", "intervals=100", "--steps", "3000", "--no-figures").stdout
    (sentence,) = re.findall(r"^High frequencies first.*$", printed, re.MULTILINE)
    assert sentence in get_started("text")[0].splitlines()


def test_the_python_code_in_get_started_runs(tmp_path, capsys):
    code, _ = get_started("python")
    (tmp_path / "example.py").write_text(code)
    runpy.run_path(str(tmp_path / "example.py"))
    error, sentence = capsys.readouterr().out.split(" ", 1)
    assert 0 < float(error) < 1
    assert sentence.startswith("High frequencies first")


# ---------------------------------------------------------------- data and reproductions


def test_check_never_overwrites_a_file_of_the_problem(cli):
    from PIL import Image

    Image.new("L", (4, 4), 128).save("photo.png")
    Path("photo.toml").write_text(
        '[domain]\nkind = "box"\ndimension = 2\nlower = 0\nupper = 1\n[equation]\ndiffusion = "0"\nreaction = "1"\n'
        '[data]\npoints = "photo.png"\n'
    )
    before, photo = files(), Path("photo.png").read_bytes()
    result = cli("check", "photo.toml")
    assert_refused(result, before)
    assert "would be overwritten; choose another file with --out" in result.stderr
    assert Path("photo.png").read_bytes() == photo
    assert cli("check", "photo.toml", "--out", "other.png").exit_code == 0


def test_reproduce_lists_runs_and_refuses(cli, monkeypatch):
    from pdefreq.experiments import point_sources
    from pdefreq.experiments.report import Report, Table

    monkeypatch.setattr(point_sources, "point_sources", lambda: Report("T", "S (2020)", ["It is."], {"t": Table(["m"], [[4]])}))
    names = sorted(EXPERIMENTS)
    listed = cli("reproduce").stdout.splitlines()[: len(names)]
    assert [re.split("[,:]", line)[0] for line in listed] == names
    assert any(line.startswith("multiscale-2d, 2 s: Max, mean and rms") for line in listed)
    assert all(len(textwrap.wrap(line, 80, subsequent_indent="  ")) <= 2 for line in listed)
    result = cli("reproduce", "point-sources", "--out", "here")
    assert "Source: S (2020)" in result.stdout and "written to here" in result.stdout
    assert files() == ["here", "here/report.md", "here/reproduce.json", "here/t.csv"]
    again = cli("reproduce", "point-sources", "--out", "here")
    assert "Source: S (2020)" in again.stdout and "found in here; --fresh runs it again" in again.stdout
    assert "written to here" in cli("reproduce", "point-sources", "--out", "here", "--fresh").stdout
    assert_refused(cli("reproduce", "point-source"), files())
    assert_refused(result := cli("reproduce", "point-sources", "--seeds", "2", "--out", "there"), files())
    assert "no option 'seeds'" in result.stderr
    Path("taken").mkdir()
    Path("taken/letter.txt").write_text("dear")
    assert_refused(cli("reproduce", "point-sources", "--out", "taken"), files())
    assert_refused(cli("reproduce", "all", "--steps", "3"), files())
    assert_refused(cli("reproduce", "--workers", "2"), files())
    assert_refused(cli("reproduce", "point-sources", "--steps", "3", "--set", "steps=3"), files())


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("Flow on [a,b]", "Flow on [a,b]"),
        ("u on [/a]", "u on [/a]"),
        ("\\u001b]0;owned\\u0007\\u001b[2J", None),
        ("$x$ \\u202e abc", "$x$ abc"),
    ],
)
def test_titles_are_shown_as_they_are_without_characters_that_control_the_terminal(cli, tmp_path, title, shown):
    (tmp_path / "own.toml").write_text(WAVE.replace("One wave", title))
    drawn = [] if "$" in title else ["--no-figures"]  # matplotlib typesets text between dollar signs
    for command in (["check", "own.toml"], ["solve", "own.toml", "--method", "fem", *drawn], ["problems"]):
        done = cli(*command)
        assert done.exit_code == 0
        assert "\x1b" not in done.output and "\x07" not in done.output and "\u202e" not in done.output
        if shown and command != ["problems"]:  # lists the problems that ship
            assert shown in done.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", f"intervals={'[' * 5000}"], "'intervals' must be a whole number"),
        (["--set", "intervals=9223372036854775808"], "'intervals' must be a whole number"),
        (["--method", f"deep-ritz:learning_rate={'9' * 400}"], "'learning_rate' must be a number"),
        (["--threads", "100000"], "`threads` must be at most"),
        (["--method", "+".join(["jacobi"] * 3000)], "a chain has at most 20 methods, got 3000"),
    ],
)
def test_values_that_no_machine_can_use_are_refused(cli, arguments, message):
    done = cli("solve", "poisson", *(() if "--method" in arguments else ("--method", "jacobi")), *arguments)
    assert done.exit_code == 2 and message in " ".join(done.stderr.split())


@pytest.mark.parametrize("radius", [1e200, 1e-200, 1e59])
def test_domains_of_a_size_with_which_nothing_can_be_computed_are_refused(cli, tmp_path, radius):
    domain = f'kind = "ball"\ndimension = 6\nradius = {radius}'  # 1e59^6 is no floating-point number
    (tmp_path / "ball.toml").write_text(f'[domain]\n{domain}\n[equation]\nsource = "1"\n[boundary]\nvalue = "0"\n')
    done = cli("check", "ball.toml")
    assert done.exit_code == 2 and "choose another unit of length" in " ".join(done.stderr.split())


# ---------------------------------------------------------------- templates, [run], tables, places


@pytest.mark.parametrize("arguments", [["--domain", "disk"], ["--complete"], ["--domain", "unit-square", "--complete"]])
def test_templates_of_other_domains_pass_the_check(cli, arguments):
    assert cli("new", "my.toml", *arguments).exit_code == 0
    checked = cli("check", "my.toml", "--out", "pictures/new")
    assert checked.exit_code == 0, checked.output
    assert [str(p) for p in Path().rglob("*.png")] == ["pictures/new/my.png"]
    assert checked.stdout.splitlines()[-1] == "written to pictures/new/my.png"


def test_an_unknown_domain_of_a_template_is_refused(cli):
    assert_refused(cli("new", "my.toml", "--domain", "dsk"), [])


def test_check_names_the_watched_modes_and_the_methods(cli):
    Path("my.toml").write_text(WAVE + '[run]\nmethod = "fem"\nset = {cells = 8}\nsteps = 3\n')
    shown = " ".join(cli("check", "my.toml").stdout.split())
    assert "watched 1 sine modes with wavenumbers 3.14159" in shown
    assert "methods jacobi, damped-jacobi" in shown and "fourier needs sides that are all periodic" in shown
    assert "run method = fem, steps = 3, set.cells = 8" in shown


def test_a_run_table_states_method_options_and_limits_unless_the_command_does(cli):
    Path("my.toml").write_text(WAVE + '[run]\nmethod = "jacobi"\nset = {intervals = 16}\nsteps = 7\n')

    def run(*arguments):
        found = json.loads(cli("solve", "my.toml", "--no-figures", "--json", *arguments).stdout)
        return found["method"], found["unknowns"], found["steps"]

    assert run() == ("jacobi", 17, 7)
    assert run("--steps", "3", "--set", "intervals=8") == ("jacobi", 9, 3)
    assert run("--method", "damped-jacobi", "--set", "intervals=32") == ("damped-jacobi", 33, 7)
    method, unknowns, _ = run("--method", "fem")  # the options of the file belong to its method
    assert method == "fem" and unknowns > 17


@pytest.mark.parametrize(
    ("entry", "hint"), [('method = "a.py:B"', "registered name"), ("stepz = 3", "steps"), ("steps = 1.5", "integer")]
)
def test_malformed_run_tables_are_refused(cli, entry, hint):
    Path("my.toml").write_text(WAVE + f"[run]\n{entry}\n")
    before = files()
    result = cli("solve", "my.toml")
    assert_refused(result, before)
    assert hint in result.stderr


def test_a_table_explains_the_marks_of_a_bias_index_that_is_not_final(cli):
    """By step 100 Jacobi has halved the highest modes only; with one mode in the solution there is no B."""
    Path("wave.toml").write_text(WAVE)
    for command in (["compare", "poisson", "jacobi"], ["sweep", "poisson", "-m", "jacobi", "--grid", "intervals=64,128"]):
        assert LEGEND in cli(*command, "--steps", 100).stdout
    assert LEGEND not in cli("compare", "wave.toml", "jacobi:intervals=8", "--steps", 100).stdout


def test_the_advice_of_diagnose_can_be_followed(cli):
    """The advised learning rate is below the limit of stability, so that the run that diverged does not diverge."""
    network = "deep-ritz:optimizer=gd,widths=[10],number=60,half_life=null"
    assert cli("solve", "poisson", "-m", f"{network},learning_rate=100", *FEW, "--out", "bad").exit_code == 1
    printed = cli("diagnose", "bad").stdout
    assert "Add an option after `--set` to the command `pdefreq solve` of the run." in " ".join(printed.split())
    (advised,) = re.findall(r"`--set (optimizer\.learning_rate=\S+)`", printed)
    assert cli("solve", "poisson", "-m", network, "--set", advised, *FEW, "--out", "good").exit_code == 0


def test_options_of_a_method_are_grouped_by_part(cli):
    listed = cli("methods", "deep-ritz:optimizer=lbfgs").stdout
    places = [listed.index(f"\n{part} = ") for part in ("network", "loss", "boundary", "points", "optimizer", "training")]
    assert places == sorted(places)
    assert "optimizer = lbfgs" in listed and listed.index("optimizer = lbfgs") < listed.index("memory") < places[-1]


@pytest.mark.parametrize(
    "command",
    [
        ("solve", "poisson", "-m", "jacobi", "--steps", "30"),
        ("compare", "poisson", "fem", "sine"),
        ("refine", "poisson", "--levels", "2"),
        ("predict", "poisson", "-m", "jacobi"),
        ("check", "poisson"),
    ],
)
def test_the_last_line_and_no_other_says_where_files_were_written(cli, command):
    *others, last = cli(*command).stdout.rstrip("\n").splitlines()
    assert last.startswith("written to ") and not [line for line in others if ".png" in line]
    named = re.findall(r"[\w.-]+\.png", last)
    assert named and {*named} == {path.name for path in Path().rglob("*.png")}


@pytest.mark.parametrize("width", [40, 60, 100])
def test_numbers_are_whole_on_narrow_terminals(cli, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    for command in (
        ("solve", "poisson", "-m", "jacobi", *FEW),
        ("compare", "poisson", "sine", "fem"),
        ("refine", "poisson", "--levels", "2", "--no-figures"),
    ):
        shown = cli(*command, "--quiet").stdout
        assert "…" not in shown
        assert ("left out, because the terminal is narrow" in " ".join(shown.split())) == (width < 70)
