"""Commands on problem files: list, create and check them."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from pdefreq.commands import completions
from pdefreq.commands import shared_options as o
from pdefreq.core.errors import ProblemFileError

NewFile = Annotated[Path, typer.Argument(metavar="FILE.toml", help="The file to write.", show_default=False)]
DomainKind = Annotated[
    str,
    typer.Option(
        "--domain",
        metavar="KIND",
        help="Kind of domain: box, disk, ring, polygon, ...",
        autocompletion=completions.domains,
    ),
]
Complete = Annotated[bool, typer.Option("--complete", help="Include every key of a problem file, with its meaning and range.")]
Place = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        metavar="FOLDER",
        help="A folder for the picture NAME.png, or a file that ends in .png, .svg or .pdf; by default the current folder.",
        show_default=False,
    ),
]
_PICTURES = (".png", ".svg", ".pdf")


def problems() -> None:
    """List the problems that come with pdefreq."""
    from pdefreq.commands.console import make_console, plain_table, say
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

    if file.suffix != ".toml":
        other = file.with_suffix(".toml")
        raise ProblemFileError(f"the name of a problem file ends in .toml, got '{file}': use `pdefreq new {other}`")
    text = template(domain, complete=complete)
    try:
        with file.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise ProblemFileError(f"'{file}' exists already; choose another name") from None
    except OSError as error:
        raise ProblemFileError(f"can't write '{file}': {error.strerror}; choose another place") from None
    print(f"wrote {file}; to check it, run: pdefreq check {shlex.quote(str(file))}")


def check(problem: o.ProblemName, params: o.Params = None, trust: o.Trust = False, out: Place = None) -> None:
    """Print a problem as it was read, the modes that will be watched and the methods that can solve it, and draw it."""
    from rich.table import Table

    from pdefreq.commands.console import make_console, say_files
    from pdefreq.commands.figures import draw_problem
    from pdefreq.problem.compatibility import require_compatible
    from pdefreq.problem.files import describe, run_settings
    from pdefreq.studies.outlook import outlook

    o.use_threads(1)
    subject = o.load_problem(problem, params, trust=trust)
    if subject.is_up_to_constant and subject.domain.dimension <= 3:  # quadrature is too coarse beyond
        require_compatible(subject)
    place = _place(out, f"{subject.name.replace(':', '-')}.png")  # Windows does not allow colons in file names
    if place.resolve() in (path.resolve() for path in subject.files.values()):
        raise ProblemFileError(f"'{place}' is a file of the problem and would be overwritten; choose another file with --out")
    found = outlook(subject)
    rows = [*describe(subject), ("watched", found.watched), ("methods", ", ".join(found.able) or "none")]
    for lacking, names in found.unable.items():
        rows.append(("", f"{', '.join(names)} need{'s' * (len(names) == 1)} {lacking}"))
    run = run_settings(problem)
    run |= {f"set.{key}": value for key, value in run.pop("set", {}).items()}
    rows += [("run", ", ".join(f"{key} = {value}" for key, value in run.items()))] if run else []
    picture = draw_problem(subject, place)
    console = make_console()
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    for name, value in rows:
        table.add_row(name, value)
    console.print(table)
    say_files(console, picture.parent, picture.name)


def _place(out: Path | None, name: str) -> Path:
    """The picture in the folder, or the file, that an option names; the folder is created."""
    if out is None:
        return Path(name)
    if out.suffix.lower() in _PICTURES and not out.is_dir():
        return out
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ProblemFileError(f"can't write into '{out}': {error.strerror}; choose another folder with --out") from None
    return out / name
