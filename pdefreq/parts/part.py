"""Checks of numerical options, shared by the parts of network methods."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from pdefreq.core.composition import Part
from pdefreq.core.errors import OptionError

COUNT = (lambda n: n >= 1, "at least 1")
POSITIVE = (lambda x: 0 < x < math.inf, "positive and finite")
FINITE = (math.isfinite, "finite")
EXPONENT = (lambda x: 1 <= x < math.inf, "at least 1 and finite")
NONNEGATIVE = (lambda n: n >= 0, "at least 0")
FRACTION = (lambda x: 0 <= x < 1, "at least 0 and below 1")


def require(part: Part, check: tuple[Callable[[Any], bool], str], *names: str) -> None:
    """Check options that are numbers, or lists or mappings of numbers; None is always allowed.

    Raises:
        OptionError: If one of the numbers fails the check.
    """
    holds, expected = check
    for name in names:
        value = getattr(part, name)
        if hasattr(value, "values"):
            value = tuple(value.values())
        for number in value if isinstance(value, tuple) else () if value is None else (value,):
            if not holds(number):
                raise OptionError(f"`{name}` must be {expected}, got {number:g}", option=name)
