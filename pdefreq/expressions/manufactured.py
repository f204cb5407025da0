"""Divergences and fluxes of formulas, from which sources and boundary data follow, by symbolic differentiation."""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Add, Expr, Integer, Symbol

from pdefreq.errors import ProblemFileError
from pdefreq.expressions.scope import exact_number
from pdefreq.expressions.symbolic import Less, derivative, size, where

_LONGEST = 5_000  # nodes of a first derivative: the second ones of longer formulas take minutes


def divergence(u: Expr, a: Expr | Sequence[Sequence[Expr]], exponent: float, coordinates: Sequence[Symbol]) -> Expr:
    """``div( a |grad u|^(p-2) grad u )``, the coefficient a scalar, or a symmetric matrix as rows and p = 2.

    With q = grad u and H the Hessian it is |q|^(p-2) ( a lap u + grad a . q + (p-2) a q^T H q / |q|^2 ). Where q = 0 the limit is
    zero for p > 2. For p < 2 it is zero where H vanishes too, as it does wherever u is constant; else it is infinite.

    Raises:
        ProblemFileError: If u is too long to be differentiated twice.
    """
    p = exact_number(exponent)
    if not isinstance(a, Expr):
        return Add(*(derivative(f, s) for f, s in zip(flux(u, a, exponent, coordinates), coordinates, strict=True)))
    if a.is_zero:
        return Integer(0)
    q = _gradient(u, coordinates)
    hessian = [[derivative(slope, s) for s in coordinates] for slope in q] if p != 2 else []
    laplacian = Add(*(derivative(slope, s) for slope, s in zip(q, coordinates, strict=True)))
    transport = Add(*(derivative(a, s) * slope for slope, s in zip(q, coordinates, strict=True)))
    if p == 2:
        return a * laplacian + transport
    square = Add(*(slope**2 for slope in q))
    if square.is_zero:
        return Integer(0)
    curvature = Add(*(hessian[i][j] * q[i] * q[j] for i in range(len(q)) for j in range(len(q))))
    inside = square ** (p / 2 - 1) * (a * laplacian + transport + (p - 2) * a * curvature / square)
    at_zero = Integer(0)
    if p < 2:
        bend = Add(*(entry**2 for row in hessian for entry in row))
        at_zero = where(Less(0, bend), 1 / square, Integer(0))
    return where(Less(0, square), inside, at_zero)


def flux(u: Expr, a: Expr | Sequence[Sequence[Expr]], exponent: float, coordinates: Sequence[Symbol]) -> list[Expr]:
    """``a |grad u|^(p-2) grad u``, one expression for each axis; the coefficient as in `divergence`."""
    p = exact_number(exponent)
    q = _gradient(u, coordinates)
    if not isinstance(a, Expr):
        return [Add(*(entry * slope for entry, slope in zip(row, q, strict=True))) for row in a]
    if p == 2:
        return [a * slope for slope in q]
    square = Add(*(slope**2 for slope in q))
    if square.is_zero:
        return [Integer(0) for _ in q]
    return [where(Less(0, square), square ** (p / 2 - 1) * a * slope, Integer(0)) for slope in q]


def _gradient(u: Expr, coordinates: Sequence[Symbol]) -> list[Expr]:
    gradient = [derivative(u, s) for s in coordinates]
    longest = max(map(size, gradient))
    if longest > _LONGEST:
        raise ProblemFileError(
            f"[equation] exact: its derivative has {longest} terms and factors, "
            f"and {_LONGEST} at most can be differentiated again; shorten it, or give source and boundary values instead"
        )
    return gradient
