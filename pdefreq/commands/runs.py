"""Commands on run folders: show, export, resume and rerun."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pdefreq.commands import shared_options as o
from pdefreq.core.history import Stop

if TYPE_CHECKING:
    from pdefreq.runs.loop import Progress
    from pdefreq.runs.solution import Solution

    Job = Callable[[Any, Callable[[Progress], None]], Solution]

ExportPath = Annotated[
    Path,
    typer.Option("--to", metavar="FILE", help="The file to write, ending in .vtu, .csv or .npz.", show_default=False),
]

Trust = Annotated[bool, typer.Option("--trust", help="Load Python files in the run folder: methods or parts of the user.")]


def show(run: o.RunPath, trust: Trust = False, json_output: o.Json = False, no_figures: o.NoFigures = False) -> None:
    """Print the result of a run, of a folder of seeds, or of a record of another program, and redraw its figures."""
    from pdefreq.commands.console import make_console
    from pdefreq.commands.figures import draw_modes, draw_run
    from pdefreq.commands.result import print_outcome, print_recorded
    from pdefreq.runs.load_record import load_record
    from pdefreq.runs.seeds import median_seed, seed_folder, seed_runs, write_seeds
    from pdefreq.runs.solution import Solution

    o.use_threads(1)
    seeds = write_seeds(run) if seed_runs(run) else {}
    solution = load_record(seed_folder(run, median_seed(seeds)) if seeds else run, trust=trust)
    if not isinstance(solution, Solution):
        if not no_figures:
            draw_modes(solution)
        print_recorded(make_console(json_output=json_output), solution, json_output=json_output)
        return
    if not no_figures:
        draw_run(solution)
    print_outcome(make_console(json_output=json_output), solution, json_output=json_output, drawn=not no_figures, seeds=seeds)


def export(run: o.RunPath, to: ExportPath, trust: Trust = False) -> None:
    """Export the solution of a run: on a mesh for ParaView, as a table, or as arrays."""
    from pdefreq.commands.console import make_console, say
    from pdefreq.runs.lifecycle import load_run

    o.use_threads(1)
    table = load_run(run, trust=trust).export(to)
    console = make_console()
    bands = [name for name in table.fields if name.startswith("error_")]
    names = [name for name in table.fields if name not in bands]
    say(console, f"wrote {to}: {', '.join(names)} at {len(table.x):,} points")
    say(console, table.note or f"the error is the sum of {', '.join(bands)}")


def resume(
    run: o.RunPath,
    steps: o.Steps = None,
    seconds: o.Seconds = None,
    train_seconds: o.TrainSeconds = None,
    trust: Trust = False,
    threads: o.Threads = 1,
    json_output: o.Json = False,
    quiet: o.Quiet = False,
    verbose: o.Verbose = False,
    no_figures: o.NoFigures = False,
) -> int:
    """Continue a run from its last checkpoint, to its budget or to a new one."""

    def job(callback: Any, progress: Callable[[Progress], None]) -> Solution:
        from pdefreq.runs.lifecycle import resume as resume_run

        stop = Stop(steps=steps, seconds=seconds, train_seconds=train_seconds)
        return resume_run(run, stop=stop, trust=trust, callback=callback, progress=progress)

    return _follow(run, run, job, threads=threads, json_output=json_output, quiet=quiet, verbose=verbose, no_figures=no_figures)


def rerun(
    run: o.RunPath,
    out: o.Out = None,
    trust: Trust = False,
    threads: o.Threads = 1,
    json_output: o.Json = False,
    quiet: o.Quiet = False,
    verbose: o.Verbose = False,
    no_figures: o.NoFigures = False,
) -> int:
    """Repeat a run from its folder alone."""
    from pdefreq.runs.run_folder import next_free

    folder = out or next_free(run.parent, f"{run.name}-again")

    def job(callback: Any, progress: Callable[[Progress], None]) -> Solution:
        from pdefreq.runs.lifecycle import rerun as repeat

        return repeat(run, folder, trust=trust, callback=callback, progress=progress)

    return _follow(
        run, folder, job, threads=threads, json_output=json_output, quiet=quiet, verbose=verbose, no_figures=no_figures
    )


def _follow(
    run: Path, into: Path, job: Job, *, threads: int, json_output: bool, quiet: bool, verbose: bool, no_figures: bool
) -> int:
    """Execute a run of a run folder with a live line, print the result, and return the exit code.

    Args:
        run: The run folder.
        into: The folder that is written.
        job: The computation, of a callback and the display of the progress.
        threads: The number of threads.
        json_output: Whether to print one JSON object.
        quiet: Whether to print the result only.
        verbose: Whether to print what the library logs.
        no_figures: Whether to omit the figures of a run that has figures.
    """
    from pdefreq.commands.console import make_console
    from pdefreq.commands.figures import draw_run
    from pdefreq.commands.live import LiveLine
    from pdefreq.commands.result import print_outcome
    from pdefreq.commands.solve import curves
    from pdefreq.runs.run_folder import RunFolder

    spec = RunFolder(run).read_spec()  # errors are reported before torch is loaded
    drawn = "figures" in spec.outputs and not no_figures
    o.use_threads(threads)
    console = make_console(json_output=json_output)
    with LiveLine(console, f"{spec.problem.name}, {spec.method}", quiet=quiet, verbose=verbose) as live:
        with ExitStack() as stack:
            boards = curves(stack, into, spec.outputs)
            solution = job(boards[0] if boards else None, live.progress)
        if drawn:
            draw_run(solution)
    print_outcome(console, solution, json_output=json_output, drawn=drawn, said=live.remarks)
    return solution.status.exit_code
