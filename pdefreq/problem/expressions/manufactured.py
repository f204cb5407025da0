"""Symbolic divergences and fluxes of formulas, from which sources and boundary data are derived."""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Expr, Integer, Symbol

from pdefreq.core.errors import FormulaError
from pdefreq.problem.expressions.arithmetic import add, divide, exact_number, inverse, multiply, power, subtract
from pdefreq.problem.expressions.functions import Less
from pdefreq.problem.expressions.symbolic import derivative, size, where

_LONGEST = 5_000  # nodes of a first derivative; second derivatives of longer formulas take minutes


def divergence(u: Expr, a: Expr | Sequence[Sequence[Expr]], exponent: float, coordinates: Sequence[Symbol]) -> Expr:
    """``div( a |grad u|^(p-2) grad u )`` for a scalar a or, if p = 2, a symmetric matrix as rows.

    With q = grad u and the Hessian H it equals |q|^(p-2) ( a lap u + grad a . q + (p-2) a q^T H q / |q|^2 ). Where q = 0, the
    limit for p > 2 is zero. For p < 2 it is zero where H also vanishes, for example where u is constant, and otherwise infinite.

    Raises:
        ProblemFileError: If u is too long to be differentiated twice.
    """
    p = exact_number(exponent)
    if not isinstance(a, Expr):
        return add(*(derivative(f, s) for f, s in zip(flux(u, a, exponent, coordinates), coordinates, strict=True)))
    if a == Integer(0):
        return Integer(0)
    q = _gradient(u, coordinates)
    hessian = [[derivative(slope, s) for s in coordinates] for slope in q] if p != Integer(2) else []
    laplacian = add(*(derivative(slope, s) for slope, s in zip(q, coordinates, strict=True)))
    transport = add(*(multiply(derivative(a, s), slope) for slope, s in zip(q, coordinates, strict=True)))
    linear = add(multiply(a, laplacian), transport)
    if p == Integer(2):
        return linear
    square = _square(q)
    if square == Integer(0):
        return Integer(0)
    curvature = add(*(multiply(hessian[i][j], q[i], q[j]) for i in range(len(q)) for j in range(len(q))))
    excess = multiply(subtract(p, Integer(2)), a, divide(curvature, square))
    at_zero = Integer(0)
    if p < 2:
        bend = add(*(power(entry, Integer(2)) for row in hessian for entry in row))
        at_zero = where(Less(0, bend), inverse(square), Integer(0))
    return where(Less(0, square), multiply(_size_power(square, p), add(linear, excess)), at_zero)


def flux(u: Expr, a: Expr | Sequence[Sequence[Expr]], exponent: float, coordinates: Sequence[Symbol]) -> list[Expr]:
    """``a |grad u|^(p-2) grad u``, one expression for each axis, with a coefficient as in `divergence`."""
    p = exact_number(exponent)
    q = _gradient(u, coordinates)
    if not isinstance(a, Expr):
        return [add(*(multiply(entry, slope) for entry, slope in zip(row, q, strict=True))) for row in a]
    if p == Integer(2):
        return [multiply(a, slope) for slope in q]
    square = _square(q)
    return [where(Less(0, square), multiply(_size_power(square, p), a, slope), Integer(0)) for slope in q]


def _square(q: Sequence[Expr]) -> Expr:
    """|q|^2."""
    return add(*(power(slope, Integer(2)) for slope in q))


def _size_power(square: Expr, p: Expr) -> Expr:
    """|q|^(p-2) from |q|^2."""
    return power(square, subtract(divide(p, Integer(2)), Integer(1)))


def _gradient(u: Expr, coordinates: Sequence[Symbol]) -> list[Expr]:
    gradient = [derivative(u, s) for s in coordinates]
    longest = max(map(size, gradient))
    if longest > _LONGEST:
        raise FormulaError(
            f"[equation] exact: its derivative has {longest} terms and factors, "
            f"but at most {_LONGEST} can be differentiated again; shorten it, or give source and boundary values instead"
        )
    return gradient
