"""Outward unit normals as formulas, from which boundary data follow where the exact solution is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sympy import Expr, Integer

from pdefreq.problem.expressions.arithmetic import add, divide, exact_number, multiply, negative, power, subtract
from pdefreq.problem.expressions.functions import square_root
from pdefreq.problem.expressions.scope import Scope

if TYPE_CHECKING:
    from pdefreq.domains.domain import Domain

_SAMPLES = 100  # boundary points of each part
_SAME = 1e-12  # unit vectors that differ by less are the same


def constant(domain: Domain, part: str) -> list[Expr] | None:
    """The normal of a flat part, from points of the boundary; None where normals differ."""
    samples = domain.boundary(_SAMPLES * len(domain.part_names))
    assert samples.normals is not None and samples.parts is not None
    n = samples.normals[samples.parts == domain.part_names.index(part)]
    return [exact_number(v) for v in n[0].tolist()] if float((n - n[0]).abs().max()) < _SAME else None


def radial(midpoint: Sequence[float], half_axes: Sequence[float], sign: int = 1) -> list[Expr]:
    """The direction of the gradient of ``|(x - midpoint) / half_axes|^2``, or its opposite for the sign -1."""
    axes = zip(Scope(len(midpoint)).coordinates, midpoint, half_axes, strict=True)
    slope = [divide(subtract(s, exact_number(m)), exact_number(a**2)) for s, m, a in axes]
    length = square_root(add(*(power(v, Integer(2)) for v in slope)))
    return [divide(multiply(Integer(sign), v), length) for v in slope]


def opposite(normal: list[Expr] | None) -> list[Expr] | None:
    """The normal of the other side."""
    return None if normal is None else [negative(n) for n in normal]
