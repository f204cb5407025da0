"""What commands with many runs share: the options of their executors, and a live table with one row for each run."""

from __future__ import annotations

import importlib
import math
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console, Group, RenderableType
from rich.text import Text

from pdefreq.commands.live import LiveLine, duration
from pdefreq.commands.tables import FittedTable
from pdefreq.core.errors import MissingPackageError, OptionError
from pdefreq.core.printable import printable

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from pdefreq.runs.loop import Progress
    from pdefreq.runs.solution import Solution

WHERE = "Where it runs"
"""The heading of these options."""
_VARIABLE = "PDEFREQ_WORKERS"
_MANY = 1000  # more runs than there are cores
_MOST_ROWS = 20  # of the live table; runs that have ended are omitted first

Workers = Annotated[
    str,
    typer.Option(
        "--workers",
        metavar="N",
        envvar=_VARIABLE,
        help="Processes that execute the runs, each with one thread; auto is the number of cores.",
        rich_help_panel=WHERE,
    ),
]
DaskAddress = Annotated[
    str | None,
    typer.Option(
        "--dask",
        metavar="ADDRESS",
        help="Execute the runs on the workers of this Dask scheduler, such as tcp://host:8786.",
        rich_help_panel=WHERE,
    ),
]


Batch = Annotated[
    bool,
    typer.Option(
        "--batch",
        help="Train the seeds of a method as one batch of networks here; for GPUs, slower than one by one on a CPU.",
        rich_help_panel=WHERE,
    ),
]


def require_batch(*, seeds: int, workers: str, dask: str | None) -> None:
    """Check the options beside ``--batch``.

    Raises:
        OptionError: If there is only one seed, or if other processes are to make the runs.
    """
    if seeds < 2:
        raise OptionError("--batch needs several seeds, got --seeds 1: add --seeds 8, or leave --batch out")
    if dask is not None or (workers != "1" and is_typed(workers)):
        raise OptionError("--batch makes all runs in this process: leave --workers and --dask out, or leave --batch out")


def is_typed(workers: str) -> bool:
    """Whether a number of workers is neither the default nor that of the environment, which holds for all commands."""
    return workers not in ("auto", os.environ.get(_VARIABLE))


def start_early(workers: str, dask: str | None) -> None:
    """Let the server of worker processes import its modules while this process imports its own.

    Raises:
        OptionError: If `workers` is neither a positive number nor ``"auto"``.
    """
    from pdefreq.runs.local_processes import number_of_workers, start_server

    if dask is None and number_of_workers(workers, _MANY) > 1:
        start_server()


@contextmanager
def dask_executor(address: str | None) -> Iterator[Executor | None]:
    """A context with the executor of a Dask scheduler; None without an address.

    Raises:
        MissingPackageError: If Dask is not installed.
        OptionError: If there is no scheduler at the address.
    """
    if address is None:
        yield None
        return
    try:
        distributed = importlib.import_module("distributed")
    except ImportError:
        raise MissingPackageError(
            "Dask is not installed: pip install 'pdefreq[dask]', or omit --dask", package="distributed"
        ) from None
    try:
        client = distributed.Client(address, timeout="10s")
    except (OSError, ValueError) as error:
        raise OptionError(f"there is no Dask scheduler at '{address}': {error}") from None
    with client:
        yield client.get_executor(pure=False)  # a repeated run is submitted with the same arguments


def write_curves(solution: Solution) -> None:
    """Write the TensorBoard curves of a run that has ended, if its outputs name them."""
    from pdefreq.runs.tensorboard import TensorBoard

    if "tensorboard" not in solution.spec.outputs or solution.folder is None:
        return
    with TensorBoard(solution.folder / "tensorboard") as board:
        for step in map(int, solution.history.column("step")):
            board(step, solution.last_state, solution.history.before(step + 1))


class LiveTable(LiveLine):
    """The progress of many runs: a live table on a terminal, a line for each run that has ended when the output is piped."""

    def __init__(self, console: Console, *, quiet: bool, verbose: bool = False) -> None:
        self._runs: dict[str, Progress] = {}
        super().__init__(console, quiet=quiet, verbose=verbose)  # it draws the first line

    def follow(self, label: str, progress: Progress) -> None:
        """Set the newest numbers of a run, which its label names."""
        label = printable(label)
        self._runs[label], self._activity = progress, ""
        if progress.done and not self._console.is_terminal:
            line = f"{label}   step {progress.step:,}   objective {progress.objective:.5g}"
            line += f"   relative L2 {progress.relative_l2:.2e}" if math.isfinite(progress.relative_l2) else ""
            self._say(Text(f"{line}   {duration(progress.seconds)} in steps"))

    def remarked(self, sentence: str) -> None:
        """Print a remark before a run, once."""
        if not self._quiet and sentence not in self.remarks:
            self.remarks.append(sentence)
            self._say(Text(sentence, style="yellow"))

    def _line(self) -> RenderableType:
        table = FittedTable(dropped=("objective", "time left"))
        table.add_column("run", no_wrap=True)
        for name in ("step", "objective", "relative L2", "in steps", "time left"):
            table.add_column(name, justify="right", no_wrap=True)
        runs = {**self._runs}  # another thread draws
        ended = [label for label, progress in runs.items() if progress.done]
        hidden = {*ended[: max(0, len(runs) - _MOST_ROWS)]}
        for label, progress in runs.items():
            if label not in hidden:
                table.add_row(*_row(label, progress))
        plural, wall = "s" * (len(ended) != 1), duration(time.monotonic() - self._began)
        line = f"{len(ended)} run{plural} done, {len(runs) - len(ended)} running, {wall}"
        line += f"   {self._activity} ..." if self._activity else ""
        return Group(table, Text(line)) if runs else Text(line)


def _row(label: str, now: Progress) -> list[str]:
    error = f"{now.relative_l2:.2e}" if math.isfinite(now.relative_l2) else "-"
    left = math.nan  # also before the first step
    if now.fraction:
        left = now.left if math.isfinite(now.left) else now.seconds * (1 / now.fraction - 1)
    rest = "done" if now.done else duration(left) if math.isfinite(left) else "-"
    return [label, f"{now.step:,}", f"{now.objective:.5g}", error, duration(now.seconds), rest]
