"""Outward normals as formulas, for boundary data that follow from an exact solution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sympy import Expr, Integer

from pdefreq.expressions.arithmetic import add, divide, exact_number, multiply, negative, power, subtract
from pdefreq.expressions.functions import square_root
from pdefreq.expressions.scope import Scope

if TYPE_CHECKING:
    from pdefreq.domains.domain import Domain

_SAMPLES = 100  # boundary points of each part
_SAME = 1e-12  # unit vectors that differ by less are the same


def normal(domain: Domain, part: str) -> list[Expr] | None:
    """The outward unit normal on a part of the boundary, a formula in the coordinates; None where it has edges.

    Args:
        domain: The domain.
        part: One of its part names.
    """
    from pdefreq.domains.ball import Ball
    from pdefreq.domains.ellipse import Ellipse
    from pdefreq.domains.holes import WithHoles
    from pdefreq.domains.ring import Ring

    match domain:
        case WithHoles(base, holes):
            if not part.startswith("hole-"):
                return normal(base, part)
            hole = holes[int(part.removeprefix("hole-")) - 1]
            inward = None if not isinstance(hole, Ball | Ellipse) else normal(hole, "outer")
            return None if inward is None else [negative(n) for n in inward]
        case Ball(midpoint):
            return _radial(midpoint, (1.0,) * domain.dimension, 1)
        case Ring(midpoint):
            return _radial(midpoint, (1.0,) * domain.dimension, -1 if part == "inner" else 1)
        case Ellipse(midpoint, half_axes):
            return _radial(midpoint, half_axes, 1)
    samples = domain.boundary(_SAMPLES * len(domain.part_names))
    assert samples.normals is not None and samples.parts is not None
    n = samples.normals[samples.parts == domain.part_names.index(part)]
    return [exact_number(v) for v in n[0].tolist()] if float((n - n[0]).abs().max()) < _SAME else None


def _radial(midpoint: Sequence[float], half_axes: Sequence[float], sign: int) -> list[Expr]:
    """The direction of the gradient of |(x - midpoint) / half_axes|^2."""
    axes = zip(Scope(len(midpoint)).coordinates, midpoint, half_axes, strict=True)
    slope = [divide(subtract(s, exact_number(m)), exact_number(a**2)) for s, m, a in axes]
    length = square_root(add(*(power(v, Integer(2)) for v in slope)))
    return [divide(multiply(Integer(sign), v), length) for v in slope]
