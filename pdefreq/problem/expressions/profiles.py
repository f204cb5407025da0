"""The functions inside a formula that have a length scale of their own: waves, transitions, peaks and powers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import sympy
from sympy import Expr, Integer, Symbol

from pdefreq.problem.expressions.arithmetic import add, negative, power
from pdefreq.problem.expressions.functions import (
    Absolute,
    Arctangent,
    BesselJ0,
    BesselJ1,
    Cosine,
    ErrorFunction,
    Exponential,
    HyperbolicCosine,
    HyperbolicSine,
    HyperbolicTangent,
    Sine,
    Tangent,
)
from pdefreq.problem.expressions.symbolic import constant_value, derivative

_WAVES = {Sine: 2 * math.pi, Cosine: 2 * math.pi, BesselJ0: 2 * math.pi, BesselJ1: 2 * math.pi, Tangent: math.pi}  # periods
_TRANSITIONS = (HyperbolicTangent, ErrorFunction, Arctangent)
_HYPERBOLIC = (HyperbolicCosine, HyperbolicSine)
_STEEP = 8  # smallest natural exponent of a power that is read; below it the scale is that of the base


class ProfileFormula(NamedTuple):
    """A function inside a formula, with the fields of `pdefreq.core.fields.Profile` as formulas."""

    function: Expr
    argument: Expr
    peak: Expr
    change: float | None
    exponent: float = 1.0
    is_wave: bool = False


def profile_functions(u: Expr, coordinates: Sequence[Symbol]) -> list[ProfileFormula]:
    """The functions of one argument inside a formula that have a length scale, each argument and kind once.

    A wave is finest where its argument is steepest, and a transition (tanh, erf, atan) where its argument is zero. An exponential
    function is largest where its argument is, and a negative or fractional power changes fastest near the smallest base.
    """
    found: dict[Any, ProfileFormula] = {}
    for v in sympy.preorder_traversal(u):
        for profile in _of(v, coordinates):
            if profile.argument.free_symbols and profile.argument.free_symbols <= {*coordinates}:
                found.setdefault((profile.argument, profile.peak, profile.change), profile)
    return [*found.values()]


def _of(v: Any, coordinates: Sequence[Symbol]) -> Iterator[ProfileFormula]:
    if type(v) in _WAVES:
        (g,) = v.operands
        slopes = [derivative(g, s) for s in coordinates]
        yield ProfileFormula(v, g, add(*(power(slope, Integer(2)) for slope in slopes)), _WAVES[type(v)], is_wave=True)
    elif isinstance(v, _TRANSITIONS):
        (g,) = v.operands
        yield ProfileFormula(v, g, negative(Absolute(g)), 1.0)
    elif isinstance(v, Exponential):
        (g,) = v.operands
        yield ProfileFormula(v, g, g, 1.0)
    elif isinstance(v, _HYPERBOLIC):
        (g,) = v.operands
        yield ProfileFormula(v, g, Absolute(g), 1.0)
    elif v.is_Pow:
        n = constant_value(v.exp)
        if n is None or not math.isfinite(n) or n == 0:
            return
        if n < 0 or n != round(n):
            yield ProfileFormula(v, v.base, negative(Absolute(v.base)), None, abs(n))
        elif n >= _STEEP:
            yield ProfileFormula(v, v.base, Absolute(v.base), None, n)
