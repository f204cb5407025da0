"""Processor time without the time of measurements, and the error of a function at the test points of a problem."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from pdefreq.probes.error import size
from pdefreq.probes.target import Target

Curve = list[tuple[float, float]]
_APART = 1.25  # ratio of the times of neighboring measurements


class Clock:
    """Measures errors along a computation at times that grow geometrically; measurements are not part of the time.

    Args:
        target: The problem with its solution.
        seconds: The budget of processor seconds.
    """

    def __init__(self, target: Target, seconds: float) -> None:
        assert target.solution is not None
        self._points = target.recorded_points
        self._weights = self._points.weights.numpy()
        self._exact = target.solution.values(self._points.x)
        self._limit, self._next, self._left_out = seconds, 0.05, 0.0
        self.curve: Curve = []
        self._began = time.process_time()

    @property
    def seconds(self) -> float:
        """Processor seconds so far, without measurements."""
        return time.process_time() - self._began - self._left_out

    @property
    def is_over(self) -> bool:
        return self.seconds >= self._limit

    def record(self, values: Callable[[np.ndarray], np.ndarray]) -> None:
        """Measure the error of a function of points ``(n, d)`` now."""
        now, began = self.seconds, time.process_time()
        gap = values(self._points.x.numpy()).reshape(-1) - self._exact
        self.curve.append((now, size(gap, self._weights) / size(self._exact, self._weights)))
        self._next = _APART * now
        self._left_out += time.process_time() - began

    def tick(self, values: Callable[[np.ndarray], np.ndarray]) -> None:
        """Measure the error if the last measurement is long enough ago."""
        if self.seconds >= self._next:
            self.record(values)
