"""`pdefreq reproduce`: published experiments, run again."""

from __future__ import annotations

from typing import Annotated

import typer

from pdefreq.commands import options as o

Name = Annotated[str | None, typer.Argument(metavar="NAME", help="One to run; without it they are listed.", show_default=False)]


Seeds = Annotated[int | None, typer.Option(metavar="N", min=1, help="Runs of each method, where an experiment has several.")]


def reproduce(name: Name = None, seeds: Seeds = None, steps: o.Steps = None, threads: o.Threads = 1, out: o.Out = None) -> int:
    """Run a published experiment again, and keep its figures and tables in a folder."""
    from pdefreq.commands.result import make_console, plain_table, say
    from pdefreq.composition import build
    from pdefreq.interrupts import ending_all
    from pdefreq.reproduce import REPRODUCTIONS

    console = make_console()
    if name is None:
        table = plain_table("experiment", "what it reproduces")
        for each in REPRODUCTIONS:
            table.add_row(each, _summary(REPRODUCTIONS.load(each)))
        console.print(table)
        say(console, "Run one: pdefreq reproduce NAME")
        return 0
    o.use_threads(threads)
    experiment = REPRODUCTIONS.load(name)
    folder = o.new_folder(out, "reproduce", name)
    given = {key: value for key, value in (("seeds", seeds), ("steps", steps)) if value is not None}
    try:
        with ending_all():
            report = build("reproduction", name, experiment, given)
    except KeyboardInterrupt:
        say(console, "interrupted: an experiment is kept as a whole, so nothing was written")
        return 130
    print(report.text())
    say(console, f"results: {report.write(folder)}")
    return 0


def _summary(experiment: object) -> str:
    return (experiment.__doc__ or "").strip().partition("\n")[0]
