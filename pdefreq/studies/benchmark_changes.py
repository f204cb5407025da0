"""Regressions and improvements between two results of a benchmark."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pdefreq.core.errors import OptionError
from pdefreq.core.text_table import text_table
from pdefreq.studies.benchmark_result import Benchmark, load_benchmark
from pdefreq.studies.benchmark_run import Run

THRESHOLD = 1.25
"""The ratio of errors from which a change counts, by default, if the seeds agree."""
TIME_THRESHOLD = 1.5
"""The ratio of times from which a change counts, by default, if the seeds agree."""
LEAST_ERROR = 1e-12
"""Smaller errors are replaced by this value: they consist of rounding errors, whose ratio means nothing."""
LEAST_SECONDS = 0.1
"""Smaller times are replaced by this value."""

Quantity = Literal["relative_l2", "seconds", "failed"]
_COLUMNS = ("change", "problem", "method", "budget", "quantity", "before", "after", "ratio", "allowed")


@dataclass(frozen=True)
class Change:
    """A change of one quantity of one method on one problem within one budget.

    Args:
        problem: The problem.
        method: The method.
        budget: The budget.
        quantity: ``"relative_l2"``, ``"seconds"``, or ``"failed"``, the part of the seeds without a result.
        before: The median over the seeds in the first result.
        after: The median in the second result.
        ratio: The second median divided by the first; None for failures.
        allowed: The ratio, or its inverse, up to which a change does not count.
    """

    problem: str
    method: str
    budget: str
    quantity: Quantity
    before: float
    after: float
    ratio: float | None = None
    allowed: float | None = None

    @property
    def is_regression(self) -> bool:
        """Whether the second result is worse."""
        return self.after > self.before

    def row(self) -> dict[str, Any]:
        """The change as a row of a table."""
        return {"change": "regression" if self.is_regression else "improvement"} | {
            name: getattr(self, name) for name in _COLUMNS if name != "change"
        }


@dataclass(frozen=True, repr=False)
class Changes:
    """The changes between two results of a benchmark.

    Args:
        changes: The changes that exceed the threshold, regressions first.
        compared: The number of compared combinations of problem, method and budget.
        unmatched: Combinations that only one of the results has, whose runs have not all ended, or whose problem has changed.
        same_machine: Whether the machines and the setups of the runs have the same description. Otherwise times are not compared.

    Example:
        >>> from pdefreq import benchmark, compare_benchmarks
        >>> result = benchmark("quick")  # doctest: +SKIP
        >>> compare_benchmarks(result, result).regressions  # doctest: +SKIP
        []
    """

    changes: Sequence[Change]
    compared: int
    unmatched: Sequence[tuple[str, str, str]]
    same_machine: bool

    def __repr__(self) -> str:
        head = f"<{self.sentence}>"
        return "\n".join([head, *(text_table(_COLUMNS, self.rows()) if self.changes else [])])

    @property
    def regressions(self) -> list[Change]:
        """The changes to the worse."""
        return [change for change in self.changes if change.is_regression]

    @property
    def improvements(self) -> list[Change]:
        """The changes to the better."""
        return [change for change in self.changes if not change.is_regression]

    @property
    def sentence(self) -> str:
        """The numbers of changes in words."""
        counts = f"{_counted(self.regressions, 'regression')}, {_counted(self.improvements, 'improvement')}"
        return f"{counts} in {self.compared} combinations of problem, method and budget"

    def rows(self) -> list[dict[str, Any]]:
        """One row for each change."""
        return [change.row() for change in self.changes]


def compare_benchmarks(
    before: Benchmark | str | Path,
    after: Benchmark | str | Path,
    *,
    threshold: float = THRESHOLD,
    time_threshold: float = TIME_THRESHOLD,
) -> Changes:
    """The regressions and improvements of the second of two results of a benchmark.

    For each problem, method and budget the medians over the seeds are compared. A change counts if the larger median divided by
    the smaller one exceeds the threshold times the spread, which is the larger one of the two ratios of the largest to the
    smallest value over the seeds. Errors below 1e-12 and times below 0.1 s are replaced by these values. A larger part of seeds
    without a result is a regression. Times are compared only if both results are from the same kind of machine, with as many
    processes and threads.

    Args:
        before: The first result, its folder, or its file ``benchmark.json``.
        after: The second result.
        threshold: The threshold for relative L2 errors, above 1.
        time_threshold: The threshold for the time of the steps, above 1.

    Raises:
        OptionError: If a threshold is not above 1.
        RunFolderError: If a result can't be read.
    """
    for name, value in (("threshold", threshold), ("time_threshold", time_threshold)):
        if not 1 < value < float("inf"):
            raise OptionError(
                f"`{name}` must be above 1 and finite, got {value:g}: it is a ratio of errors or times", option=name
            )
    old, new = (each if isinstance(each, Benchmark) else load_benchmark(each) for each in (before, after))
    first, second = dict(old.cases()), dict(new.cases())
    is_stated = None not in (*new.setup.values(), new.machine["processor"])  # None also stands for parts that differ
    same_machine = is_stated and dict(old.machine) == dict(new.machine) and dict(old.setup) == dict(new.setup)
    common = [
        case
        for case in first
        if case in second
        and first[case][0].digest == second[case][0].digest
        and not any(run.is_open for run in (*first[case], *second[case]))
    ]
    changes: list[Change] = []
    for case in common:
        pair = first[case], second[case]
        changes += _of_failures(case, *pair)
        changes += _of_values(case, "relative_l2", *pair, threshold, LEAST_ERROR)
        if same_machine:
            changes += _of_values(case, "seconds", *pair, time_threshold, LEAST_SECONDS)
    unmatched = [case for case in dict.fromkeys([*first, *second]) if case not in common]
    changes.sort(key=lambda change: (not change.is_regression, -max(change.ratio or 0, 1 / (change.ratio or 1))))
    return Changes(changes, len(common), unmatched, same_machine)


def _of_failures(case: tuple[str, str, str], before: Sequence[Run], after: Sequence[Run]) -> list[Change]:
    old, new = (sum(run.failed for run in runs) / len(runs) for runs in (before, after))
    return [] if old == new else [Change(*case, "failed", old, new)]


def _of_values(
    case: tuple[str, str, str],
    quantity: Literal["relative_l2", "seconds"],
    before: Sequence[Run],
    after: Sequence[Run],
    threshold: float,
    least: float,
) -> list[Change]:
    """The change of the median, if it exceeds the threshold and the spread over the seeds."""
    known = [
        [max(value, least) for run in runs if not run.failed and (value := getattr(run, quantity)) is not None]
        for runs in (before, after)
    ]
    if not all(known):
        return []
    old, new = (statistics.median(values) for values in known)
    allowed = threshold * max(max(values) / min(values) for values in known)
    ratio = new / old
    return [Change(*case, quantity, old, new, ratio, allowed)] if max(ratio, 1 / ratio) > allowed else []


def _counted(changes: Sequence[Change], name: str) -> str:
    return f"{len(changes)} {name}{'s' * (len(changes) != 1)}"
