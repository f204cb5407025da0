"""Shell completion: what a shell receives for the words typed so far."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pdefreq.cli import app

ROOT = Path(__file__).parents[2]


@pytest.fixture
def complete(tmp_path, monkeypatch):
    """The completions of a line, which ends at the cursor."""
    monkeypatch.chdir(tmp_path)
    Path("my.toml").write_text("[parameters]\nk1 = 1\n[variant.hard]\nparameters.k1 = 2\n")

    def found(line):
        words = f"pdefreq {line}".split(" ")
        environment = {"_PDEFREQ_COMPLETE": "complete_bash", "COMP_WORDS": " ".join(words), "COMP_CWORD": str(len(words) - 1)}
        return CliRunner().invoke(app, [], env=environment, prog_name="pdefreq", catch_exceptions=False).stdout.split()

    return found


@pytest.mark.parametrize(
    ("line", "some", "absent"),
    [
        ("sol", ["solve"], "show"),
        ("solve poisson-c", ["poisson-chirp"], "poisson"),
        ("solve tones:t", ["tones:two"], "tones:5d"),
        ("solve poisson -m mul", ["multigrid"], "fem"),
        ("solve poisson -m deep-ritz+ja", ["deep-ritz+jacobi"], "deep-ritz+fem"),
        ("compare poisson fem gau", ["gauss-seidel", "gauss-newton"], "fem"),
        ("methods f", ["fourier", "fem"], "sine"),
        ("solve poisson -m jacobi -s int", ["intervals="], "widths="),
        ("solve poisson -m deep-ritz -s optimizer=l", ["optimizer=lbfgs"], "optimizer=adam"),
        ("solve poisson -m deep-ritz -s learning", ["learning_rate="], "number="),
        ("solve poisson -m fem:element=P2 -s elem", ["element="], "cells="),
        ("solve poisson -m fem -s element=P", ["element=P1", "element=P2"], "element=Q1"),
        ("solve poisson-chirp -p m", ["mu="], "dimension="),
        ("solve my.toml -p ", ["k1=", "dimension="], "mu="),
        ("solve poisson --probe n", ["ntk"], "filter"),
        ("new my.toml --domain d", ["disk", "disc"], "box"),
        ("sweep poisson-c", ["poisson-chirp"], "poisson"),
        ("sweep poisson -m deep-ritz -g learning", ["learning_rate="], "number="),
        ("sweep poisson -m jacobi --range int", ["intervals="], "widths="),
        ("reproduce ker", ["kernel"], "scales"),
    ],
)
def test_names_are_completed(complete, line, some, absent):
    found = complete(line)
    assert {*some} <= {*found} and absent not in found
    assert all(name.startswith(line.split(" ")[-1]) for name in found)


@pytest.mark.parametrize(
    "line", ["solve poisson -m none -s x", "solve none -p x", "solve broken.toml -p x", "solve poisson -s qq="]
)
def test_errors_in_earlier_words_give_no_completions(complete, line):
    Path("broken.toml").write_text("[[[")
    assert complete(line) == []


def test_the_script_for_a_shell_completes_the_installed_command(tmp_path):
    """Also if the command line was started as `python -m pdefreq`."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "SHELL": "/bin/bash"}
    arguments = [sys.executable, "-m", "pdefreq", "--show-completion", "bash"]
    done = subprocess.run(arguments, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    if "bash" not in done.stdout:  # a terminal is needed to detect the shell: the variable of the completion is the same
        environment |= {"_PDEFREQ_COMPLETE": "source_bash"}
        done = subprocess.run(arguments[:3], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "_PDEFREQ_COMPLETE=complete_bash" in done.stdout
    assert "pdefreq" in done.stdout.splitlines()[-1]
