"""The progress of a run: one live line on a terminal, plain lines when the output is piped."""

from __future__ import annotations

import logging
import math
import time
from typing import TYPE_CHECKING, Self

from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

from pdefreq.core.announcements import LOGGER, listening
from pdefreq.core.errors import OptionError
from pdefreq.core.printable import printable

if TYPE_CHECKING:
    from pdefreq.core.history import History
    from pdefreq.iterations.iteration import State
    from pdefreq.runs.loop import Progress

_PIPED_SECONDS = 5.0  # shortest time between two plain lines


class LiveLine:
    """A progress display: a context manager, passed to `solve` as its ``progress`` and ``callback``.

    Args:
        console: Where to print.
        title: The title of the run: problem and method.
        quiet: Print nothing.
        verbose: Also print what the library logs: choices with their reasons, and the times of phases.
    """

    def __init__(self, console: Console, title: str = "", *, quiet: bool, verbose: bool = False) -> None:
        self._console = console
        self._title = printable(title)
        if quiet and verbose:
            raise OptionError("--quiet and --verbose contradict each other: give one of them")
        self._quiet = quiet
        self._log = _Lines(self) if verbose else None
        self._latest: Progress | None = None
        self._activity = "preparing"
        self._told = ""  # the newest task that was printed when the output is piped
        self.remarks: list[str] = []  # those that were printed
        self._listening = listening(self.announced, self.remarked)
        self._began = self._arrived = self._printed = time.monotonic()
        self._live = Live(console=console, transient=True, get_renderable=self._line, refresh_per_second=5)

    def __enter__(self) -> Self:
        self._listening.__enter__()
        if self._log is not None:
            LOGGER.addHandler(self._log)
            LOGGER.setLevel(logging.INFO)
        if self._console.is_terminal and not self._quiet:
            self._live.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._live.stop()
        if self._log is not None:
            LOGGER.removeHandler(self._log)
            LOGGER.setLevel(logging.NOTSET)
        self._listening.__exit__(None, None, None)

    def callback(self, step: int, state: State, history: History) -> bool:
        """Complete the title when the number of unknowns is known."""
        if self._latest is None:
            self._title += f", {state.space.num_coefficients:,} unknowns on {state.coefficients.device}"
        return False

    def announced(self, activity: str) -> None:
        """Set the current task, which is shown until the next numbers.

        When the output is piped, the task is printed once, before the first and after the last numbers, if no line was printed
        recently.
        """
        self._activity = activity
        now, between_numbers = time.monotonic(), self._latest is not None and not self._latest.done
        is_shown = self._console.is_terminal or between_numbers or activity == self._told
        if not is_shown and now - self._printed >= _PIPED_SECONDS:
            self._say(Text(f"{activity} ..."))
            self._printed, self._told = now, activity

    def remarked(self, sentence: str) -> None:
        """Print a remark before the run that the title names, once."""
        if self._title and not self._quiet and sentence not in self.remarks:
            self.remarks.append(sentence)
            self._say(Text(sentence, style="yellow"))

    def logged(self, message: str) -> None:
        """Print a message of the library, unless it was a remark."""
        if message not in self.remarks:
            self._say(Text(printable(message), style="dim"))

    def progress(self, progress: Progress) -> None:
        """Set the newest numbers; when the output is piped, print them at intervals."""
        if self._latest is None and self._title:
            self._say(Text(self._title, style="bold"))
        self._latest, self._arrived, self._activity = progress, time.monotonic(), ""
        if not self._console.is_terminal and (progress.done or self._arrived - self._printed >= _PIPED_SECONDS):
            self._say(self._line())
            self._printed = self._arrived

    def _say(self, text: RenderableType) -> None:
        if not self._quiet:
            self._console.print(text, soft_wrap=True)

    def _line(self) -> RenderableType:
        if self._latest is None:
            return Text(f"{self._activity} ...")
        now, wall = self._latest, (self._arrived if self._latest.done else time.monotonic()) - self._began
        line = f"step {now.step:,}   objective {now.objective:.5g}"
        if math.isfinite(now.relative_l2):
            line += f"   relative L2 {now.relative_l2:.2e}"
        line += f"   {duration(wall)}, of which {duration(now.seconds)} in steps"
        if 0 < now.fraction < 1 and not now.done:
            left = now.left if math.isfinite(now.left) else now.seconds * (1 - now.fraction) / now.fraction
            left -= time.monotonic() - self._arrived
            line += f"   {duration(max(left, 0.0))} left"
        if self._activity:
            line += f"   {self._activity} ..."
        return Text(line, no_wrap=True, overflow="ellipsis")


class _Lines(logging.Handler):
    """The handler that prints messages of the library above the live line."""

    def __init__(self, live: LiveLine) -> None:
        super().__init__(logging.INFO)
        self._live = live

    def emit(self, record: logging.LogRecord) -> None:
        if not hasattr(record, "in_result"):
            self._live.logged(record.getMessage())


def duration(seconds: float) -> str:
    """A time in readable units.

    Example:
        >>> duration(0.5), duration(75), duration(7300)
        ('0.5 s', '1 min 15 s', '2 h 01 min')
    """
    if seconds < 10:
        return f"{seconds:.2g} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
