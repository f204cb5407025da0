"""`pdefreq reproduce`: published experiments."""

from __future__ import annotations

from typing import Annotated

import typer

from pdefreq.commands import completions
from pdefreq.commands import shared_options as o
from pdefreq.commands.shared_options import importing

Name = Annotated[
    str | None,
    typer.Argument(
        metavar="NAME",
        help="Experiment to run, or my_file.py:my_experiment; without it all are listed.",
        show_default=False,
        autocompletion=completions.experiments,
    ),
]
Seeds = Annotated[int | None, typer.Option(metavar="N", min=1, help="Number of seeds, for experiments with several.")]


def reproduce(name: Name = None, seeds: Seeds = None, steps: o.Steps = None, threads: o.Threads = 1, out: o.Out = None) -> int:
    """Run a published experiment, and store its figures and tables in a folder."""
    from pdefreq.commands.result import make_console, plain_table, say, say_files
    from pdefreq.core.interrupts import ending_all
    from pdefreq.experiments import EXPERIMENTS, experiment_named, run_experiment

    console = make_console()
    if name is None:
        table = plain_table("experiment", "what it reproduces")
        with importing():
            summaries = EXPERIMENTS.summaries()
        for each, summary in summaries.items():
            table.add_row(each, summary)
        console.print(table)
        say(console, "To run an experiment: pdefreq reproduce NAME. Your own experiment is my_file.py:my_experiment.")
        return 0
    o.use_threads(threads)
    experiment = experiment_named(name)
    folder = o.new_folder(out, "reproduce", name)
    given = {key: value for key, value in (("seeds", seeds), ("steps", steps)) if value is not None}
    try:
        with ending_all():
            report = run_experiment(name, experiment, given)
    except KeyboardInterrupt:
        say(console, "interrupted: results are written only at the end of an experiment, so nothing was written")
        return 130
    print(report.text())
    say_files(console, report.write(folder))
    return 0
