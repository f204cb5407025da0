"""`pdefreq benchmark`: a suite of problems and methods, and the changes between two results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pdefreq.commands import many
from pdefreq.commands import shared_options as o
from pdefreq.core.errors import OptionError
from pdefreq.core.options import in_lines, short_labels
from pdefreq.core.parquet import require_pyarrow

if TYPE_CHECKING:
    from rich.console import Console

    from pdefreq.studies.benchmark_changes import Changes
    from pdefreq.studies.benchmark_result import Benchmark

_METHOD = 22  # width of the column of methods
_MOST_SENTENCES = 12  # failures that are printed
_MOST_ROWS = 60
_COMPARISON = "Comparison of two results"

SuiteName = Annotated[
    str | None,
    typer.Argument(
        metavar="SUITE",
        help="A suite of the package, or the path of a .toml file; without it, the suites are listed.",
        show_default=False,
    ),
]
Adapters = Annotated[
    list[str] | None,
    typer.Option(
        "--adapter",
        metavar="FILE.py:NAME",
        help="Also run this function, which solves the problems by another program; the file is executed. May be repeated.",
    ),
]
Compared = Annotated[
    tuple[Path, Path] | None,
    typer.Option(
        "--compare",
        metavar="A B",
        help="Compare two results, given by their folders: exit code 0 without regressions, 1 with regressions.",
        rich_help_panel=_COMPARISON,
    ),
]
Threshold = Annotated[
    float | None,
    typer.Option(
        metavar="FACTOR",
        help="A change counts if the ratio of median errors exceeds this factor times the spread over the seeds.",
        show_default="1.25",
        rich_help_panel=_COMPARISON,
    ),
]
TimeThreshold = Annotated[
    float | None,
    typer.Option(metavar="FACTOR", help="The same for the time of the steps.", show_default="1.5", rich_help_panel=_COMPARISON),
]


def benchmark(
    suite: SuiteName = None,
    adapter: Adapters = None,
    compare: Compared = None,
    threshold: Threshold = None,
    time_threshold: TimeThreshold = None,
    trust: o.Trust = False,
    dtype: o.Dtype = o.Precision.float64,
    device: o.Device = "cpu",
    threads: o.Threads = 1,
    workers: many.Workers = "auto",
    dask: many.DaskAddress = None,
    out: o.Out = None,
    parquet: o.Parquet = False,
    json_output: o.Json = False,
    quiet: o.Quiet = False,
) -> int:
    """Run a suite of problems and methods and write a table, figures and a report; or compare two results.

    Runs that fail are part of the result: the exit code is 0 if all runs have ended, and 130 after an interruption.
    """
    from pdefreq.commands.console import make_console

    console = make_console(json_output=json_output)
    if compare is not None:
        if suite is not None:
            raise OptionError(f"--compare takes two results and no suite, got the suite '{suite}': leave it out")
        return _compare(console, compare, threshold, time_threshold, json_output=json_output)
    if threshold is not None or time_threshold is not None:
        raise OptionError("--threshold and --time-threshold belong to --compare: name two results, --compare A B")
    if suite is None:
        return _list(console)
    if parquet:
        require_pyarrow()
    many.start_early(workers, dask)
    o.use_threads(threads)
    import pdefreq
    from pdefreq.commands.console import print_json, say_files
    from pdefreq.reports.benchmark import benchmark_report
    from pdefreq.studies.suite_file import load_suite

    chosen = load_suite(suite, trust=trust)
    with many.dask_executor(dask) as executor, many.LiveTable(console, quiet=quiet) as live:
        found = pdefreq.benchmark(
            chosen,
            adapters=adapter or (),
            folder=o.study_folder(out, "benchmark", chosen.name),
            device=device,
            dtype=dtype.value,
            workers=workers,
            executor=executor,
            trust=trust,
            progress=live.follow,
        )
    assert found.folder is not None
    benchmark_report(found).save(found.folder / "benchmark.html")
    if parquet:
        found.write_parquet(found.folder / "benchmark.parquet")
    if json_output:
        print_json({"suite": found.suite, "rows": found.rows(), "published": found.published, "folder": str(found.folder)})
    else:
        _print(console, found)
        files = ["benchmark.html", "benchmark.png", "bias_index.png", "benchmark.csv", "benchmark.json"]
        say_files(console, found.folder, *files, *(["benchmark.parquet"] if parquet else []))
    return 130 if any(run.is_open for run in found.runs) else 0


def _list(console: Console) -> int:
    from pdefreq.commands.console import plain_table, say

    with o.importing():
        from pdefreq.studies.suite_file import suite_names

    table = plain_table("suite", "what it contains")
    for name, title in suite_names().items():
        table.add_row(name, title)
    console.print(table)
    say(console, "To run a suite: pdefreq benchmark NAME. A suite of your own is the path of a .toml file.")
    return 0


def _print(console: Console, found: Benchmark) -> None:
    """The table of results, the cited numbers, and the sentences of failures."""
    from pdefreq.commands.console import number, plain_table, say
    from pdefreq.spectrum.bias import LEGEND, with_relation

    say(console, found.title, "bold")
    rows = [row for row in found.rows() if row["relative_l2"] is not None or not row["failed"]]
    several = len({row["budget"] for row in rows}) > 1
    table = plain_table("problem", dropped=("half time high", "half time low", "steps", "seconds", "B"))
    labels = short_labels(run.method for run in found.runs)
    methods = {name: in_lines(label, width=_METHOD) for name, label in labels.items()}
    longest = max((len(line) for row in rows for line in methods[row["method"]].splitlines()), default=0)
    table.add_column("method", min_width=longest)
    if several:
        table.add_column("budget", overflow="fold")
    for name in ("relative L2", "B", "seconds", "half time low", "half time high", "steps"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("status", no_wrap=True)
    last = None
    for row in rows[:_MOST_ROWS]:
        table.add_row(
            "" if row["problem"] == last else row["problem"],
            methods[row["method"]],
            *([row["budget"]] if several else []),
            number(row["relative_l2"]),
            with_relation(number(row["bias_index"]), row["bias_index_relation"]),
            *(number(row[name]) for name in ("seconds", "half_time_low", "half_time_high")),
            number(row["steps"], 9),
            row["status"],
        )
        last = row["problem"]
    console.print(table)
    say(
        console,
        "Medians over the seeds. Seconds are those of the steps; half times are those of the lowest and the highest mode, "
        f"- if it is not halved. {LEGEND}",
    )
    if len(rows) > _MOST_ROWS:
        say(console, f"the first {_MOST_ROWS} of {len(rows)} rows; all are in benchmark.html and benchmark.csv")
    _print_published(console, found)
    failures = found.failures()
    for problem, method, _, sentence in failures[:_MOST_SENTENCES]:
        say(console, f"{problem}, {labels[method]}: {sentence}", "yellow")
    if len(failures) > _MOST_SENTENCES:
        say(console, f"{len(failures) - _MOST_SENTENCES} further failures are in benchmark.html", "yellow")


def _print_published(console: Console, found: Benchmark) -> None:
    from pdefreq.commands.console import number, say

    if found.published:
        say(console, "Cited from publications, not measured here, each with its own definition of the error:")
    for row in found.published:
        time = "" if row["seconds"] is None else f", {row['seconds']:g} s on {row['hardware'] or 'a machine that is not stated'}"
        say(
            console,
            f"{row['problem']}, {row['method']}: {number(row['error'])}{time} ({row['definition']}; {row['source']})",
            "dim",
        )


def _compare(
    console: Console, places: Sequence[Path], threshold: float | None, time_threshold: float | None, *, json_output: bool
) -> int:
    with o.importing():
        from pdefreq.commands.console import number, plain_table, print_json, say
        from pdefreq.studies.benchmark_changes import compare_benchmarks

    given: dict[str, Any] = {"threshold": threshold, "time_threshold": time_threshold}
    changes: Changes = compare_benchmarks(*places, **{name: value for name, value in given.items() if value is not None})
    if json_output:
        print_json(
            {"changes": changes.rows(), "compared": changes.compared, "same_machine": changes.same_machine}
            | {"unmatched": [*changes.unmatched]}
        )
        return 1 if changes.regressions else 0
    if changes.changes:
        labels = short_labels(change.method for change in changes.changes)
        table = plain_table("change", dropped=("allowed", "budget"))
        for name in ("problem", "method", "budget", "quantity"):
            table.add_column(name)
        for name in ("before", "after", "ratio", "allowed"):
            table.add_column(name, justify="right", no_wrap=True)
        for row in changes.rows():
            words = row["change"], row["problem"], in_lines(labels[row["method"]], width=_METHOD), row["budget"]
            quantity = {"relative_l2": "error", "failed": "failures"}.get(row["quantity"], row["quantity"])
            table.add_row(*words, quantity, *(number(row[name]) for name in ("before", "after", "ratio", "allowed")))
        console.print(table)
    if changes.unmatched:
        reasons = "only one result has them, their problem changed, or runs are missing"
        say(console, f"{len(changes.unmatched)} combinations are not compared: {reasons}")
    if not changes.same_machine:
        say(
            console,
            "The machines or the numbers of processes differ or are unknown: times are not compared, and errors within budgets "
            "of seconds depend on the machine.",
            "yellow",
        )
    say(console, changes.sentence, "bold")
    return 1 if changes.regressions else 0
