"""`pdefreq sweep`: one method on one problem with many values of its options."""

from __future__ import annotations

import math
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pdefreq.commands import completions, many
from pdefreq.commands import shared_options as o
from pdefreq.commands.run_file import is_run_file, read_run_file
from pdefreq.commands.solve import MethodOfRun, Settings
from pdefreq.core.parquet import require_pyarrow
from pdefreq.core.registry import trusting

if TYPE_CHECKING:
    from rich.console import Console

    from pdefreq.studies.sweep import Sweep

_USUAL = "mscale"
_MOST_ROWS = 30  # of the printed table

Grid = Annotated[
    list[str] | None,
    typer.Option(
        "--grid",
        "-g",
        metavar="KEY=V1,V2",
        help="Values of an option; may be repeated. All combinations are run.",
        autocompletion=completions.settings,
    ),
]
Ranges = Annotated[
    list[str] | None,
    typer.Option(
        "--range",
        metavar="KEY=LOW:HIGH",
        help="An interval of an option, with :log or :int at the end; needs --samples.",
        autocompletion=completions.settings,
    ),
]
Samples = Annotated[
    int | None, typer.Option("--samples", metavar="N", min=1, help="Run N points drawn from the lists and intervals.")
]
How = Annotated[
    str | None, typer.Option("--search", metavar="NAME", help="How the points are drawn: sobol or random.", show_default="sobol")
]
Subject = Annotated[
    str,
    typer.Argument(
        metavar="PROBLEM",
        help="A problem as in solve, or a file that describes a sweep.",
        show_default=False,
        autocompletion=completions.problems,
    ),
]


def sweep(
    problem: Subject,
    method: MethodOfRun = None,
    grid: Grid = None,
    ranges: Ranges = None,
    samples: Samples = None,
    search: How = None,
    settings: Settings = None,
    params: o.Params = None,
    trust: o.Trust = False,
    modes: o.Modes = None,
    steps: o.Steps = None,
    seconds: o.Seconds = None,
    train_seconds: o.TrainSeconds = None,
    tolerance: o.Tolerance = None,
    stagnation: o.Stagnation = None,
    seed: o.SeedOfFile = None,
    seeds: o.SeedsOfFile = None,
    dtype: o.DtypeOfFile = None,
    device: o.DeviceOfFile = None,
    threads: o.ThreadsOfFile = None,
    workers: many.Workers = "auto",
    dask: many.DaskAddress = None,
    out: o.Out = None,
    parquet: o.Parquet = False,
    json_output: o.Json = False,
    quiet: o.Quiet = False,
    verbose: o.Verbose = False,
) -> int:
    """Run a method with many values of its options, and show the error and the bias index over them."""
    written = _sweep_file(problem, trust=trust)

    def stated(name: str, value: Any, default: Any = None) -> Any:
        """The value of the command line, or else that of the file, or else the default."""
        return written.get(name, default) if value is None else value

    name = stated("method", method, _USUAL)
    lists = {**written.get("grid", {}), **{key: _parts(text) for key, text in o.key_values("--grid", grid).items()}}
    intervals = {**written.get("range", {}), **o.key_values("--range", ranges)}
    fixed = {**written.get("set", {}), **o.key_values("--set", settings)}
    stop = o.stop_of(
        written, steps=steps, seconds=seconds, train_seconds=train_seconds, tolerance=tolerance, stagnation=stagnation
    )
    if parquet:
        require_pyarrow()
    many.start_early(workers, dask)
    o.use_threads(stated("threads", threads, 1))
    own_params = [f"{key}={value}" for key, value in written.get("param", {}).items()]
    subject = o.load_problem(written.get("problem", problem), [*own_params, *(params or ())], trust=trust)

    import pdefreq
    from pdefreq.commands.console import make_console, print_json, say, say_files

    console = make_console(json_output=json_output)
    with (
        trusting(trust or not written),  # the command line is that of the user, a file may be another person's
        many.dask_executor(dask) as executor,
        many.LiveTable(console, quiet=quiet, verbose=verbose) as live,
    ):
        found = pdefreq.sweep(
            subject,
            name,
            {key: [_value(each) for each in values] for key, values in lists.items()},
            intervals,
            samples=stated("samples", samples),
            search=stated("search", search, "sobol"),
            settings=fixed,
            stop=stop,
            seeds=stated("seeds", seeds, 1),
            seed=stated("seed", seed, 0),
            folder=o.study_folder(out, subject.name, f"{name}-sweep"),
            device=stated("device", device, "cpu"),
            dtype=str(stated("dtype", dtype, "float64")),
            modes=None if (family := stated("modes", modes)) is None else str(family),
            workers=workers,
            executor=executor,
            progress=live.follow,
        )
    assert found.folder is not None
    if parquet:
        found.write_parquet(found.folder / "sweep.parquet")
    if json_output:
        print_json({"problem": subject.name, "method": name, "rows": found.rows(), "folder": str(found.folder)})
    else:
        say(console, f"{subject.title or subject.name}, {name}", "bold")
        _print_rows(console, found)
        files = ["sweep.png", "sweep.csv", "sweep.json", *(["sweep.parquet"] if parquet else [])]
        say_files(console, found.folder, *files, remark="a folder for each run")
    return max((solution.status.exit_code for seeds in found.solutions for solution in seeds), default=2)


