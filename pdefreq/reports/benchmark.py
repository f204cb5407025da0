"""The report of a benchmark as a single HTML file."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pdefreq.reports.charts import Chart, Curve
from pdefreq.reports.document import HtmlReport, document
from pdefreq.reports.markup import Markup, join, tag
from pdefreq.reports.sections import code
from pdefreq.reports.tables import bias, facts, shown, table

if TYPE_CHECKING:
    from pdefreq.studies.benchmark_result import Benchmark
    from pdefreq.studies.benchmark_run import Run

_GIB = 2**30
_DEFAULTS = {"threads": 1, "device": "cpu", "dtype": "float64"}  # of the options of the command
_CAPTION = "Medians over the seeds, and the range of the error; half times in seconds, – : the mode is not halved"


def benchmark_report(found: Benchmark) -> HtmlReport:
    """The report of a benchmark.

    It contains for each problem the errors against time, the half times, the bias index and cited numbers; the failures with
    their sentences, the machine and the versions.

    Example:
        >>> from pdefreq import benchmark
        >>> benchmark_report(benchmark("quick")).title  # doctest: +SKIP
        'Quick: seven methods on four problems'
    """
    body: list[tuple[str, str, Markup]] = [("summary", "Summary", _summary(found))]
    body += [(f"problem-{number}", problem, _problem(found, problem, number)) for number, problem in enumerate(found.problems)]
    body += [("failures", "Failures", _failures(found)), ("machine", "Machine and versions", _machine(found))]
    subtitle = f"benchmark {found.suite}, {found.date}"
    return HtmlReport(found.title, document(found.title, subtitle, body, kind="pdefreq benchmark"))


def _summary(found: Benchmark) -> Markup:
    failed = sum(run.failed for run in found.runs)
    rows = [
        ("runs", f"{len(found.runs):,}, of which {failed:,} failed"),
        ("problems", len(found.problems)),
        ("methods", len({run.method for run in found.runs})),
        ("budgets", "; ".join(dict.fromkeys(run.budget for run in found.runs))),
        ("seeds", ", ".join(map(str, sorted({run.seed for run in found.runs})))),
    ]
    indices = {
        (row["method"], row["budget"], row["problem"]): bias(row["bias_index"], row["bias_index_relation"])
        for row in found.rows()
        if row["bias_index"] is not None
    }
    names = list(dict.fromkeys((method, budget) for method, budget, _ in indices))
    several = len({budget for _, budget in names}) > 1
    cells = [
        [_named(method, budget, several=several), *(indices.get((method, budget, problem), "–") for problem in found.problems)]
        for method, budget in names
    ]
    caption = (
        "Bias index B, median over the seeds; above 0: low frequencies first; in parentheses: low and high modes are not halved, "
        "and B is not a bound; "
        "– : undefined, as for methods of one step"
    )
    definition = tag(
        "p",
        "Errors are relative L2 errors at test points that no method trains on. Seconds are those of the steps. "
        "B is the slope of log half time against log wavenumber.",
    )
    return join([facts(rows), definition, table(["method", *found.problems], cells, caption=caption) if cells else None])


def _named(method: str, budget: str, *, several: bool) -> str:
    return f"{method}, {budget}" if several else method


def _problem(found: Benchmark, problem: str, number: int) -> Markup:
    """The charts and tables of one problem."""
    several = len({run.budget for run in found.runs}) > 1
    runs = {_named(*case, several=several): run for case, run in found.typical(problem).items()}
    names_of_all = [_named(run.method, run.budget, several=several) for run in found.runs]
    colors = {name: place for place, name in enumerate(dict.fromkeys(names_of_all))}
    parts: list[Any] = [_errors(runs, number, colors), _half_times(runs, number, colors)]
    columns = ["method", "status", "relative L2 error", "B", "seconds", "half time, lowest mode", "highest mode"]
    columns += ["lowest error", "highest error", "steps", "unknowns"]
    names = ("seconds", "half_time_low", "half_time_high", "relative_l2_min", "relative_l2_max", "steps", "unknowns")
    rows = [
        [
            _named(row["method"], row["budget"], several=several),
            row["status"],
            shown(row["relative_l2"], 3),
            bias(row["bias_index"], row["bias_index_relation"]),
            *(shown(row[name], 3) for name in names),
        ]
        for row in found.rows()
        if row["problem"] == problem
    ]
    parts.append(table(columns, rows, caption=_CAPTION))
    cited = [row for row in found.published if row["problem"] == problem]
    if cited:
        parts += [
            tag("h3", "Cited from publications, not measured here"),
            table(
                ["method", "error", "definition of the error", "seconds", "hardware", "source"],
                [
                    [
                        row["method"],
                        shown(row["error"], 3),
                        row["definition"],
                        shown(row["seconds"], 3),
                        row["hardware"] or "not stated",
                        row["source"],
                    ]
                    for row in cited
                ],
                caption="Published numbers. Errors of other definitions can't be compared with those above.",
            ),
        ]
    return join(parts)


def _errors(runs: Mapping[str, Run], number: int, colors: Mapping[str, int]) -> Markup:
    curves = []
    for name, run in runs.items():
        points = np.array(run.curve, dtype=float).reshape(-1, 2)
        points = points[points[:, 0] > 0]
        if len(points):
            curves.append(Curve(name, points[:, 0], points[:, 1]))
    styles = [colors[curve.name] for curve in curves]
    title = "Relative L2 error against the time of the steps, run of the median seed"
    if not curves:
        return tag("p", "No run has an error.")
    return Chart(f"errors-{number}", title, curves, "seconds of steps", "relative L2 error", x_log=True, styles=styles).markup()


def _half_times(runs: Mapping[str, Run], number: int, colors: Mapping[str, int]) -> Markup:
    curves = []
    for name, run in runs.items():
        halved = np.array(run.half_times, dtype=float).reshape(-1, 3)
        halved = halved[(halved[:, 0] > 0) & (halved[:, 2] > 0)]  # a logarithmic axis has no place for the constant mode
        if len(halved) > 1:
            curves.append(Curve(name, halved[:, 0], halved[:, 2]))
    if not curves:
        return tag("p", "No method halves the errors of several modes in more than one step.")
    styles = [colors[curve.name] for curve in curves]
    title = "Half time of each mode against its wavenumber, run of the median seed"
    return Chart(f"half-times-{number}", title, curves, "wavenumber", "half time in seconds", x_log=True, styles=styles).markup()


def _failures(found: Benchmark) -> Markup:
    rows: Sequence[Sequence[Any]] = found.failures()
    if not rows:
        return tag("p", "No run failed.")
    return table(["problem", "method", "budget", "reason"], rows, caption="Runs without a result, and the reasons")


def _machine(found: Benchmark) -> Markup:
    memory = found.machine.get("memory")
    rows = [
        ("processor", found.machine.get("processor") or "unknown"),
        ("available cores", found.machine.get("cores") or "unknown"),
        ("memory", f"{memory / _GIB:.0f} GiB" if memory else "unknown"),
        ("system", found.machine.get("system") or "unknown"),
        ("processes", found.setup.get("workers") or "unknown"),
        ("threads of each process", found.setup.get("threads") or "unknown"),
        ("date", found.date),
    ]
    made = table(["package", "version"], sorted(found.versions.items()), caption="Versions")
    return join([facts(rows), made, tag("p", "Repeat it:"), code(_command(found))])


def _command(found: Benchmark) -> str:
    """The command that repeats the benchmark; the paths of a suite in a file and of adapters are not known."""
    from pdefreq.studies.suite_file import suite_names

    is_included = suite_names().get(found.suite) == found.title
    words = ["pdefreq", "benchmark", found.suite if is_included else f"{found.suite}.toml"]
    for name, value in found.setup.items():
        words += [f"--{name}", str(value)] if value not in (None, _DEFAULTS.get(name)) else []
    for label in dict.fromkeys(run.method for run in found.runs if run.outside):
        words += ["--adapter", f"{label}=FILE.py:NAME"]
    return " ".join(map(shlex.quote, words))
