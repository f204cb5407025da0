"""`pdefreq film`: the solution and its spectrum along runs, frame by frame."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pdefreq.commands import shared_options as o

Runs = Annotated[
    list[Path], typer.Argument(metavar="RUN...", help="Folders of runs with snapshots, side by side.", show_default=False)
]
Frames = Annotated[
    str,
    typer.Option(
        metavar="N",
        help="Number of frames; or steps separated by commas, such as 0,2000,17000, for still pictures in one figure.",
    ),
]


def film(
    runs: Runs,
    frames: Frames = "60",
    rate: Annotated[float, typer.Option(metavar="R", help="Frames per second.")] = 10.0,
    trust: Annotated[bool, typer.Option("--trust", help="Load Python files in the run folders.")] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="File of the film (.gif or .mp4) or still pictures (.png, .svg or .pdf); by default RUN-film.gif "
            "or RUN-film.png in the current folder.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Draw the solution and its spectrum along one or several runs of `solve --snapshots`, as a film or as still pictures."""
    from pdefreq.core.errors import OptionError

    stills = [text.strip() for text in frames.split(",")] if "," in frames else []
    if not all(text.isdecimal() for text in stills or [frames]):
        raise OptionError(
            f"--frames expects a number such as 60, or steps separated by commas, such as 0,100,1000, got '{frames}'"
        )
    o.use_threads(1)

    from rich.progress import Progress

    from pdefreq.commands.console import make_console, say_files
    from pdefreq.figures.style import save_figure
    from pdefreq.studies.film import film as made

    console = make_console()
    strips, named = made(*runs, trust=trust), f"{runs[0].resolve().name}-film"
    if stills:
        path = save_figure(strips.stills([float(text) for text in stills]), out or Path(f"{named}.png"))
    else:
        path = out or Path(f"{named}.gif")
        with Progress(console=console, transient=True) as bar:
            task = bar.add_task("drawing", total=int(frames))
            strips.save(path, frames=int(frames), rate=rate, progress=lambda k, n: bar.update(task, completed=k, total=n))
    say_files(console, path.parent, path.name)
