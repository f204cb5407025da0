"""Data that follow from an exact solution: source and boundary fluxes, by symbolic differentiation."""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Add, Expr, Integer, Symbol

from pdefreq.errors import ProblemFileError
from pdefreq.expressions.scope import exact_number
from pdefreq.expressions.symbolic import Less, derivative, size, where

_LONGEST = 5_000  # nodes of a first derivative: the second ones of longer formulas take minutes


def source(u: Expr, diffusion: Expr, reaction: Expr, exponent: float, coordinates: Sequence[Symbol]) -> Expr:
    """The f for which u solves -div( a |grad u|^(p-2) grad u ) + c u = f.

    With q = grad u and H the Hessian, f = -|q|^(p-2) ( a lap u + grad a . q + (p-2) a q^T H q / |q|^2 ) + c u. Where q = 0 the
    limit is c u for p > 2. For p < 2 it is c u where H vanishes too, as it does wherever u is constant; else it is infinite.

    Raises:
        ProblemFileError: If u is too long to be differentiated twice.
    """
    a, p = diffusion, exact_number(exponent)
    if a.is_zero:
        return reaction * u
    q = _gradient(u, coordinates)
    hessian = [[derivative(slope, s) for s in coordinates] for slope in q] if p != 2 else []
    laplacian = Add(*(derivative(slope, s) for slope, s in zip(q, coordinates, strict=True)))
    transport = Add(*(derivative(a, s) * slope for slope, s in zip(q, coordinates, strict=True)))
    if p == 2:
        return -(a * laplacian + transport) + reaction * u
    square = Add(*(slope**2 for slope in q))
    if square.is_zero:
        return reaction * u
    curvature = Add(*(hessian[i][j] * q[i] * q[j] for i in range(len(q)) for j in range(len(q))))
    divergence = square ** (p / 2 - 1) * (a * laplacian + transport + (p - 2) * a * curvature / square)
    at_zero = Integer(0)
    if p < 2:
        bend = Add(*(entry**2 for row in hessian for entry in row))
        at_zero = where(Less(0, bend), 1 / square, Integer(0))
    return -where(Less(0, square), divergence, at_zero) + reaction * u


def flux(u: Expr, diffusion: Expr, alpha: Expr, exponent: float, coordinates: Sequence[Symbol], normal: Sequence[Expr]) -> Expr:
    """The Robin data a |grad u|^(p-2) du/dn + alpha u of u where the outward unit normal is `normal`."""
    p = exact_number(exponent)
    q = _gradient(u, coordinates)
    outward = diffusion * Add(*(n * slope for n, slope in zip(normal, q, strict=True)))
    if p != 2:
        square = Add(*(slope**2 for slope in q))
        outward = where(Less(0, square), square ** (p / 2 - 1) * outward, Integer(0)) if not square.is_zero else Integer(0)
    return outward + alpha * u


def _gradient(u: Expr, coordinates: Sequence[Symbol]) -> list[Expr]:
    gradient = [derivative(u, s) for s in coordinates]
    longest = max(map(size, gradient))
    if longest > _LONGEST:
        raise ProblemFileError(
            f"[equation] exact: its derivative has {longest} terms and factors, "
            f"and {_LONGEST} at most can be differentiated again; shorten it, or give source and boundary values instead"
        )
    return gradient
