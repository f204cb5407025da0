"""Data that follow from an exact solution: source and boundary fluxes, by symbolic differentiation."""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Expr, Integer, Symbol

from pdefreq.errors import ProblemFileError
from pdefreq.expressions.arithmetic import add, divide, exact_number, inverse, multiply, negative, power, subtract
from pdefreq.expressions.functions import Less
from pdefreq.expressions.symbolic import derivative, size, where

_LONGEST = 5_000  # nodes of a first derivative: the second ones of longer formulas take minutes


def source(u: Expr, diffusion: Expr, reaction: Expr, exponent: float, coordinates: Sequence[Symbol]) -> Expr:
    """The f for which u solves -div( a |grad u|^(p-2) grad u ) + c u = f.

    With q = grad u and H the Hessian, f = -|q|^(p-2) ( a lap u + grad a . q + (p-2) a q^T H q / |q|^2 ) + c u. Where q = 0 the
    limit is c u for p > 2. For p < 2 it is c u where H vanishes too, as it does wherever u is constant; else it is infinite.

    Raises:
        ProblemFileError: If u is too long to be differentiated twice.
    """
    a, p, sink = diffusion, exact_number(exponent), multiply(reaction, u)
    if a == 0:
        return sink
    q = _gradient(u, coordinates)
    hessian = [[derivative(slope, s) for s in coordinates] for slope in q] if p != 2 else []
    laplacian = add(*(derivative(slope, s) for slope, s in zip(q, coordinates, strict=True)))
    transport = add(*(multiply(derivative(a, s), slope) for slope, s in zip(q, coordinates, strict=True)))
    linear = add(multiply(a, laplacian), transport)
    if p == 2:
        return add(negative(linear), sink)
    square = _square(q)
    if square == 0:
        return sink
    curvature = add(*(multiply(hessian[i][j], q[i], q[j]) for i in range(len(q)) for j in range(len(q))))
    excess = multiply(subtract(p, Integer(2)), a, divide(curvature, square))
    divergence = multiply(_size_power(square, p), add(linear, excess))
    at_zero = Integer(0)
    if p < 2:
        bend = add(*(power(entry, Integer(2)) for row in hessian for entry in row))
        at_zero = where(Less(0, bend), inverse(square), Integer(0))
    return add(negative(where(Less(0, square), divergence, at_zero)), sink)


def flux(u: Expr, diffusion: Expr, alpha: Expr, exponent: float, coordinates: Sequence[Symbol], normal: Sequence[Expr]) -> Expr:
    """The Robin data a |grad u|^(p-2) du/dn + alpha u of u where the outward unit normal is `normal`."""
    p = exact_number(exponent)
    q = _gradient(u, coordinates)
    outward = multiply(diffusion, add(*(multiply(n, slope) for n, slope in zip(normal, q, strict=True))))
    if p != 2:
        square = _square(q)
        outward = where(Less(0, square), multiply(_size_power(square, p), outward), Integer(0))
    return add(outward, multiply(alpha, u))


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
        raise ProblemFileError(
            f"[equation] exact: its derivative has {longest} terms and factors, "
            f"and {_LONGEST} at most can be differentiated again; shorten it, or give source and boundary values instead"
        )
    return gradient
