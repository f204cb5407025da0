"""`pdefreq report`: runs as a single HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pdefreq.commands import shared_options as o

Runs = Annotated[
    list[Path], typer.Argument(metavar="RUN...", help="Folders of runs of one problem, or of a comparison.", show_default=False)
]


def report(
    runs: Runs,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The file to write, ending in .html.")] = Path(
        "report.html"
    ),
    trust: Annotated[bool, typer.Option("--trust", help="Load Python files in the run folders.")] = False,
) -> None:
    """Write a report of runs as a single HTML file, which loads nothing from the internet."""
    o.use_threads(1)
    from pdefreq.commands.console import make_console, say
    from pdefreq.reports.document import report as made

    say(make_console(), f"report: {made(*runs, trust=trust).save(out)}")
