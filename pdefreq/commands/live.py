"""What is shown while a run goes on: one live line on a terminal, plain lines when piped."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.live import Live
from rich.text import Text

if TYPE_CHECKING:
    from pdefreq.loop import Progress

_PIPED_SECONDS = 5.0  # a plain line at most this often


class LiveLine:
    """Follows one run; used as a context, and given to `solve` as its ``progress`` and ``callback``.

    Args:
        console: Where to print.
        title: Names the run: problem and method.
        place: Seed, floating-point type and device.
        quiet: Print nothing.
    """

    def __init__(self, console: Console, title: str, place: str, *, quiet: bool) -> None:
        self._console = console
        self._title, self._place = title, place
        self._quiet = quiet
        self._live = Live(console=console, transient=True, get_renderable=self._line, refresh_per_second=5)
        self._latest: Progress | None = None
        self._arrived = self._printed = time.monotonic()

    def __enter__(self) -> LiveLine:
        if self._console.is_terminal and not self._quiet:
            self._live.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._live.stop()

    def callback(self, step: int, state: Any, history: Any) -> bool:
        """Print the header once, when the number of unknowns is first known."""
        if step == 0 and not self._quiet:
            unknowns = f"{state.coefficients.numel():,} unknowns"
            self._console.print(f"{self._title}, {unknowns}, {self._place}", markup=False, style="bold", soft_wrap=True)
        return False

    def progress(self, progress: Progress) -> None:
        """Take the newest numbers; when piped, print them from time to time."""
        self._latest, self._arrived = progress, time.monotonic()
        if self._quiet or self._console.is_terminal:
            return
        if progress.done or self._arrived - self._printed >= _PIPED_SECONDS:
            self._console.print(self._line(), soft_wrap=True)
            self._printed = self._arrived

    def _line(self) -> Text:
        if self._latest is None:
            return Text("preparing ...")
        now = self._latest
        line = f"step {now.step:,}   objective {now.objective:.6g}"
        if math.isfinite(now.relative_l2):
            line += f"   relative L2 {now.relative_l2:.2e}"
        line += f"   {duration(now.seconds)}"
        if 0 < now.fraction < 1 and not now.done:
            left = now.seconds * (1 - now.fraction) / now.fraction - (time.monotonic() - self._arrived)
            line += f"   {duration(max(left, 0.0))} left"
        return Text(line)


def duration(seconds: float) -> str:
    """A time for people.

    Example:
        >>> duration(0.5), duration(75), duration(7300)
        ('0.5 s', '1 min 15 s', '2 h 01 min')
    """
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
