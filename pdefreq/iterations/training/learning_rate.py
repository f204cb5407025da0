"""How the learning rate falls."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class LearningRate:
    """The learning rate of each step: independent of the budget, so that a longer run repeats a shorter one.

    Args:
        start: At the first step.
        half_life: Steps after which it is first the half; None keeps it.
        decay: ``"exponential"``: halves again and again, 2^(-t); with t = step / half_life; a factor 1 - d a step is
            half_life = log 2 / d. ``"inverse"``: 1 / (1 + t). ``"cosine"``: (1 + cos(pi t / 2)) / 2, zero from t = 2 on.

    Example:
        >>> [LearningRate(0.4, 10, decay)(20) for decay in ("exponential", "inverse", "cosine")]
        [0.1, 0.13333333333333333, 0.0]
    """

    start: float
    half_life: float | None = None
    decay: Literal["exponential", "inverse", "cosine"] = "exponential"

    def __call__(self, step: int) -> float:
        if self.half_life is None:
            return self.start
        t = step / self.half_life
        if self.decay == "exponential":
            return self.start * 2**-t
        if self.decay == "inverse":
            return self.start / (1 + t)
        return self.start * (1 + math.cos(math.pi * min(t, 2.0) / 2)) / 2
