"""Newton's method on a convex energy, with a line search and continuation in the exponent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch

from pdefreq.iterations.iteration import Iteration, State
from pdefreq.iterations.sparse import CondensedSystem
from pdefreq.spaces.trial_space import LinearSystem

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.fields import Field
    from pdefreq.shapes import Coefficients
    from pdefreq.spaces.weak_form import WeakForm

_UP = (2.0, 3.0, 4.0, 6.0, 8.0, 11.0, 15.0, 20.0)
_LOOSE = 0.1
_FLAT = 0.5


def exponents(p: float) -> list[float]:
    if p > 2:
        return [q for q in _UP if q < p] + [p]
    steps = [2.0]
    while steps[-1] - 1 > (p - 1) / SHRINK:
        steps.append(1 + (steps[-1] - 1) * SHRINK)
    return [*steps, p]
SHRINK=0.7

def line_search(slope: Callable[[float], float], most=60) -> float:
    start = slope(0.0)
    low, high, t = 0.0, np.inf, 1.0
    for _ in range(most):
        s = slope(t)
        if abs(s) <= _FLAT * abs(start):
            return t
        if s < 0:
            low = t
        else:
            high = t
        t = 2 * t if high == np.inf else (low + high) / 2
    return low or t
