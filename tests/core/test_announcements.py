"""Announcements of long computations and remarks before a run reach the functions that listen, and only those."""

import io
import logging

from rich.console import Console
from typer.testing import CliRunner

from pdefreq import compare, refine, solve
from pdefreq.cli import app
from pdefreq.commands import live
from pdefreq.commands.result import print_outcome
from pdefreq.core.announcements import announce, listening, remark
from pdefreq.domains.box import Box
from pdefreq.domains.ring import Ring
from pdefreq.problem.problem import Problem
from pdefreq.runs.reference import reference_solution
from pdefreq.spectrum import eigen
from pdefreq.spectrum.eigen import _basis
from pdefreq.spectrum.modes import ModeFamilies


def test_listeners_receive_the_announcements_of_their_block():
    outer, inner = [], []
    announce("nobody listens")
    with listening(outer.append):
        announce("one")
        with listening(inner.append):
            announce("two")
        announce("three")
    announce("nobody listens")
    assert (outer, inner) == (["one", "three"], ["two"])


def test_long_preparations_are_announced(monkeypatch):
    monkeypatch.setenv("PDEFREQ_CACHE", "off")
    monkeypatch.setattr(eigen, "MOST_MODES", {2: 10})
    _basis.cache_clear()
    heard = []
    problem = Problem(domain=Ring((0.0, 0.0), 0.5, 1.0), source=1.0, boundary=0.0)
    with listening(heard.append):
        ModeFamilies(problem).modes("eigen")
        reference_solution(problem)
    assert any("eigenfunctions" in each for each in heard) and any("reference solution" in each for each in heard)


def test_piped_output_names_long_computations(monkeypatch):
    screen = io.StringIO()
    with live.LiveLine(Console(file=screen), quiet=False) as line:
        announce("computing this")  # short computations print nothing
        assert line._line().plain == "computing this ..."
        monkeypatch.setattr(live, "_PIPED_SECONDS", 0.0)
        announce("computing that")
    announce("nobody listens")
    assert screen.getvalue() == "computing that ...\n"


def test_remarks_reach_the_reader_of_their_block():
    heard, activities = [], []
    remark("nobody reads")
    with listening(activities.append, heard.append):
        remark("one")
        with listening(activities.append):  # keeps the reader
            remark("two")
    remark("nobody reads")
    assert (heard, activities) == (["one", "two"], [])


def test_a_remark_before_the_run_is_printed_once_and_not_repeated_after_it():
    screen = io.StringIO()
    console = Console(file=screen, width=500)
    problem = Problem(domain=Box((0.0,), (1.0,)), exact="sin(2000*pi*x)")
    with live.LiveLine(console, "waves, fem", quiet=False) as line:
        for _ in range(2):  # for example two seeds
            solution = solve(problem, "fem")
    print_outcome(console, solution, json_output=False, drawn=False, said=line.remarks)
    assert line.remarks == list(solution.notes)
    assert screen.getvalue().count("has the wavelength 0.001") == 1
    with live.LiveLine(console, "waves, fem", quiet=True) as line:
        solve(problem, "fem")
    print_outcome(console, solution, json_output=False, drawn=False, said=line.remarks)
    assert line.remarks == [] and screen.getvalue().count("has the wavelength 0.001") == 2


def test_python_prints_nothing_and_logs_choices_times_and_the_status(capfd, caplog):
    """Warnings are what the user should know, INFO has choices with reasons and times, DEBUG the long computations."""
    with caplog.at_level(logging.DEBUG, logger="pdefreq"):
        solution = solve("poisson", "auto")
        compare("poisson", ["jacobi:intervals=8", "fem:cells=4"], steps=2)
        refine("poisson", "fem", start=4, levels=2)
        solve(Problem(domain=Box((0.0,), (1.0,)), exact="sin(2000*pi*x)"), "fem:cells=8")
    assert capfd.readouterr() == ("", "")
    assert {record.name for record in caplog.records} == {"pdefreq"}
    said = {level: [r.getMessage() for r in caplog.records if r.levelno == level] for level in (10, 20, 30)}
    assert {*solution.spec.reasons, *solution.notes, solution.status.sentence} <= {*said[logging.INFO]}
    assert any(each.startswith("preparation took") for each in said[logging.INFO])
    assert "measuring the errors" in said[logging.DEBUG]
    assert any("has the wavelength 0.001" in each for each in said[logging.WARNING])
    assert not any("auto chose" in each for each in said[logging.WARNING])


def test_a_program_without_logging_prints_no_warnings(capfd, monkeypatch):
    """Python prints warnings of loggers without any handler on stderr; those of pytest are removed here."""
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    solve(Problem(domain=Box((0.0,), (1.0,)), exact="sin(2000*pi*x)"), "fem:cells=8")
    assert capfd.readouterr() == ("", "")


def test_verbose_adds_lines_to_the_output_and_quiet_removes_some(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = {}
    for option in ("-v", "--quiet-not-given", "-q"):
        extra = [option] if len(option) == 2 else []
        done = CliRunner().invoke(app, ["solve", "poisson", "-m", "sine", "--no-figures", "-o", option.strip("-"), *extra])
        assert done.exit_code == 0, done.output
        lines[option] = [line for line in done.stdout.splitlines() if "took" in line or line.startswith("step ")]
    verbose, usual, quiet = lines.values()
    assert (len(verbose), len(usual), len(quiet)) == (3, 1, 0)
    assert any(line.startswith("preparation took") for line in verbose)
    assert logging.getLogger("pdefreq").level == logging.NOTSET  # as before the command
    refused = CliRunner().invoke(app, ["solve", "poisson", "-m", "sine", "-q", "-v", "-o", "none"])
    assert refused.exit_code == 2 and "contradict each other" in refused.stderr and not (tmp_path / "none").exists()
