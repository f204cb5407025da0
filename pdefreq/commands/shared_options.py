"""Arguments and options that several commands share, and the conversion of their texts."""

from __future__ import annotations

import gc
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pdefreq.commands import completions
from pdefreq.core.errors import OptionError
from pdefreq.core.history import Stop
from pdefreq.core.interrupts import exiting_at_once

if TYPE_CHECKING:
    from pdefreq.problem.problem import Problem
    from pdefreq.runs.study_folder import NextFolder
    from pdefreq.solvers.solver import Solver


class Precision(StrEnum):
    """Floating-point types of coefficients."""

    float64 = "float64"
    float32 = "float32"


class ModeFamily(StrEnum):
    """Mode families; those of boxes come first."""

    sine = "sine"
    cosine = "cosine"
    fourier = "fourier"
    eigen = "eigen"
    neumann = "neumann"
    ray = "ray"
    tones = "tones"


_BUDGET, _WHERE, _OUTPUT = "When to stop", "How to compute", "Output"


ProblemName = Annotated[
    str,
    typer.Argument(
        metavar="PROBLEM",
        help="A problem of `pdefreq problems`, NAME:VARIANT, or the path of a .toml file.",
        show_default=False,
        autocompletion=completions.problems,
    ),
]
RunPath = Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run.", show_default=False)]
Steps = Annotated[int | None, typer.Option(metavar="N", help="Stop after this many steps.", rich_help_panel=_BUDGET)]
Seconds = Annotated[
    float | None,
    typer.Option(metavar="S", help="Stop after S seconds of steps and measurements.", rich_help_panel=_BUDGET),
]
TrainSeconds = Annotated[
    float | None,
    typer.Option(
        metavar="S", help="Stop after S seconds of steps; the time of measurements is not counted.", rich_help_panel=_BUDGET
    ),
]
Tolerance = Annotated[
    float | None,
    typer.Option(metavar="T", help="Stop when the objective is at most T times its initial value.", rich_help_panel=_BUDGET),
]
Stagnation = Annotated[
    int | None,
    typer.Option(metavar="N", help="Stop when the objective has not decreased for N steps.", rich_help_panel=_BUDGET),
]
_seed = typer.Option(metavar="N", help="Seed of all random numbers.", rich_help_panel=_WHERE)
_seeds = typer.Option(
    metavar="N", min=1, help="Run N seeds, beginning with --seed; print the median and the spread.", rich_help_panel=_WHERE
)
_dtype = typer.Option(help="Floating-point type of the coefficients.", rich_help_panel=_WHERE)
_device = typer.Option(metavar="NAME", help="Device of the computation: cpu, cuda, cuda:1, mps.", rich_help_panel=_WHERE)
_threads = typer.Option(
    metavar="N", min=1, help="CPU threads; more than one is faster for large problems only.", rich_help_panel=_WHERE
)
Seed = Annotated[int, _seed]
SeedOfFile = Annotated[int | None, _seed]
Seeds = Annotated[int, _seeds]
SeedsOfFile = Annotated[int | None, _seeds]
Dtype = Annotated[Precision, _dtype]
DtypeOfFile = Annotated[Precision | None, _dtype]
Device = Annotated[str, _device]
DeviceOfFile = Annotated[str | None, _device]
Threads = Annotated[int, _threads]
ThreadsOfFile = Annotated[int | None, _threads]
Parquet = Annotated[
    bool,
    typer.Option("--parquet", help="Write the table as a Parquet file as well; needs pyarrow.", rich_help_panel="Output"),
]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        metavar="FOLDER",
        help="A new folder for the results; by default the next free one.",
        rich_help_panel=_OUTPUT,
    ),
]
Params = Annotated[
    list[str] | None,
    typer.Option(
        "--param",
        "-p",
        metavar="KEY=VALUE",
        help="Set a parameter of the problem; may be repeated.",
        autocompletion=completions.parameters,
    ),
]
Trust = Annotated[
    bool, typer.Option("--trust", help="Load Python files that the problem file names: terms or domains of the user.")
]
Modes = Annotated[
    ModeFamily | None, typer.Option(help="Mode family to measure; by default, that of the problem.", show_default=False)
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else on stdout.", rich_help_panel=_OUTPUT)]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print only the result, without progress.", rich_help_panel=_OUTPUT)]
Verbose = Annotated[
    bool,
    typer.Option(
        "--verbose", "-v", help="Also print choices with their reasons, and the times of phases.", rich_help_panel=_OUTPUT
    ),
]
NoFigures = Annotated[bool, typer.Option("--no-figures", help="Do not draw figures.", rich_help_panel=_OUTPUT)]


