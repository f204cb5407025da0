"""How results are printed: sentences, the table of modes, or one JSON object."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pdefreq.commands.live import duration

if TYPE_CHECKING:
    from pdefreq.solution import Solution
    from pdefreq.spectrum.report import SpectralReport


def make_console(*, json_output: bool = False) -> Console:
    """Where people read: stdout, or stderr when stdout is kept for JSON."""
    return Console(stderr=json_output, highlight=False)


def say(console: Console, text: str, style: str = "") -> None:
    """Print a sentence as it stands: no markup; wrapped only on a terminal."""
    console.print(Text(text, style=style), soft_wrap=not console.is_terminal)


def plain_table(*columns: str) -> Table:
    """An empty table without vertical lines."""
    return Table(*columns, box=box.SIMPLE_HEAD, pad_edge=False)


def print_json(value: Any) -> None:
    """Print one JSON object on stdout; what is not finite becomes null."""
    from pdefreq.store import to_json

    print(json.dumps(to_json(value), allow_nan=False))


def print_solution(console: Console, solution: Solution, figures: Sequence[Path] = ()) -> None:
    """Print how a run went: status and advice, modes, errors with their formulas, and where the files are."""
    summary = solution.summary()
    for note in solution.notes:
        say(console, note, "yellow")
    report = solution.spectrum()
    if report is not None and report.rows:
        console.print(modes_table(report))
        say(console, report.sentence)
    say(console, _bias_sentence(report))
    for line in _error_lines(summary):
        say(console, line)
    say(
        console,
        f"{summary['steps']:,} steps in {duration(summary['seconds'])}, {summary['unknowns']:,} unknowns, "
        f"objective {number(summary['objective'], 8)}",
    )
    say(console, status_sentence(solution), "green" if solution.status.exit_code == 0 else "bold red")
    if solution.folder is not None:
        say(console, f"results: {solution.folder}")
    if figures:
        say(console, "figures: " + ", ".join(str(path) for path in figures))


def status_sentence(solution: Solution) -> str:
    """What happened and what to do next, with the run's folder in place."""
    run = str(solution.folder) if solution.folder is not None else "RUN"
    return f"{solution.status.label}: {solution.status.sentence.replace('RUN', run)}"


def modes_table(report: SpectralReport) -> Table:
    """The watched modes, sorted by wavenumber."""
    table = plain_table()
    for name in ("wavenumber", "amplitude", "final error", "half at step", "half at s", "rate a step", "predicted"):
        table.add_column(name, justify="right")
    for row in sorted(report.rows, key=lambda row: row.wavenumber):
        table.add_row(
            number(row.wavenumber, 4),
            number(row.amplitude),
            number(row.error),
            number(row.half_step, 6),
            number(row.half_seconds),
            number(row.rate),
            number(row.predicted_rate),
        )
    return table


def print_spread(console: Console, solutions: Sequence[Solution]) -> None:
    """Print the median over seeds and the range from lowest to highest."""
    summaries = [solution.summary() for solution in solutions]
    say(console, f"{len(solutions)} seeds, median (lowest to highest):", "bold")
    for key, name in (("relative_l2", "relative L2"), ("relative_h1", "relative H1"), ("bias_index", "bias index B"), ("seconds", "seconds")):
        values = [s[key] for s in summaries if s[key] is not None and math.isfinite(s[key])]
        if values:
            say(console, f"  {name} {number(statistics.median(values))} ({number(min(values))} to {number(max(values))})")


def median_run(solutions: Sequence[Solution]) -> Solution:
    """The run whose relative L2 error is the (lower) median; failed runs count as the worst."""
    errors = [solution.error("l2") for solution in solutions]
    order = sorted(range(len(solutions)), key=lambda i: errors[i] if math.isfinite(errors[i]) else math.inf)
    return solutions[order[(len(order) - 1) // 2]]


def number(value: Any, digits: int = 3) -> str:
    """A number for a table; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return "-"
    return f"{value:.{digits}g}"


def _bias_sentence(report: SpectralReport | None) -> str:
    if report is None:
        return "No spectrum: neither an exact nor a reference solution is known."
    if report.bias_index is None:
        return f"Bias index B: undefined, {report.bias_reason}"
    bound = " (a bound: some modes never arrived)" if report.bias_bound else ""
    return f"Bias index B = {report.bias_index:+.2f}{bound} over {len(report.bias_modes)} modes; B > 0 means low frequencies first."


def _error_lines(summary: dict[str, Any]) -> list[str]:
    from pdefreq.store import DEFINITIONS

    names = {"relative_l2": "relative L2", "relative_h1": "relative H1", "max_error": "largest"}
    lines = [
        f"{name} error {number(summary[key])} = {DEFINITIONS[key]}"
        for key, name in names.items()
        if summary[key] is not None and math.isfinite(summary[key])
    ]
    if lines and summary["reference_error"]:
        lines.append(f"measured against a reference solution whose own relative L2 error is about {number(summary['reference_error'])}")
    return lines or ["No errors: neither an exact nor a reference solution is known."]
