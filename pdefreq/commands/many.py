"""What commands with many runs share: the options of their executors, and a live table with one row for each run."""

from __future__ import annotations

import importlib
import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from pdefreq.commands.live import duration
from pdefreq.commands.tables import FittedTable
from pdefreq.core.announcements import listening
from pdefreq.core.errors import MissingPackageError, OptionError
from pdefreq.core.printable import printable

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from pdefreq.runs.loop import Progress
    from pdefreq.runs.solution import Solution

_WHERE = "Where it runs"
_MANY = 1000  # more runs than there are cores
_MOST_ROWS = 20  # of the live table; runs that wait or have ended are omitted first

Workers = Annotated[
    str,
    typer.Option(
        "--workers",
        metavar="N",
        envvar="PDEFREQ_WORKERS",
        help="Processes that make the runs, each with one thread; auto is the number of cores.",
        rich_help_panel=_WHERE,
    ),
]
DaskAddress = Annotated[
    str | None,
    typer.Option(
        "--dask",
        metavar="ADDRESS",
        help="Make the runs on the workers of this Dask scheduler, such as tcp://host:8786.",
        rich_help_panel=_WHERE,
    ),
]


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


class LiveTable:
    """The progress of many runs: a table on a terminal, a line for each run that has ended when the output is piped.

    Args:
        console: Where to print.
        labels: The names of the runs.
        quiet: Print nothing.
    """

    def __init__(self, console: Console, labels: Sequence[str], *, quiet: bool) -> None:
        self._console, self._quiet = console, quiet
        self._labels = [printable(label) for label in labels]
        self._latest: dict[int, Progress] = {}
        self._activity = ""
        self._began = time.monotonic()
        self._listening = listening(self._announced, self._remarked)
        self._live = Live(console=console, transient=True, get_renderable=self._table, refresh_per_second=4)

    def __enter__(self) -> LiveTable:
        self._listening.__enter__()
        if self._console.is_terminal and not self._quiet:
            self._live.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._live.stop()
        self._listening.__exit__(None, None, None)

    def progress(self, index: int, progress: Progress) -> None:
        """Set the newest numbers of a run."""
        self._latest[index] = progress
        self._activity = ""
        if progress.done and not self._quiet and not self._console.is_terminal:
            line = f"{self._labels[index]}   step {progress.step:,}   objective {progress.objective:.5g}"
            line += f"   relative L2 {progress.relative_l2:.2e}" if math.isfinite(progress.relative_l2) else ""
            self._console.print(Text(f"{line}   {duration(progress.seconds)} in steps"), soft_wrap=True)

    def _announced(self, activity: str) -> None:
        self._activity = activity

    def _remarked(self, sentence: str) -> None:
        if not self._quiet:
            self._console.print(Text(sentence, style="yellow"), soft_wrap=True)

    def _table(self) -> Group:
        done = sum(progress.done for progress in self._latest.values())
        table = FittedTable(dropped=("objective", "time left"))
        table.add_column("run", no_wrap=True)
        for name in ("step", "objective", "relative L2", "in steps", "time left"):
            table.add_column(name, justify="right", no_wrap=True)
        running = [index for index, progress in self._latest.items() if not progress.done]
        ended = [index for index, progress in self._latest.items() if progress.done]
        room = max(0, _MOST_ROWS - len(running))
        for index in sorted(running + ended[len(ended) - room :] if room else running):
            table.add_row(*self._row(index, self._latest[index]))
        line = f"{done} of {len(self._labels)} runs done, {duration(time.monotonic() - self._began)}"
        line += f"   {self._activity} ..." if self._activity else ""
        return Group(table, Text(line))

    def _row(self, index: int, now: Progress) -> list[str]:
        error = f"{now.relative_l2:.2e}" if math.isfinite(now.relative_l2) else "-"
        left = now.left if math.isfinite(now.left) else now.seconds * (1 / now.fraction - 1) if now.fraction else math.nan
        rest = "done" if now.done else duration(left) if math.isfinite(left) else "-"
        return [self._labels[index], f"{now.step:,}", f"{now.objective:.5g}", error, duration(now.seconds), rest]
