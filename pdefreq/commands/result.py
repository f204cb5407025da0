"""The printed result of a run: sentences, the table of modes, or one JSON object."""

from __future__ import annotations

import math
import shlex
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from pdefreq.commands.console import bounded, number, plain_table, print_json, say, say_files
from pdefreq.commands.live import duration

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from pdefreq.runs.record import Record
    from pdefreq.runs.solution import Solution
    from pdefreq.spectrum.spectral_report import SpectralReport

_LONG = 2.0  # seconds outside of steps that are printed
_ERRORS = {"relative_l2": "relative L2 error", "relative_h1": "relative H1 error", "max_error": "largest error"}
_HOMOGENEOUS = {"relative_l2_homogeneous": "relative L2 error without the lifting"}
_OFFSET = 2  # smallest ratio of these errors at which an offset hides some of the error, so that both are printed
_OWN = {"relative_l2": "reference_error", "relative_h1": "reference_h1_error", "max_error": "reference_max_error"}
_HELD_OUT = {"holdout_misfit": "misfit at the data held out"}


def print_outcome(
    console: Console,
    solution: Solution,
    *,
    json_output: bool,
    drawn: bool,
    seeds: Mapping[int, Mapping[str, Any]] = MappingProxyType({}),
    said: Collection[str] = (),
    elapsed: float = 0.0,
) -> None:
    """Print a run; for several seeds, the median run and the spread.

    Args:
        console: The console for text.
        solution: The run.
        json_output: Whether to print one JSON object on stdout instead.
        drawn: Whether the figures in the run folder show this state.
        seeds: Summaries of all runs by seed, if there are several.
        said: Notes that were printed before the run.
        elapsed: The seconds of the run and its figures together. The time outside of steps is printed if it is above 2 s.
    """
    if json_output:
        print_json(solution.summary() | ({"seeds": [*seeds.values()]} if seeds else {}))
        return
    print_solution(console, solution, said=said)
    if (outside := elapsed - solution.summary()["seconds"]) > _LONG:
        say(console, f"{duration(outside)} outside of the steps (reference solution, eigenfunctions, errors, figures)")
    if seeds:
        print_spread(console, [*seeds.values()])
    if solution.folder is not None:
        names = sorted(path.name for path in solution.folder.glob("*.png"))
        run = run_argument(solution.folder, trust=bool(solution.spec.code_files))
        again = f"figures not drawn; those in the folder may show an earlier state, `pdefreq show {run}` redraws them"
        old = bool(names) and not drawn
        say_files(console, solution.folder, *(() if old else names), remark=again if old else "")
        if seeds:
            say_files(console, solution.folder.parent, "seeds.csv", "seeds.json", remark="a folder for each seed")


def print_recorded(console: Console, record: Record, *, json_output: bool) -> None:
    """Print the record of another program: its modes, and its error at the last step.

    Args:
        console: The console for text.
        record: The record, which is stored in a folder.
        json_output: Whether to print one JSON object on stdout instead.
    """
    summary, report = record.summary(), record.spectrum()
    if json_output:
        print_json(summary)
        return
    say(console, f"{record.title}: {len(record.history):,} snapshots, last step {summary['steps']:,}", "bold")
    for note in record.all_notes:
        say(console, note, "yellow")
    if report.rows:
        console.print(modes_table(report, record.reference_error))
    say(console, report.sentence, "bold" if report.rows else "")
    say(console, f"relative L2 error {bounded(summary['relative_l2'], record.reference_error)} at the last step")
    if sentence := reference_sentence(record.reference_error):
        say(console, sentence)
    say(console, f"results and figures: {record.folder}")


