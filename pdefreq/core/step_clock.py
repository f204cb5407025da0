"""The clock of steps. A step that uses a result computed before, outside of steps, adds the time of that computation."""

from __future__ import annotations

import time
from contextvars import ContextVar

_charged: ContextVar[float] = ContextVar("charged", default=0.0)


def now() -> float:
    """The time of this clock in seconds. The time of a step is the difference of the times after and before the step."""
    return time.perf_counter() + _charged.get()


def charge(seconds: float) -> None:
    """Add the time of an earlier computation to the step that uses its result, so that the time contains all work of the step.

    Args:
        seconds: The time that the computation took.
    """
    _charged.set(_charged.get() + seconds)
