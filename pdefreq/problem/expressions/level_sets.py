"""Level set functions of a formula: functions whose zero sets contain the points where the formula may lose smoothness."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sympy
from sympy import Expr

from pdefreq.problem.expressions.arithmetic import subtract
from pdefreq.problem.expressions.functions import (
    Absolute,
    Arctan2,
    Less,
    LessEqual,
    Logarithm,
    Maximum,
    Minimum,
    Sign,
)

_OF_DIFFERENCE = (Less, LessEqual, Maximum, Minimum)
_OF_FIRST = (Absolute, Sign, Arctan2, Logarithm)


def level_set_functions(u: Expr) -> list[Expr]:
    """The level set functions of a formula, inner ones before those that contain them, each once.

    These are the two sides' difference in a comparison, `min` and `max`, the argument of `abs`, `sign` and `log`, the first
    argument of `atan2`, and the base of a power whose exponent is not a natural number, such as a square root or a divisor. The
    comparison ``==`` holds on a set of measure zero and gives none.
    """
    found = (function for v in sympy.postorder_traversal(u) for function in _of(v) if function.free_symbols)
    return list(dict.fromkeys(found))


def _of(v: Any) -> Iterator[Expr]:
    if isinstance(v, _OF_DIFFERENCE):
        first, second = v.operands
        yield subtract(first, second)
    elif isinstance(v, _OF_FIRST):
        yield v.operands[0]
    elif v.is_Pow and not (v.exp.is_Integer and v.exp.is_nonnegative):
        yield v.base