def key_values(option: str, pairs: Iterable[str] | None) -> dict[str, str]:
    """Pairs such as ``["mu=30", "dimension=2"]`` as a dictionary of texts.

    Raises:
        OptionError: If an entry has no ``=``, or a key is given twice.
    """
    result: dict[str, str] = {}
    for pair in pairs or ():
        key, equals, value = pair.partition("=")
        if not (equals and key.strip()):
            raise OptionError(f"{option} expects KEY=VALUE, such as {option} width=30, got '{pair}'")
        if key.strip() in result:
            raise OptionError(f"{option} {key.strip()} is given twice; give it once")
        result[key.strip()] = value.strip()
    return result


def stop_of(written: Mapping[str, Any], **given: float | None) -> Stop:
    """The limits of a run: those of the command line, and otherwise those of a file.

    Args:
        written: The entries of the file.
        given: The limits of the command line by name; None where the command line has none.
    """
    return Stop(**{name: written.get(name) if value is None else value for name, value in given.items()})  # pyright: ignore[reportArgumentType]


def use_threads(count: int) -> None:
    """Set the number of CPU threads of torch and its libraries; to be called before torch is first imported.

    Raises:
        OptionError: If there are more threads than cores. Thousands of threads can exhaust the limits of the system.
    """
    if count > (cores := os.cpu_count() or 1):
        raise OptionError(f"`threads` must be at most {cores}, the number of cores of this machine, got {count}")
    os.environ["OMP_NUM_THREADS"] = str(count)
    with exiting_at_once(), importing():
        import torch

        import pdefreq.problem.files.reader
        import pdefreq.runs.loop  # noqa: F401

    from pdefreq.core.devices import keep_freed_memory

    torch.set_num_threads(count)
    keep_freed_memory()


def load_problem(name: str, pairs: Iterable[str] | None, *, trust: bool = False) -> Problem:
    """The problem of a name or a path, with ``--param`` applied."""
    import pdefreq

    return pdefreq.load_problem(name, trust=trust, **key_values("--param", pairs))


def load_solver(name: str, options: Mapping[str, Any]) -> Solver:
    """The solver of a name, ``a+b`` or ``file.py:Name``; torch is not loaded.

    Raises:
        OptionError: If the named object is not a solver.
    """
    from pdefreq.solvers.names import make_solver
    from pdefreq.solvers.solver import Solver

    solver: Any = make_solver(name, options)
    if not isinstance(solver, Solver):
        raise OptionError(f"'{name}' must be a Solver or a function that returns one, got {type(solver).__name__}")
    return solver


def new_folder(out: Path | None, problem: str, method: str) -> Path:
    """The requested folder, or the next free ``runs/<problem>-<method>-<n>`` in the current directory.

    Raises:
        RunFolderError: Under the conditions of `pdefreq.core.file_io.free_folder`.
    """
    from pdefreq.core.file_io import free_folder
    from pdefreq.runs.run_folder import next_free

    if out is not None:
        return free_folder(out, otherwise="choose another one with --out")
    return free_folder(next_free(Path("runs"), _folder_name(problem, method)))


def study_folder(out: Path | None, problem: str, method: str) -> Path | NextFolder:
    """The requested folder of a study with many runs, or the next free ``runs/<problem>-<method>-<n>``.

    A folder in which the same study was interrupted is used again.
    """
    from pdefreq.runs.study_folder import NextFolder

    return NextFolder(Path("runs"), _folder_name(problem, method)) if out is None else out


def _folder_name(problem: str, method: str) -> str:
    from pdefreq.solvers.names import method_names

    short = "+".join(part.rpartition(":")[2] for part in method_names(method))
    return re.sub(r"[^\w.+-]+", "-", f"{problem}-{short}")


@contextmanager
def importing() -> Iterator[None]:
    """A block of imports without garbage collection, whose objects later collections skip.

    Modules create about 400,000 objects that live until the end. The collector traversed all of them five times during
    `pdefreq solve poisson --method sine`, which took a fifth of the processor time.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if enabled:
            gc.enable()
