"""`pdefreq compare`: several methods on one problem."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from pdefreq.commands import completions, many
from pdefreq.commands import shared_options as o
from pdefreq.core.history import Stop

if TYPE_CHECKING:
    from rich.console import Console

    from pdefreq.runs.loop import Progress

_NAME = 17  # width of the column of names on a terminal of 80 characters

MethodNames = Annotated[
    list[str],
    typer.Argument(
        metavar="METHOD...",
        help="Methods to compare, named as in solve --method; options follow a colon: mscale:activation=phi,number=3.",
        show_default=False,
        autocompletion=completions.methods,
    ),
]


def compare(
    problem: o.ProblemName,
    methods: MethodNames,
    params: o.Params = None,
    trust: o.Trust = False,
    modes: o.Modes = None,
    steps: o.Steps = None,
    seconds: o.Seconds = None,
    train_seconds: o.TrainSeconds = None,
    stagnation: o.Stagnation = None,
    seed: o.Seed = 0,
    seeds: o.Seeds = 1,
    dtype: o.Dtype = o.Precision.float64,
    device: o.Device = "cpu",
    threads: o.Threads = 1,
    workers: many.Workers = "auto",
    dask: many.DaskAddress = None,
    batch: many.Batch = False,
    out: o.Out = None,
    json_output: o.Json = False,
    quiet: o.Quiet = False,
    verbose: o.Verbose = False,
) -> int:
    """Run several methods on a problem and compare in which order their frequencies converge."""
    for name in methods:
        o.load_solver(name, {})  # unknown names are refused before the first run
    stop = Stop(steps=steps, seconds=seconds, train_seconds=train_seconds, stagnation=stagnation)
    if batch:
        many.require_batch(seeds=seeds, workers=workers, dask=dask)
    else:
        many.start_early(workers, dask)
    o.use_threads(threads)
    subject = o.load_problem(problem, params, trust=trust)

    import pdefreq
    from pdefreq.commands.console import make_console, print_json, say, say_files

    console = make_console(json_output=json_output)
    folder = o.study_folder(out, subject.name, "comparison")
    with many.dask_executor(dask) as executor, many.LiveTable(console, quiet=quiet, verbose=verbose) as live:

        def follow(label: str, each: int, progress: Progress) -> None:
            live.follow(f"{label}, seed {each}" if seeds > 1 else label, progress)

        comparison = pdefreq.compare(
            subject,
            methods,
            stop=stop,
            seeds=seeds,
            seed=seed,
            folder=folder,
            device=device,
            dtype=dtype.value,
            modes=modes.value if modes else None,
            workers=1 if batch else workers,
            executor=executor,
            batch=batch,
            progress=follow,
        )
    rows = comparison.rows()
    if json_output:
        print_json({"problem": subject.name, "rows": rows, "folder": str(comparison.folder)})
    else:
        say(console, subject.title or subject.name, "bold")
        _print_rows(console, rows)
        assert comparison.folder is not None
        say_files(console, comparison.folder, "comparison.png", "comparison.csv", remark="a folder for each run")
    return max(solution.status.exit_code for runs in comparison.solutions.values() for solution in runs)


def _print_rows(console: Console, rows: list[dict[str, Any]]) -> None:
    """The table, and for each of its rows one sentence on the order of frequencies and the notes on the runs."""
    from pdefreq.commands.console import number, plain_table, say
    from pdefreq.commands.result import reference_sentence
    from pdefreq.core.options import in_lines
    from pdefreq.solvers import SOLVERS
    from pdefreq.spectrum.bias import LEGEND

    table = plain_table(dropped=("unknowns", "steps", "B", "seconds"))
    # long names are truncated, numbers and names without options are not
    table.add_column(
        "method", overflow="fold", min_width=max((len(row["method"]) for row in rows if row["method"] in SOLVERS), default=0)
    )
    for name in ("unknowns", "steps", "seconds", "relative L2", "B"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("status", no_wrap=True)
    for row in rows:
        table.add_row(
            in_lines(row["method"], width=_NAME),
            number(row["unknowns"], 9),
            number(row["steps"], 9),
            number(row["seconds"]),
            _with_range(row, "relative_l2"),
            _with_range(row, "bias_index"),
            row["status"],
        )
    console.print(table)
    if any(row["bias_index_relation"] not in (None, "=") for row in rows):
        say(console, LEGEND)
    run = [row for row in rows if row["status"] != "refused"]
    common = [note for note in run[0]["notes"] if all(note in row["notes"] for row in run)] if len(run) > 1 else []
    for row in rows:
        say(console, f"{row['method']}: {row['sentence']}")
        for note in row["notes"]:
            if note not in common:
                say(console, f"{row['method']}: {note}", "yellow")
    for note in common:
        say(console, f"all methods: {note}", "yellow")
    if told := reference_sentence(next((own for row in rows if (own := row["reference_error"]) is not None), None)):
        say(console, told)


def _with_range(row: dict[str, Any], name: str) -> str:
    """The median, with the lowest and the highest value if the seeds differ."""
    from pdefreq.commands.console import bounded, number
    from pdefreq.spectrum.bias import with_relation

    own = row["reference_error"] if name == "relative_l2" else None
    low, high = row[f"{name}_min"], row[f"{name}_max"]
    middle = bounded(row[name], own) if name != "bias_index" else with_relation(number(row[name]), row["bias_index_relation"])
    return middle if low == high else f"{middle} ({bounded(low, own)} to {bounded(high, own)})"
