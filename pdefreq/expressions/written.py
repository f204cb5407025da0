"""Expressions as plain data: nested lists in prefix notation, such as ``["+", ["sin", ["*", "pi", "x"]], 1]``.

Reading what was written gives the same sympy expression, its arguments in the same order, and so the same values bit for bit.
The text of a problem file would not: it is parsed with the limits and the simplifications that are meant for people.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy
from sympy import Add, Expr, Float, Integer, Mul, Pow, Rational

from pdefreq.expressions.scope import Scope
from pdefreq.expressions.symbolic import FUNCTIONS, Both, Either, Equal, Less, LessEqual, Not, Where

_CONSTANTS: dict[str, Any] = {"pi": sympy.pi, "e": sympy.E}
_OPERATIONS: dict[str, Callable[..., Any]] = {
    "+": Add,
    "*": Mul,
    "**": Pow,
    "where": Where,
    "<": Less,
    "<=": LessEqual,
    "==": Equal,
    "and": Both,
    "or": Either,
    "not": Not,
} | {name: constructor for name, (constructor, _) in FUNCTIONS.items() if isinstance(constructor, type)}
_NAMES = {constructor: name for name, constructor in _OPERATIONS.items()}
_LARGEST = 10**300
_MOST_COORDINATES = 10_000
_HIGHEST_POWER = 1000  # of numbers, which sympy multiplies out


def written(expression: Any) -> Any:
    """An expression or a condition as plain data.

    Raises:
        ValueError: If it holds something that no problem file can express.
    """
    if expression.is_Integer:
        return int(expression)
    if expression.is_Rational:
        return ["/", int(expression.p), int(expression.q)]
    if expression.is_Float:
        return float(expression)
    if expression.is_Symbol:
        return str(expression.name)
    for name, constant in _CONSTANTS.items():
        if expression == constant:
            return name
    if expression.func in _NAMES and expression.args:
        return [_NAMES[expression.func], *map(written, expression.args)]
    raise ValueError(f"'{expression}' can't be written")


def read(data: Any, dimension: int) -> Any:
    """The inverse of `written`.

    Args:
        data: What it returned; lists may have become tuples.
        dimension: The number of coordinates.

    Raises:
        ValueError: If the data are no expression.
    """
    if not (isinstance(dimension, int) and 0 < dimension <= _MOST_COORDINATES):
        raise ValueError(f"an expression has 1 to {_MOST_COORDINATES} coordinates, got {dimension!r}")
    symbols = {symbol.name: symbol for symbol in Scope(dimension).coordinates}
    return _read(data, _CONSTANTS | symbols)


def _read(data: Any, names: dict[str, Any]) -> Any:
    if isinstance(data, (list, tuple)) and data and isinstance(data[0], str):
        head, *operands = data
        if head == "/":
            return Rational(*(_whole(operand) for operand in operands))
        if head in _OPERATIONS and operands:
            arguments = [_read(operand, names) for operand in operands]
            return _power(*arguments) if head == "**" else _OPERATIONS[head](*arguments)
    if isinstance(data, float):
        return Float(data)
    if isinstance(data, int):
        return Integer(_whole(data))
    if isinstance(data, str) and data in names:
        return names[data]
    raise ValueError(f"{str(data)[:60]!r} is no part of an expression")


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > _LARGEST:
        raise ValueError(f"{str(value)[:60]!r} is no whole number of a reasonable size")
    return value


def _power(base: Expr, exponent: Expr) -> Expr:
    if base.is_Number and exponent.is_Number and not abs(exponent) <= _HIGHEST_POWER:
        raise ValueError(f"a number is raised to the power {exponent}, more than {_HIGHEST_POWER}")
    power = base**exponent
    if power.is_Number and not abs(power) <= _LARGEST:
        raise ValueError(f"a power is a number of more than {_LARGEST:.0e}")
    return power
