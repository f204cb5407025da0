"""Sums, products, quotients and powers that preserve the order of operations.

The operators of sympy rewrite their operands: they distribute numbers over sums, merge and split powers and exponentials, and
reorder terms. The rewritten formula has the same value in exact arithmetic, but not in floating point: exp((x - 1)/0.001) becomes
exp(-1000) exp(1000 x), which is 0 times infinity. The functions of this module build trees that sympy does not rewrite. They make
only simplifications that hold for all finite values. Rounding differs only in arithmetic with numbers, which is exact for
integers and their quotients:

- ``0 + u``, ``1 * u`` and ``u**1`` are u; ``0 * u``, ``u - u`` and ``u**0`` are numbers.
- Leading numbers are combined: ``2 * 3 * x`` is ``6 * x``. Integers and their quotients are exact, all others are doubles.
- ``(a + b) + c`` is ``a + b + c``, and ``(a * b) * c`` is ``a * b * c``, which are evaluated from left to right.

A quotient a / b is stored as the product of a and b**(-1) and evaluated by a division.
"""

from __future__ import annotations

from typing import Any

from sympy import Add, Expr, Float, Integer, Mul, Pow

_EXACT = 10**15  # integers up to this size are exact doubles
_ZERO, _ONE, _MINUS_ONE = Integer(0), Integer(1), Integer(-1)


def exact_number(value: float) -> Expr:
    """A sympy number, exact for integers, so that x^2.0 equals x^2."""
    return Integer(value) if float(value).is_integer() and abs(value) < _EXACT else Float(value)


def add(*terms: Expr) -> Expr:
    """The sum of the terms, from left to right."""
    if len(terms) > 1 and terms[1] == negative(terms[0]):
        return add(*terms[2:])
    kept: list[Any] = []
    for term in terms:
        if term.is_Add and not kept:
            kept += term.args
        elif len(kept) == 1 and (number := _sum(kept[0], term)) is not None:
            kept = [] if number == _ZERO else [number]
        elif term != _ZERO:
            kept.append(term)
    return Add(*kept, evaluate=False)


def negative(u: Expr) -> Expr:
    """The negative of u."""
    return multiply(_MINUS_ONE, u)


def subtract(a: Expr, b: Expr) -> Expr:
    """The difference of a and b."""
    return add(a, negative(b))


def multiply(*factors: Expr) -> Expr:
    """The product of the factors, from left to right."""
    if any(factor == _ZERO for factor in factors):
        return _ZERO
    kept: list[Expr] = []

    def take(factor: Any) -> None:
        if factor.is_Mul and kept in ([], [_MINUS_ONE]):  # the position of a sign does not affect rounding
            for part in factor.args:
                take(part)
        elif len(kept) <= 1 and (number := _product(kept[0] if kept else _ONE, factor)) is not None:
            kept[:] = [] if number == _ONE else [number]
        elif factor != _ONE:
            kept.append(factor)

    for factor in factors:
        take(factor)
    return Mul(*kept, evaluate=False)


def collected(*factors: Expr) -> Expr:
    """The product of the factors with the numbers in front, for derived formulas, in which the order of factors is arbitrary.

    Factors with divisors stay together, because their parts may overflow.
    """
    numbers: list[Any] = []
    others: list[Any] = []

    def take(factor: Any) -> None:
        if factor.is_Number:
            numbers.append(factor)
        elif factor.is_Mul and not any(w.is_Pow and divisor(w) is not None for w in factor.args):
            for part in factor.args:
                take(part)
        else:
            others.append(factor)

    for factor in factors:
        take(factor)
    return multiply(*numbers, *others)


def inverse(u: Expr) -> Expr:
    """The inverse 1 / u."""
    return _ONE / u if u.is_Rational and u != _ZERO else Pow(u, _MINUS_ONE, evaluate=False)


def divide(a: Expr, b: Expr) -> Expr:
    """The quotient of a and b."""
    return multiply(a, inverse(b))


def power(base: Expr, exponent: Expr) -> Expr:
    """The base raised to the exponent."""
    if exponent == _ZERO:
        return _ONE
    return base if exponent == _ONE else Pow(base, exponent, evaluate=False)


def divisor(u: Any) -> Expr | None:
    """The divisor v of a factor u = 1 / v, which is evaluated by a division; None for any other factor."""
    if u.is_Pow and u.exp == _MINUS_ONE:
        return u.base
    return Integer(u.q) if u.is_Rational and u.p == 1 and u.q != 1 else None


def _sum(a: Expr, b: Expr) -> Expr | None:
    """The sum of two numbers, or None if an operand is not a number."""
    if not (a.is_Number and b.is_Number):
        return None
    return a + b if a.is_Rational and b.is_Rational else exact_number(float(a) + float(b))


def _product(a: Expr, b: Expr) -> Expr | None:
    """The product of a number and a number or inverse of a number, or None for other factors."""
    if a.is_Rational and b.is_Rational:
        return a * b
    below = divisor(b)
    if not a.is_Number or not (b.is_Number if below is None else below.is_Number and below != _ZERO):
        return None
    return exact_number(float(a) * float(b) if below is None else float(a) / float(below))
