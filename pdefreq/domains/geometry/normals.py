"""Outward unit normals as formulas, for boundary data from exact solutions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sympy import Expr, Integer

from pdefreq.problem.expressions.arithmetic import add, divide, exact_number, multiply, negative, power, subtract
from pdefreq.problem.expressions.functions import square_root
from pdefreq.problem.expressions.scope import Scope

if TYPE_CHECKING:
    from pdefreq.domains.samples import Samples

_SAME = 1e-12  # largest difference of unit vectors that are considered equal


def constant(boundary: Samples, part: int) -> list[Expr] | None:
    """The normal of a flat part of a boundary; None if the part is not flat.

    Args:
        boundary: Points on all parts.
        part: The index of the part.
    """
    assert boundary.normals is not None and boundary.parts is not None
    n = boundary.normals[boundary.parts == part]
    return [exact_number(v) for v in n[0].tolist()] if float((n - n[0]).abs().max()) < _SAME else None


def radial(midpoint: Sequence[float], half_axes: Sequence[float], sign: int = 1) -> list[Expr]:
    """The unit vector along the gradient of ``|(x - midpoint) / half_axes|^2``, or its opposite for the sign -1."""
    axes = zip(Scope(len(midpoint)).coordinates, midpoint, half_axes, strict=True)
    slope = [divide(subtract(s, exact_number(m)), exact_number(a**2)) for s, m, a in axes]
    length = square_root(add(*(power(v, Integer(2)) for v in slope)))
    return [divide(multiply(Integer(sign), v), length) for v in slope]


def opposite(normal: list[Expr] | None) -> list[Expr] | None:
    """The opposite of a normal; None for None."""
    return None if normal is None else [negative(n) for n in normal]
