"""The sections of a report."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pdefreq.figures.labels import mode_labels
from pdefreq.reports.charts import Chart, Curve, map_markup, thinned
from pdefreq.reports.formulas import equation_markup
from pdefreq.reports.markup import Markup, join, tag
from pdefreq.reports.repeat import command_of
from pdefreq.reports.snapshots import slider_markup, strips
from pdefreq.reports.tables import bias, facts, shown, table
from pdefreq.spectrum.spectral_record import SpectralRecord

if TYPE_CHECKING:
    from pdefreq.problem.problem import Problem
    from pdefreq.runs.record import Record
    from pdefreq.spectrum.rows import ModeRow

_MODES = 8  # curves of modes in a chart
_MAP_MODES, _MAP_STEPS = 24, 60
_ERRORS = {"relative_l2": "relative L2 error", "relative_h1": "relative H1 error", "max_error": "largest error"}


def summary(runs: Sequence[Record], names: Sequence[str]) -> Markup:
    """The numbers of each run, with the order in which its frequencies converged."""
    columns = ["run", "status", "steps", "seconds", "unknowns", *_ERRORS.values(), "bias index B"]
    rows = []
    for name, run in zip(names, runs, strict=True):
        found = run.summary()
        count = found["unknowns"]
        numbers = [shown(found["seconds"], 3), "–" if count is None else f"{count:,}"]
        errors = [shown(_float(found.get(key)), 3) for key in _ERRORS]
        index = bias(_float(found["bias_index"]), found["bias_index_relation"])
        rows.append([name, found["status"], f"{found['steps']:,}", *numbers, *errors, index])
    orders = [tag("li", tag("strong", name), f": {run.spectrum().sentence}") for name, run in zip(names, runs, strict=True)]
    return join([table(columns, rows, caption="Results"), tag("ul", *orders)])


def problem_section(problem: Problem) -> Markup:
    """The problem in mathematical notation and in words, with its file."""
    from pdefreq.problem.files import describe

    text = None if problem.origin is None else tag("details", tag("summary", "Problem file"), code(problem.origin.text))
    return join([*equation_markup(problem), facts(describe(problem)), text])


def method_section(runs: Sequence[Record], names: Sequence[str]) -> Markup:
    """The method of each run with all options."""
    parts = []
    for name, run in zip(names, runs, strict=True):
        spec = getattr(run, "spec", None)
        if spec is None:
            parts.append(tag("p", tag("strong", name), ": a run of another program, measured with `pdefreq.Monitor`."))
            continue
        rows = [*_flat(spec.solver or {}), ("seed", spec.seed), ("dtype", spec.dtype), ("device", spec.device)]
        rows += [(f"stop.{key}", value) for key, value in vars(spec.stop).items() if value is not None]
        options = table(["option", "value"], [[key, str(value)] for key, value in rows], caption=f"Options of {name}")
        parts.append(tag("details", tag("summary", f"{name}: {len(rows)} options"), options, open=len(runs) == 1))
    return join(parts)


def errors_section(runs: Sequence[Record], names: Sequence[str]) -> Markup:
    """The relative L2 error of all runs against steps and against seconds."""
    charts = []
    for axis, unit in (("step", "step + 1"), ("seconds", "seconds of steps")):
        curves = []
        for name, run in zip(names, runs, strict=True):
            history = run.valid_history
            if "relative_l2" in history and len(history):
                x = history.column(axis).astype(float) + (axis == "step")
                curves.append(Curve(name, x, history.column("relative_l2").astype(float)))
        charts.append(
            Chart(f"error-{axis}", f"Relative L2 error against {axis}", curves, unit, "relative L2 error", x_log=axis == "step")
        )
    return (
        either("error", charts) if charts[0].curves else tag("p", "No errors are known: there is no exact or reference solution.")
    )


def modes_section(key: str, name: str, run: Record) -> Markup | None:
    """The error of each mode of one run against steps and seconds, measured and predicted, and as a map.

    For a run of one step it is the error against the exact or reference solution, over the wavenumber: the error against the
    discrete solution is zero after this step.
    """
    record = SpectralRecord.of(run.valid_history)
    if not record.has_steps:
        return None
    if record.last_step <= 1:
        rows = run.spectrum().rows
        errors = Curve("errors of the modes", record.modes.wavenumber, np.array([row.error for row in rows], float), dots=True)
        title = f"Error of each mode after the step, {name}"
        chart = Chart(f"{key}-modes", title, [errors], "wavenumber", "relative error", x_log=True)
        return join([chart.markup(), _mode_table(run, name)])
    few = record.pick(_MODES, run.problem.spectrum.wavenumbers)
    labels = mode_labels(few.modes)
    charts = []
    for axis, unit in (("step", "step + 1"), ("seconds", "seconds of steps")):
        x = few.step + 1 if axis == "step" else few.seconds
        curves = [Curve(f"k = {label}", x, few.error[:, k]) for k, label in enumerate(labels)]
        title = f"Error of each mode against {axis}, {name}"
        charts.append(Chart(f"{key}-modes-{axis}", title, curves, unit, "relative error", x_log=axis == "step"))
    parts: list[Any] = [either(f"{key}-modes", charts)]
    many = record.pick(_MAP_MODES, run.problem.spectrum.wavenumbers)
    steps = np.unique(np.geomspace(1, max(many.last_step, 2), _MAP_STEPS).round())
    parts += [
        tag("h4", "Heat map"),
        map_markup(f"Relative error of each mode after each step, {name}", steps, mode_labels(many.modes), many.resampled(steps)),
    ]
    parts += [tag("h4", "Predicted beside measured"), _predictions(key, name, run, few, labels)]
    return join(parts)


def _mode_table(run: Record, name: str) -> Markup:
    """The halving step and the rate of each of the main modes."""
    report = run.spectrum()
    rows = [
        [
            shown(row.wavenumber),
            shown(row.amplitude, 3),
            _known_error(row, report.own_error(row, run.reference_error)),
            shown(row.halving_step, 4),
            shown(row.predicted_halving_step, 4),
            shown(row.rate, 3),
            shown(row.predicted_rate, 3),
        ]
        for row in report.rows_to_print(30)
    ]
    columns = ["wavenumber", "amplitude", "error", "halved at", "predicted", "rate", "predicted rate"]
    return table(columns, rows, caption=f"Halving steps and rates, measured and predicted, {name}")


def _predictions(key: str, name: str, run: Record, few: SpectralRecord, labels: Sequence[str]) -> Markup:
    report = run.spectrum()
    parts: list[Any] = [tag("p", report.theory) if report.theory else None]
    predicted = few.prediction
    if len(predicted) and np.isfinite(predicted.error).any():
        chosen = thinned(len(labels), 4).tolist()
        curves = []
        for k in chosen:
            curves.append(Curve(f"k = {labels[k]}, measured", few.step + 1, few.error[:, k]))
            curves.append(Curve(f"k = {labels[k]}, predicted", predicted.step + 1, predicted.error[:, k], True))
        styles = [k for k in range(len(chosen)) for _ in range(2)]
        title = f"Predicted and measured errors, {name}"
        parts.append(Chart(f"{key}-predicted", title, curves, "step + 1", "relative error", x_log=True, styles=styles).markup())
    else:
        parts.append(tag("p", "There are no predicted curves for this run."))
    return join([*parts, _mode_table(run, name)])


def snapshots_section(runs: Sequence[Record], names: Sequence[str]) -> Markup:
    """The solution of each run at a step that is chosen."""
    found = [
        join([tag("h3", name), slider_markup(f"snapshots-{k}", strip)])
        for k, (name, strip) in enumerate(zip(names, strips(runs), strict=True))
        if strip is not None
    ]
    hint = tag("p", "No snapshots were recorded. ", tag("code", "pdefreq solve ... --snapshots"), " records them.")
    return join(found) if found else hint


def status_section(runs: Sequence[Record], names: Sequence[str]) -> Markup:
    """How each run ended, its notes and its certificate."""
    parts = []
    for name, run in zip(names, runs, strict=True):
        place = "RUN" if run.folder is None else str(run.folder)
        parts += [tag("h3", name), tag("p", tag("strong", run.status.label), f": {run.status.sentence.replace('RUN', place)}")]
        parts += [tag("ul", *(tag("li", note) for note in run.all_notes))] if run.all_notes else []
        certificate = run.certificate
        if certificate is not None:
            held = "holds" if certificate["holds"] else "is violated, which only rounding errors can cause"
            rows = [("certificate", f"|v_k . r+| <= q_k |r| + R {held}"), ("step", f"{certificate['step']:,}")]
            rows += [("largest q_k", shown(certificate["largest_damped"], 3)), ("R / |r|", shown(certificate["remainder"], 3))]
            parts.append(facts(rows))
        else:
            parts.append(tag("p", "This method has no certificate."))
    return join(parts)


def provenance_section(runs: Sequence[Record], names: Sequence[str], versions: Mapping[str, str]) -> Markup:
    """The versions and digests of each run, and the command that repeats it."""
    from pdefreq.runs.solution import Solution

    parts = []
    for name, run in zip(names, runs, strict=True):
        rows = [("problem digest", run.problem.digest)]
        rows += [("run", run.spec.id), ("seed", run.spec.seed)] if isinstance(run, Solution) else []
        rows += [("folder", run.folder)] if run.folder is not None else []
        parts += [tag("h3", name), facts(rows)]
        if not isinstance(run, Solution):
            continue
        if run.folder:
            parts += [tag("p", "Repeat it from its folder:"), code(f"pdefreq rerun {shlex.quote(str(run.folder))}")]
        parts += [tag("p", "Repeat it without the folder:"), code(command_of(run))]
    made = table(["package", "version"], sorted(versions.items()), caption="This report was made with")
    return join([*parts, made])


def either(name: str, charts: Sequence[Chart]) -> Markup:
    """A choice between a chart against steps and one against seconds."""
    units = ("step", "seconds")
    radios = [
        tag("label", tag("input", type="radio", name=name, checked=k == 0, data_panel=f"{name}-panel-{k}"), f" {unit}")
        for k, unit in enumerate(units)
    ]
    panels = [tag("div", chart.markup(), id=f"{name}-panel-{k}", class_="panel", hidden=k > 0) for k, chart in enumerate(charts)]
    return join([tag("fieldset", tag("legend", "Horizontal axis"), *radios, class_="choice"), *panels])


def code(text: str) -> Markup:
    """A block of text to copy."""
    return tag("pre", tag("code", text), tabindex="0")


def _known_error(row: ModeRow, own: float) -> str:
    """The error of a mode, or the bound below which it can't be told, because the reference solution has errors as well."""
    return f"< {own:.3g}" if row.error is not None and row.error < own else shown(row.error, 3)


def _flat(value: Mapping[str, Any], before: str = "") -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for key, item in value.items():
        path = f"{before}{key}"
        rows += _flat(item, f"{path}.") if isinstance(item, Mapping) else [(path, item)]
    return rows


def _float(value: Any) -> float | None:
    return None if value is None else float(value)
