"""Announcements of long computations and remarks before a run reach the functions that listen, and only those."""

import io

from rich.console import Console

from pdefreq import solve
from pdefreq.commands import live
from pdefreq.commands.result import print_outcome
from pdefreq.core.announcements import announce, listening, remark
from pdefreq.domains.box import Box
from pdefreq.domains.ring import Ring
from pdefreq.problem.problem import Problem
from pdefreq.runs.reference import reference_solution
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
