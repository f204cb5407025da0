"""Time without that of measurements, at which errors are measured by this clock or by a monitor of pdefreq."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from pdefreq import Monitor
from pdefreq.probes.error import size
from pdefreq.probes.target import Target

Curve = list[tuple[float, float]]
_APART = 1.25  # ratio of the times of neighboring measurements


class Timer:
    """Time without that of measurements.

    Args:
        seconds: The budget.
        now: The clock.
    """

    def __init__(self, seconds: float, now: Callable[[], float]) -> None:
        self._limit, self._now, self._left_out = seconds, now, 0.0
        self._began = now()

    @property
    def seconds(self) -> float:
        """Seconds so far, without measurements."""
        return self._now() - self._began - self._left_out

    @property
    def is_over(self) -> bool:
        return self.seconds >= self._limit


class MonitorClock(Timer):
    """Calls a monitor along a computation; the numbers of steps are those of the calls.

    Times are elapsed ones, as those of the methods of pdefreq.

    Args:
        monitor: The monitor.
        seconds: The budget of seconds.
    """

    def __init__(self, monitor: Monitor, seconds: float) -> None:
        super().__init__(seconds, time.perf_counter)
        self._monitor, self._step = monitor, 0

    def tick(self, values: Callable[[np.ndarray], np.ndarray], *, last: bool = False) -> None:
        """Call the monitor after a step."""
        now, began = self.seconds, self._now()
        self._step += 1
        self._monitor(self._step, lambda x: values(x).reshape(-1), seconds=now, last=last)
        self._left_out += self._now() - began

    def record(self, values: Callable[[np.ndarray], np.ndarray]) -> None:
        """Call the monitor at the end."""
        self.tick(values, last=True)


class Clock(Timer):
    """Measures errors along a computation at processor times that grow geometrically.

    Args:
        target: The problem with its solution.
        seconds: The budget of processor seconds.
    """

    def __init__(self, target: Target, seconds: float) -> None:
        assert target.solution is not None
        super().__init__(seconds, time.process_time)
        self._points = target.recorded_points
        self._weights = self._points.weights.numpy()
        self._exact = target.solution.values(self._points.x)
        self._next = 0.05
        self.curve: Curve = []
        self._began = self._now()

    def record(self, values: Callable[[np.ndarray], np.ndarray]) -> None:
        """Measure the error of a function of points ``(n, d)`` now."""
        now, began = self.seconds, self._now()
        gap = values(self._points.x.numpy()).reshape(-1) - self._exact
        self.curve.append((now, size(gap, self._weights) / size(self._exact, self._weights)))
        self._next = _APART * now
        self._left_out += self._now() - began

    def tick(self, values: Callable[[np.ndarray], np.ndarray]) -> None:
        """Measure the error if the last measurement is long enough ago."""
        if self.seconds >= self._next:
            self.record(values)
