"""`pdefreq refine`: one method on a sequence of finer discretizations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pdefreq.commands import many
from pdefreq.commands import shared_options as o
from pdefreq.commands.solve import Method, Settings
from pdefreq.studies.refinement import ENDED

if TYPE_CHECKING:
    from rich.console import Console

    from pdefreq.studies.refinement import Refinement

Levels = Annotated[
    int | None,
    typer.Option(metavar="N", min=2, help="Number of discretizations; by default 6, in three dimensions 4.", show_default=False),
]
Start = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        help="Size of the coarsest discretization, such as its cells along each axis; each level doubles it.",
        show_default=False,
    ),
]
_NAMES = {"relative_l2": "L2", "relative_h1": "H1", "max_error": "largest"}


def refine(
    problem: o.ProblemName,
    method: Method = "fem",
    levels: Levels = None,
    start: Start = None,
    settings: Settings = None,
    params: o.Params = None,
    trust: o.Trust = False,
    modes: o.Modes = None,
    dtype: o.Dtype = o.Precision.float64,
    device: o.Device = "cpu",
    threads: o.Threads = 1,
    workers: many.Workers = "auto",
    dask: many.DaskAddress = None,
    out: o.Out = None,
    json_output: o.Json = False,
    quiet: o.Quiet = False,
    verbose: o.Verbose = False,
    no_figures: o.NoFigures = False,
) -> int:
    """Solve on a sequence of finer discretizations and show the order of convergence of each frequency."""
    solver = o.load_solver(method, o.key_values("--set", settings))
    many.start_early(workers, dask)
    o.use_threads(threads)
    subject = o.load_problem(problem, params, trust=trust)

    import pdefreq
    from pdefreq.commands.console import make_console, print_json, say, say_files

    console = make_console(json_output=json_output)
    place = o.study_folder(out, subject.name, f"{method}-refinement")
    with many.dask_executor(dask) as executor, many.LiveTable(console, quiet=quiet, verbose=verbose) as live:
        refinement = pdefreq.refine(
            subject,
            solver,
            levels=levels,
            start=start,
            folder=place,
            device=device,
            dtype=dtype.value,
            modes=modes.value if modes else None,
            method=method,
            figures=not no_figures,
            workers=workers,
            executor=executor,
            progress=live.follow,
        )
    if json_output:
        print_json(refinement.to_json() | {"folder": str(refinement.folder)})
    else:
        say(console, f"{subject.title or subject.name}, {method}", "bold")
        _print_levels(console, refinement)
        _print_orders(console, refinement)
        folder = refinement.folder
        assert folder is not None
        say_files(console, folder, *sorted(path.name for path in folder.iterdir() if path.name.startswith("refinement.")))
    return refinement.status.exit_code


def _print_levels(console: Console, refinement: Refinement) -> None:
    """One line per discretization, and the reason if a level failed."""
    from pdefreq.commands.console import bounded, number, plain_table, say

    table, rows = plain_table(dropped=("seconds", "h", refinement.option, "largest")), refinement.rows()
    table.padding = (0, 0, 0, 1)  # ten columns in 80 characters
    sized = any(row["size"] is not None for row in rows)
    for name in ("level", *([refinement.option] if sized else []), "h", "unknowns", *_NAMES.values(), "seconds"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        size = [f"{row['size']:,}"] if sized else []
        errors = [bounded(row[name], refinement.own_errors[name]) for name in _NAMES]
        table.add_row(str(row["level"]), *size, number(row["h"], 2), f"{row['unknowns']:,}", *errors, number(row["seconds"], 2))
    console.print(table)
    if refinement.status not in ENDED:
        say(
            console,
            f"The last level did not reach the discrete solution and is not used for the orders: {refinement.status.label}.",
            "bold red",
        )
    if refinement.refusal:
        say(console, f"The refinement stopped at this level: {refinement.refusal}", "bold red")


def _print_orders(console: Console, refinement: Refinement) -> None:
    """One line per norm and mode: the error on the finest level, and the order of convergence if there is one."""
    from pdefreq.commands.console import bounded, number, plain_table, say
    from pdefreq.commands.result import reference_sentence
    from pdefreq.figures.labels import mode_labels

    table, finest = plain_table("error"), refinement.rows()[-1]
    for name in ("finest", "order", "+-", "levels", "predicted"):
        table.add_column(name, justify="right", no_wrap=True)
    missing: dict[str, list[str]] = {}
    labels = [*_NAMES.values(), *(f"mode {label}" for label in mode_labels(refinement.spectrum.modes))]
    for row, label in zip(refinement.orders(), labels, strict=True):
        fit = "-" if row["first_level"] is None else f"{row['first_level']} to {row['last_level']}"
        order = "-" if row["order"] is None else f"{row['order']:.2f}"
        error = bounded(finest[row["name"]], refinement.own_errors.get(row["name"]))
        table.add_row(label, error, order, number(row["standard_error"], 1), fit, number(row["predicted"]))
        if row["reason"]:
            missing.setdefault(row["reason"], []).append(label)
    console.print(table)
    for reason, names in missing.items():
        say(console, f"no order for {', '.join(names)}: {reason}")
    say(
        console,
        f"orders: powers of {refinement.power}; the errors in L2, H1 and the modes are relative, the largest error is absolute",
    )
    if told := reference_sentence(refinement.reference_error, refinement.accuracy.energy):
        say(console, told)
    say(console, refinement.sentence)
