"""Runs that a file describes: the same results as with options, and refusals in one sentence."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pdefreq.cli import app
from pdefreq.commands.run_file import read_run_file
from pdefreq.core.errors import ProblemFileError, UntrustedCodeError


def command(*arguments):
    return CliRunner().invoke(app, list(arguments))


FILE = """
problem = "poisson"
method  = "deep-ritz"
steps   = 3
seed    = 2

[set]
widths = [6, 5]
activation = "sin"
learning_rate = 1e-2
"""
OPTIONS = [
    "-m",
    "deep-ritz",
    "--steps",
    "3",
    "--seed",
    "2",
    "-s",
    "widths=[6,5]",
    "-s",
    "activation=sin",
    "-s",
    "learning_rate=0.01",
]


def test_a_file_and_options_give_the_same_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my-run.toml").write_text(FILE)
    found = [
        json.loads(command(*arguments, "--json", "--no-figures").stdout)
        for arguments in (["run", "my-run.toml"], ["solve", "poisson", *OPTIONS])
    ]
    for summary in found:
        del summary["run"], summary["seconds"]
    assert found[0] == found[1] and found[0]["steps"] == 3


def test_the_path_of_a_problem_file_is_relative_to_the_run_file(tmp_path):
    (tmp_path / "run.toml").write_text('problem = "mine.toml:hard"\n')
    assert read_run_file(tmp_path / "run.toml")["problem"] == str(tmp_path / "mine.toml:hard")


REFUSED = {
    'problem = "poisson"\nstpes = 3': "unknown key 'stpes': did you mean 'steps'",
    'problem = "poisson"\nsteps = "3"': "`steps` in .* must be a whole number, got '3'",
    'problem = "poisson"\nsteps = true': "`steps` in .* must be a whole number, got True",
    'problem = "poisson"\nseconds = [1]': "`seconds` in .* must be a whole number or a number",
    'problem = "poisson"\nset = 3': r"\[set\] in .* must be a table",
    "steps = 3": "names no problem",
    'problem = "poisson"\nstpes = 3\nseed = "x"\n[set]\nwidth = 3': r"has 2 errors.*unknown key 'stpes'.*`seed` in",
    'problem = "poisson"\n' + "#" * 100_000: "more than 100,000 characters",
    'problem = "poisson"\nmodes = "sinus"': "`modes` in .* must be one of sine",
    "steps = ": "is not valid TOML",
    'problem = "poisson"\nmethod = "evil.py:X"': "executed only if you trust it",
    'problem = "poisson"\n[set]\nnetwork = "evil.py:X"': "executed only if you trust it",
    'problem = "poisson"\nprobes = ["evil.py:X"]': "executed only if you trust it",
}


@pytest.mark.parametrize("text", REFUSED)
def test_other_files_are_refused(text, tmp_path):
    (tmp_path / "run.toml").write_text(text)
    with pytest.raises(UntrustedCodeError if "evil" in text else ProblemFileError, match=REFUSED[text]):
        read_run_file(tmp_path / "run.toml")
    if "evil" in text:
        assert read_run_file(tmp_path / "run.toml", trust=True)


EVIL = {
    "an escape of JSON": ("run", """[set]\nactivation = '"evil\\u002epy:x"'"""),
    "a key": ("run", """[set]\n"activation=evil.py:x" = 1"""),
    "a value of a grid": ("sweep", """[grid]\nactivation = ["tanh", "evil.py:x"]"""),
    "a function that is not loaded at once": ("sweep", """[grid]\nnetwork = ["mlp", "evil.py:x"]"""),
}


@pytest.mark.parametrize("name", EVIL)
def test_code_is_not_executed_however_a_file_spells_its_name(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "evil.py").write_text("raise SystemExit(99)\n")
    what, text = EVIL[name]
    (tmp_path / "run.toml").write_text(f'problem = "poisson"\nmethod = "pinn"\nsteps = 1\n{text}\n')
    refused = command(what, "run.toml")
    assert refused.exit_code == 2, refused.output
    assert "evil.py, which is executed only if you trust it" in refused.output
    assert command(what, "run.toml", "--trust").exit_code == 99  # the file was executed


def test_a_missing_file_and_a_wrong_choice_are_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ProblemFileError, match="can't read the run file"):
        read_run_file(tmp_path / "none.toml")
    (tmp_path / "run.toml").write_text('problem = "poisson"\nmodes = "sinus"\n')
    done = command("run", "run.toml")
    assert done.exit_code == 2 and "`modes` in 'run.toml' must be one of sine" in done.stderr


def test_a_file_of_another_command_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("my.toml").write_text('problem = "poisson"\n[grid]\nlearning_rate = [1e-3, 1e-2]\n')
    for command, words in (("run", "use `pdefreq sweep my.toml`"), ("solve", "use `pdefreq run FILE`")):
        result = CliRunner().invoke(app, [command, "my.toml"])
        assert result.exit_code == 2 and words in result.stderr and result.stderr.count("\n") == 1
    Path("my.toml").write_text('[domain]\nlower = 0\nupper = 1\n[equation]\nsource = "1"\n')
    result = CliRunner().invoke(app, ["run", "my.toml"])
    assert result.exit_code == 2 and "use `pdefreq solve my.toml`" in result.stderr and result.stderr.count("\n") == 1


def test_options_of_the_command_line_come_before_those_of_a_sweep_file(tmp_path, monkeypatch):
    """Also where they have the values that are used without a file."""
    monkeypatch.chdir(tmp_path)
    Path("my.toml").write_text(
        'problem = "poisson"\nmethod = "jacobi"\nsteps = 2\nseed = 4\nseeds = 2\ndtype = "float32"\n[grid]\nintervals = [8]\n'
    )
    for number, (options, seeds, dtype) in enumerate(
        (([], [4, 5], "float32"), (["--seed", "0", "--seeds", "1", "--dtype", "float64"], [0], "float64"))
    ):
        done = command("sweep", "my.toml", "--workers", "1", "--out", str(number), "-q", *options)
        assert done.exit_code in (0, 1), done.output
        specs = [json.loads(path.read_text())["spec"] for path in sorted(Path(str(number)).glob("*/run.json"))]
        assert [(spec["seed"], spec["dtype"]) for spec in specs] == [(seed, dtype) for seed in seeds]


def test_values_that_do_nothing_in_a_sweep_are_refused(tmp_path):
    (tmp_path / "my.toml").write_text('problem = "poisson"\nprobes = ["ntk"]\n[grid]\nintervals = 8\n')
    with pytest.raises(ProblemFileError, match=r"2 errors.*unknown key 'probes'.*\[grid\] intervals in .* must be a list"):
        read_run_file(tmp_path / "my.toml", is_sweep=True)
