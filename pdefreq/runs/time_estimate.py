"""An estimate of the time of a run, made after its first steps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pdefreq.core.history import Schedule, Stop

_LONG = 20.0  # seconds; no estimate is printed for shorter runs
_STEPS, _SECONDS = 5, 1.0  # least number of steps, and least time in seconds with measurements, before an estimate is made
_WARM = 2  # number of first steps that are excluded, because they take longer


@dataclass
class TimeEstimate:
    """An estimate of the time of all steps up to the limit of a run, including the measurements.

    Args:
        stop: The limits of the run.
        schedule: The recorded steps.
    """

    stop: Stop
    schedule: Schedule
    _rows: list[tuple[int, float, float]] = field(default_factory=list)
    _made: bool = False

    def sentence(self, step: int, seconds: float, elapsed: float) -> str:
        """The estimate as a sentence, returned once, in the first call in which it can be made.

        The result is "" in all other calls, for short runs, if the time is limited, and if the number of steps is not limited.

        Args:
            step: The step that was just recorded.
            seconds: The time of all steps.
            elapsed: The time of all steps and measurements.
        """
        steps = self.stop.steps
        if self._made or steps is None or self.stop.seconds is not None or self.stop.train_seconds is not None:
            return ""
        self._rows.append((step, seconds, elapsed))
        warm = [row for row in self._rows if row[0] >= self._rows[0][0] + _WARM]
        if len(warm) < 2 or step - self._rows[0][0] < _STEPS or elapsed - warm[0][2] < _SECONDS:
            return ""
        self._made = True
        (first, before, began) = warm[0]
        of_step = (seconds - before) / (step - first)
        of_row = (elapsed - began - (seconds - before)) / (len(warm) - 1)
        total = elapsed + of_step * (steps - step) + of_row * self.schedule.count(step, steps)
        return f"This run will take about {_rounded(total)} for {steps:,} steps." if total >= _LONG else ""


def _rounded(seconds: float) -> str:
    """A time with one or two digits.

    Example:
        >>> _rounded(34.0), _rounded(250.0), _rounded(9000.0)
        ('30 s', '4 min', '2.5 h')
    """
    if seconds < 90:
        return f"{10 * round(seconds / 10)} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
