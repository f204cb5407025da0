"""Expressions as canonical text, such as ``add(1, sin(mul(pi, x)))``.

`from_canonical` gives the same sympy expression, its arguments in the same order, and so the same values bit for bit.
The language of problem files would not: its limits and simplifications are meant for what people write.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import sympy
from sympy import Add, Float, Integer, Mul, Pow, Rational

from pdefreq.problem.expressions.functions import FUNCTIONS, Both, Either, Equal, Less, LessEqual, Not, Where
from pdefreq.problem.expressions.scope import Scope

_CONSTANTS: dict[str, Any] = {"pi": sympy.pi}
_ARITHMETIC: dict[str, type] = {"add": Add, "mul": Mul, "pow": Pow}
_FUNCTIONS: dict[str, type] = {
    "where": Where,
    "less": Less,
    "less_equal": LessEqual,
    "equal": Equal,
    "both": Both,
    "either": Either,
    "negated": Not,
} | {name: constructor for name, (constructor, _) in FUNCTIONS.items() if isinstance(constructor, type)}
_NAMES = {constructor: name for name, constructor in (_ARITHMETIC | _FUNCTIONS).items()}
_OPERATIONS: dict[str, Callable[..., Any]] = {
    name: partial(constructor, evaluate=False) for name, constructor in _ARITHMETIC.items()
} | _FUNCTIONS
_DEEPEST = 150  # levels; Python's parser stops at 200
_LARGEST = 10**300
_MOST_COORDINATES = 10_000


def to_canonical(expression: Any, _level: int = 0) -> str:
    """The text of an expression or a condition.

    Raises:
        ValueError: If it holds something that no problem file can express, or is nested too deeply.
    """
    if expression.is_Rational:
        return str(int(expression)) if expression.is_Integer else f"rational({expression.p}, {expression.q})"
    if expression.is_Float:
        return repr(float(expression))
    if expression.is_Symbol:
        return str(expression.name)
    for name, constant in _CONSTANTS.items():
        if expression is constant:
            return name
    if expression.func not in _NAMES or _level == _DEEPEST:
        raise ValueError(f"'{expression}' can't be written")
    return f"{_NAMES[expression.func]}({', '.join(to_canonical(operand, _level + 1) for operand in expression.args)})"


def from_canonical(text: str, dimension: int, unknowns: Sequence[str] = ()) -> Any:
    """The expression or condition that a text stands for: the inverse of `to_canonical`.

    Args:
        text: What `to_canonical` returned.
        dimension: The number of coordinates.
        unknowns: Further names that stand for themselves.

    Raises:
        ValueError: If the text is no expression.
    """
    if not (isinstance(dimension, int) and 0 < dimension <= _MOST_COORDINATES):
        raise ValueError(f"an expression has 1 to {_MOST_COORDINATES} coordinates, got {dimension!r}")
    if not isinstance(text, str):
        raise ValueError(f"an expression is a text, got {str(text)[:60]}")
    try:
        node = ast.parse(text, mode="eval").body
    except (SyntaxError, MemoryError, RecursionError):
        raise ValueError(f"'{text[:60]}' is no expression") from None
    variables = Scope(dimension, unknowns=tuple(map(str, unknowns))).variables
    return _read(node, _CONSTANTS | {symbol.name: symbol for symbol in variables})


def _read(node: ast.expr, names: Mapping[str, Any]) -> Any:
    match node:
        case ast.Call(func=ast.Name(id="rational"), args=operands, keywords=[]):
            return Rational(*(_whole(operand) for operand in operands))
        case ast.Call(func=ast.Name(id=name), args=operands, keywords=[]) if name in _OPERATIONS and operands:
            return _OPERATIONS[name](*(_read(operand, names) for operand in operands))
        case ast.Name(id=name) if name in names:
            return names[name]
        case ast.Constant(value=float() as value):
            return Float(value)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=float() as value)):
            return Float(-value)
        case ast.Constant() | ast.UnaryOp():
            return Integer(_whole(node))
    raise ValueError(f"'{ast.unparse(node)[:60]}' is no part of an expression")


def _whole(node: ast.expr) -> int:
    match node:
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_whole(operand)
        case ast.Constant(value=int() as value) if not isinstance(value, bool) and value <= _LARGEST:
            return value
    raise ValueError(f"'{ast.unparse(node)[:60]}' is no number of a reasonable size")