def _sweep_file(name: str, *, trust: bool) -> dict[str, Any]:
    """The entries of a file that describes a sweep; none if the name is that of a problem."""
    path = Path(name)
    if path.suffix != ".toml" or not path.is_file() or not is_run_file(path):
        return {}
    return read_run_file(path, trust=trust, is_sweep=True)


def _parts(text: str) -> list[str]:
    """The parts of a text between its commas, except those in brackets.

    Example:
        >>> _parts("tanh, siren(10),[[0,0],[8,8]]")
        ['tanh', 'siren(10)', '[[0,0],[8,8]]']
    """
    parts, depth = [""], 0
    for character in text:
        depth += (character in "[(") - (character in "])")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]


def _value(text: Any) -> Any:
    """A number if a text is one, for the axes of figures; otherwise the text."""
    if not isinstance(text, str):
        return text
    for kind in (int, float):
        with suppress(ValueError):
            return kind(text)
    return text


def _print_rows(console: Console, found: Sweep) -> None:
    """The table, the best point, and the sentences of refused points."""
    from pdefreq.commands.console import number, plain_table, say
    from pdefreq.spectrum.bias import LEGEND, with_relation

    rows = found.rows()
    table = plain_table(*found.options, dropped=("steps", "seconds", "B"))
    for name in ("relative L2", "B", "steps", "seconds"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("status", no_wrap=True)
    best = sorted(rows, key=lambda row: math.inf if row["relative_l2"] is None else row["relative_l2"])[:_MOST_ROWS]
    for row in (row for row in rows if row in best):
        options = [str(row[name]) if isinstance(row[name], str) else number(row[name], 4) for name in found.options]
        bias = with_relation(number(row["bias_index"]), row["bias_index_relation"])
        table.add_row(*options, number(row["relative_l2"]), bias, number(row["steps"], 9), number(row["seconds"]), row["status"])
    console.print(table)
    if any(row["bias_index_relation"] not in (None, "=") for row in best):
        say(console, LEGEND)
    if len(rows) > len(best):
        say(console, f"the best {len(best)} of {len(rows)} points; all are in sweep.csv")
    for sentence in dict.fromkeys(filter(None, found.refusals)):
        say(console, f"refused: {sentence}", "yellow")
    if any(row["relative_l2"] is not None for row in rows):
        best_row = found.best()
        options = ", ".join(f"{name}={best_row[name]}" for name in found.options)
        say(console, f"smallest error: {number(best_row['relative_l2'])} with {options}", "bold")
