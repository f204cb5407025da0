"""Announcements of long computations reach the functions that listen, and only those."""

import io

from rich.console import Console

from pdefreq.commands import live
from pdefreq.core.announcements import announce, listening
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
