"""The compatibility condition of problems whose solution is determined only up to a constant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pdefreq.core.errors import InconsistentProblemError

if TYPE_CHECKING:
    from pdefreq.problem.problem import Problem

_TOLERANCE = 1e-8
_POINTS = {1: 20_000, 2: 250_000}  # number of quadrature points by dimension
_MANY = 1_000_000


def require_compatible(problem: Problem) -> None:
    """Check ``int f + int flux = 0`` for a problem with fluxes on the whole boundary and without reaction and alpha.

    Raises:
        InconsistentProblemError: If the absolute value of the sum exceeds 1e-8 times the integrals of the absolute values.
    """
    from pdefreq.problem.boundary_pieces import on_boundary

    n = _POINTS.get(problem.domain.dimension, _MANY)
    inside = problem.domain.quadrature(n)
    edge, part = on_boundary(problem, n)
    source, total, size = problem.source(inside.x), 0.0, 0.0
    pieces = [(source, inside.weights)]
    for i, condition in enumerate(problem.boundary):
        mine = part == i
        pieces.append((condition.flux(edge.x[mine]), edge.weights[mine]))
    total = sum(float(weights @ values) for values, weights in pieces)
    size = sum(float(weights @ values.abs()) for values, weights in pieces)
    if abs(total) > _TOLERANCE * size:
        raise InconsistentProblemError(
            "with fluxes on the whole boundary and no reaction, a solution exists only if the integrals of source and flux "
            f"add up to zero, got {total:.3g} (of absolute values: {size:.3g}): change one of them, or prescribe a value "
            "somewhere"
        )
