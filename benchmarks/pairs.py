"""Comparison of two computations that are timed in turn, so that variations of the machine cancel."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

REPEATS = 15


class Cost(NamedTuple):
    """Medians over the pairs, in seconds of CPU time."""

    ratio: float  # work / unit, CPU time
    wall_ratio: float
    work: float
    unit: float


def compare(work: Callable[[], object], unit: Callable[[], object], repeats: int = REPEATS) -> Cost:
    """Costs of `work` and `unit`: medians over pairs that are run in turn, after one unmeasured run of each."""
    work()
    unit()
    processor, wall, seconds = [], [], []
    for _ in range(repeats):
        times = []
        for run in (work, unit):
            began = time.process_time(), time.perf_counter()
            run()
            times.append((time.process_time() - began[0], time.perf_counter() - began[1]))
        processor.append(times[0][0] / times[1][0])
        wall.append(times[0][1] / times[1][1])
        seconds.append((times[0][0], times[1][0]))
    of_work, of_unit = zip(*seconds, strict=True)
    return Cost(*map(statistics.median, (processor, wall, of_work, of_unit)))