def print_solution(console: Console, solution: Solution, *, said: Collection[str] = ()) -> None:
    """Print the status with advice, the modes, and the errors with their formulas."""
    summary, report = solution.summary(), solution.spectrum()
    for note in solution.notes:
        if note not in said:
            say(console, note, "yellow")
    steps = f"{summary['steps']:,} step" + ("s" if summary["steps"] != 1 else "")
    say(console, status_sentence(solution), "green" if solution.status.exit_code == 0 else "bold red")
    say(console, f"{steps} in {duration(summary['seconds'])}, {summary['unknowns']:,} unknowns, objective {_objective(solution)}")
    if sentence := solution.difference_from_last_row:
        say(console, sentence)
    if report.rows:
        console.print(modes_table(report, solution.reference_error))
        say(
            console,
            "errors are relative; halved at: first step after which the error stays below 0.5; rate: -d log(error) / d step",
        )
        if report.theory:
            say(console, f"theory: {report.theory}")
        if sentence := eigen_residual_sentence([row.eigen_residual for row in report.rows]):
            say(console, sentence)
    say(console, report.sentence, "bold" if report.rows else "")
    if report.halving_spread is not None:
        say(console, f"spread: the last mode was halved after {report.halving_spread:.3g} times as many steps as the first one")
    if (certificate := solution.certificate) is not None:
        say(console, _certificate_sentence(certificate))
    for line in _error_lines(solution, summary):
        say(console, line)


def _certificate_sentence(found: Mapping[str, Any]) -> str:
    """A sentence with the last certificate of a run."""
    remainder = f" and the nonlinear remainder R = {found['remainder']:.2g} |r|" if found["remainder"] else ""
    return (
        f"certificate of step {found['step']:,}: each watched mode satisfies |v_k . r+| <= q_k |r|{' + R' if remainder else ''} "
        f"with q_k at most {found['largest_damped']:.2g}{remainder}"
        + ("" if found["holds"] else "; the inequality is violated, which only rounding errors can cause")
    )


def run_argument(folder: Path, *, trust: bool) -> str:
    """The folder of a run as an argument that can be pasted, with ``--trust`` if the command must execute its code."""
    return shlex.quote(str(folder)) + (" --trust" if trust else "")


def status_sentence(solution: Solution) -> str:
    """The status sentence with its advice for this run: with its folder, and the option of the limit that it reached."""
    run = "RUN" if solution.folder is None else run_argument(solution.folder, trust=bool(solution.spec.code_files))
    advice, limit = solution.status.sentence, solution.spec.stop.train_seconds
    if limit is not None and (solution.history.last("seconds") or 0.0) >= limit:
        advice = advice.replace("--seconds", "--train-seconds")
    return f"{solution.status.label}: {advice.replace('RUN', run)}"


def modes_table(report: SpectralReport, reference_error: float = 0.0) -> Table:
    """The most important modes by wavenumber, with dots in place of omitted ones.

    Args:
        report: The modes of a run.
        reference_error: Relative L2 error of the reference solution, which limits the errors of modes that can be told.
    """
    table = plain_table(dropped=("theory", "seconds", "rate", "amplitude"))
    foretold = any(row.predicted_rate is not None or row.predicted_halving_step is not None for row in report.rows)
    last = ("theory", "rate", "theory") if foretold else ("seconds", "rate")  # all columns need more than 80 characters
    for name in ("wavenumber", "amplitude", "error", "halved at", *last):
        table.add_column(name, justify="right", no_wrap=True)
    shown, skipped = report.rows_to_print(), False
    for row in report.rows:
        if row not in shown:
            if not skipped:
                table.add_row("...")
            skipped = True
            continue
        skipped = False
        halving_step = "at start" if row.status == "below half at the start" else _whole(row.halving_step)
        own = report.own_error(row, reference_error)
        error = f"< {number(own)}" if row.error is not None and row.error < own else number(row.error)
        cells = [number(row.wavenumber, 4), number(row.amplitude), error, halving_step]
        if foretold:
            cells += [_whole(row.predicted_halving_step), number(row.rate), number(row.predicted_rate)]
        else:
            cells += [number(row.halving_seconds, 2), number(row.rate)]
        table.add_row(*cells)
    return table


