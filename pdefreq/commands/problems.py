"""Commands on problem files: list, create and check them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pdefreq.commands import shared_options as o
from pdefreq.core.errors import ProblemFileError

NewFile = Annotated[Path, typer.Argument(metavar="FILE.toml", help="The file to write.", show_default=False)]
DomainKind = Annotated[
    str,
    typer.Option(
        "--domain",
        metavar="KIND",
        help="Kind of domain: box, disk, ring, polygon, ...",
        autocompletion=o.domain_completions,
    ),
]
Complete = Annotated[bool, typer.Option("--complete", help="Include every key of a problem file, with its meaning and range.")]
Picture = Annotated[
    Path | None,
    typer.Option("--out", "-o", metavar="FILE.png", help="The picture to write; by default NAME.png here.", show_default=False),
]


def problems() -> None:
    """List the problems that come with pdefreq."""
    from pdefreq.commands.result import make_console, plain_table, say
    from pdefreq.problem.files import problem_names

    console = make_console()
    table = plain_table("problem", "title")
    for name, title in problem_names():
        table.add_row(name, title)
    console.print(table)
    say(console, "To inspect a problem, run pdefreq check NAME. To start your own, run pdefreq new my.toml.")


def new(file: NewFile, domain: DomainKind = "box", complete: Complete = False) -> None:
    """Write a commented problem file as a starting point."""
    from pdefreq.problem.files import template

    text = template(domain, complete=complete)
    try:
        with file.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise ProblemFileError(f"'{file}' exists already; choose another name") from None
    except OSError as error:
        raise ProblemFileError(f"can't write '{file}': {error.strerror}; choose another place") from None
    print(f"wrote {file}; to check it, run: pdefreq check {file}")


def check(problem: o.ProblemName, params: o.Params = None, trust: o.Trust = False, out: Picture = None) -> None:
    """Print a problem as it was read, with its derived source, and draw it."""
    from rich.table import Table

    from pdefreq.commands.figures import draw_problem
    from pdefreq.commands.result import make_console, say
    from pdefreq.problem.compatibility import require_compatible
    from pdefreq.problem.files import describe

    o.use_threads(1)
    subject = o.load_problem(problem, params, trust=trust)
    if subject.is_up_to_constant and subject.domain.dimension <= 3:  # quadrature is too coarse beyond
        require_compatible(subject)
    named = subject.name.replace(":", "-")  # Windows does not allow colons in file names
    place = out or Path(f"{named}.png")
    if place.resolve() in (path.resolve() for path in subject.files.values()):
        raise ProblemFileError(f"'{place}' is a file of the problem and would be overwritten; choose another file with --out")
    picture = draw_problem(subject, place)
    console = make_console()
    table = Table.grid(padding=(0, 2))
    for name, value in describe(subject):
        table.add_row(name, value)
    console.print(table)
    say(console, f"picture: {picture}")
