"""Benchmark suites: problems, methods, seeds, budgets and cited numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pdefreq.core.history import Stop

if TYPE_CHECKING:
    from pdefreq.problem.problem import Problem
    from pdefreq.solvers.solver import Solver


@dataclass(frozen=True)
class SuiteProblem:
    """A problem of a suite: its name with the parameters, the problem, and a mode family or None."""

    label: str
    problem: Problem
    modes: str | None = None


@dataclass(frozen=True)
class SuiteMethod:
    """A method of a suite: its name in tables, the method, and the labels of its problems."""

    label: str
    solver: Solver
    problems: tuple[str, ...]


@dataclass(frozen=True)
class Published:
    """A number of a publication.

    Args:
        method: The method in the words of the source.
        problem: The label of the problem.
        error: The error.
        definition: The definition of the error.
        source: The publication, with the place of the number.
        seconds: The time; None if it is not stated.
        hardware: The machine; empty if it is not stated.
    """

    method: str
    problem: str
    error: float
    definition: str
    source: str
    seconds: float | None = None
    hardware: str = ""


@dataclass(frozen=True)
class Suite:
    """Problems, methods, seeds and budgets. Every method solves its problems with each seed and within each budget.

    Args:
        name: The name of the suite.
        title: One line for display.
        problems: The problems.
        methods: The methods.
        budgets: The budgets by their labels, such as ``"2,000 steps"``.
        seeds: The seeds.
        published: Cited numbers.
    """

    name: str
    title: str
    problems: Sequence[SuiteProblem]
    methods: Sequence[SuiteMethod]
    budgets: Mapping[str, Stop]
    seeds: Sequence[int] = (0,)
    published: Sequence[Published] = ()


def budget_label(stop: Stop) -> str:
    """A budget in words.

    Example:
        >>> budget_label(Stop(steps=2000, train_seconds=3))
        '2,000 steps or 3 s of steps'
    """
    limits = [f"{stop.steps:,} steps"] if stop.steps is not None else []
    limits += [f"{stop.train_seconds:g} s of steps"] if stop.train_seconds is not None else []
    limits += [f"{stop.seconds:g} s"] if stop.seconds is not None else []
    return " or ".join(limits)