def eigen_residual_sentence(eigen_residuals: Sequence[float | None] | np.ndarray) -> str:
    """A sentence on the validity of the rates of single modes; empty if they are valid, or if nothing is known.

    Args:
        eigen_residuals: Relative eigen-residuals of the modes; None or nan if unknown.
    """
    from pdefreq.theory.kernel_modes import MAX_EIGEN_RESIDUAL

    known = [float(value) for value in eigen_residuals if value is not None and math.isfinite(value)]
    mixed = sum(value > MAX_EIGEN_RESIDUAL for value in known)
    if not mixed:
        return ""
    low, high = number(min(known), 2), number(max(known), 2)
    told = f"relative eigen-residual {low}" if low == high else f"relative eigen-residuals {low} to {high}"
    return (
        f"{told}, {mixed} of {len(known)} modes above {MAX_EIGEN_RESIDUAL:g}: these modes are strongly coupled to others "
        "and have no single rate; use their predicted curves, which include the coupling"
    )


def _whole(step: float | None) -> str:
    return "-" if step is None else f"{math.ceil(step):,}"


def print_spread(console: Console, summaries: Sequence[Mapping[str, Any]]) -> None:
    """Print the median over seeds and the range from lowest to highest."""
    from pdefreq.runs.seeds import relation_of_seeds, spread
    from pdefreq.spectrum.bias import LEGEND, with_relation

    say(console, f"{len(summaries)} seeds, median (lowest to highest):", "bold")
    names = {**_ERRORS, "bias_index": "bias index B", "seconds": "seconds"}
    measures, relation = spread(summaries), relation_of_seeds(summaries)
    for key, found in measures.items():
        own = summaries[0].get(_OWN.get(key, ""))
        low, middle, high = (bounded(found[name], own) for name in ("lowest", "median", "highest"))
        if key == "bias_index":
            middle = with_relation(middle, relation)
        say(console, f"  {names[key]} {middle} ({low} to {high})")
    if "bias_index" in measures and relation != "=":
        say(console, LEGEND)


def reference_sentence(own: float | None, energy: float | None = None) -> str:
    """A sentence on the error of the reference solution; empty for an exact solution, and if there is none.

    Args:
        own: Its estimated relative L2 error.
        energy: The bound of its relative error in the energy norm, if there is one.
    """
    if own is None or not own > 0:
        return ""
    told = f"errors are measured against a reference solution with a relative L2 error of about {number(own)}"
    if energy is not None and math.isfinite(energy):
        told += f", by the residual estimator about {number(energy)} in the energy norm"
    return f"{told}; its error is added to those above"


def _objective(solution: Solution) -> str:
    """The objective of the result, and its terms if there are several."""
    found, minimum = solution.result_columns, solution.energy_minimum()
    objective = number(found.get("objective"), 8)
    if math.isfinite(minimum):
        return f"{objective}: energy {number(found.get('objective.energy'), 8)}, its minimum at least {number(minimum, 8)}"
    terms = {name.removeprefix("objective."): value for name, value in found.items() if name.startswith("objective.")}
    told = f" ({', '.join(f'{name} {number(value, 6)}' for name, value in terms.items())})" if len(terms) > 1 else ""
    return objective + told


def _error_lines(solution: Solution, summary: dict[str, Any]) -> list[str]:
    from pdefreq.runs.run_folder import DEFINITIONS

    own, whole = (summary[key] for key in ("relative_l2_homogeneous", "relative_l2"))
    hidden = own is not None and whole is not None and own >= _OFFSET * whole > 0
    names = {"relative_l2": _ERRORS["relative_l2"]} | (_HOMOGENEOUS if hidden else {}) | _ERRORS | _HELD_OUT
    known = {key: name for key, name in names.items() if summary[key] is not None and math.isfinite(summary[key])}
    if not known and solution.reference is not None:
        return ["No errors: the approximation is not finite."]
    if not known:
        return [f"No errors: {solution.without_solution}"]
    lines = [
        f"{name} {bounded(summary[key], summary.get(_OWN.get(key, '')))} = {DEFINITIONS[key]}" for key, name in known.items()
    ]
    recorded = solution.result_columns.get("relative_l2")
    if "relative_l2" in known and recorded is not None and math.isfinite(recorded):
        own = summary["reference_error"]
        if bounded(recorded, own) != bounded(summary["relative_l2"], own):
            lines.append(f"along the run, errors are measured at fewer points: {bounded(recorded, own)} for this state")
    if solution.contradiction:
        lines.append(solution.contradiction)
    sentence = reference_sentence(summary["reference_error"], summary["reference_energy_error"])
    return [*lines, sentence] if sentence else lines
