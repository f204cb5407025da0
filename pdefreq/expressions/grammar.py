"""The grammar of problem files: text -> `ast` -> a whitelist -> sympy. Text is never evaluated by Python.

An expression holds numbers, `pi`, coordinates (`x, y, z` or `x1 ... xd`), parameters, ``+ - * / **`` (or ``^``), the functions
of `pdefreq.expressions.symbolic`, ``where(condition, a, b)``, and ``sum(...)`` or ``prod(...)`` over the coordinates, in which
`xk` is the k-th one and `k` its number.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable
from typing import NoReturn, TypeVar

import sympy
import torch
from sympy import Expr, Integer

from pdefreq.domains.axes import axis_names
from pdefreq.errors import ProblemFileError
from pdefreq.expressions.scope import COORDINATE, Scope, exact_number, shorten
from pdefreq.expressions.symbolic import FUNCTIONS, Both, Condition, Either, Equal, Less, LessEqual, Not, constant_value, where
from pdefreq.registry import nearest

_LONGEST, _DEEPEST, _LARGEST = 10_000, 50, 5_000  # characters, levels, nodes (sums and products written out)
_HIGHEST_POWER = 1000  # sympy multiplies out exact powers of numbers
_HUGE = 10**300  # near the largest double

_T = TypeVar("_T", bound=Expr)

_COMPARISONS: dict[type, Callable[[Expr, Expr], Condition]] = {
    ast.Lt: Less,
    ast.LtE: LessEqual,
    ast.Gt: lambda a, b: Less(b, a),
    ast.GtE: lambda a, b: LessEqual(b, a),
    ast.Eq: Equal,
    ast.NotEq: lambda a, b: Not(Equal(a, b)),
}
_ALLOWED = "an expression holds numbers, pi, coordinates, parameters, + - * / **, functions and where(condition, a, b)"


class Parser:
    """One text on its way to sympy; each private method takes an `ast` node of a kind that may stand at its place.

    Args:
        text: The text.
        scope: The names it may use.
        key: Where the text stands, for messages: ``"[equation] source"``.
    """

    def __init__(self, text: str, scope: Scope, key: str) -> None:
        self._text = " ".join(text.split()).replace("^", "**")
        self._key = key
        self._scope = scope
        self._names = scope.names()
        self._nodes = 0
        self._depth = 0

    def expression(self) -> Expr:
        """The text as an expression.

        Raises:
            ProblemFileError: If it is none; one sentence names the key and the offending part.
        """
        return self._number(self._tree())

    def condition(self) -> Condition:
        """The text as a condition such as ``x < 0 and y > 0``.

        Raises:
            ProblemFileError: As `expression`.
        """
        return self._condition(self._tree())

    def _fail(self, what: str) -> NoReturn:
        raise ProblemFileError(f"{self._key}: {what}")

    def _show(self, node: ast.AST) -> str:
        return shorten(ast.get_source_segment(self._text, node) or self._text)

    def _tree(self) -> ast.expr:
        if not self._text:
            self._fail("the expression is empty")
        if len(self._text) > _LONGEST:
            self._fail(f"an expression may have {_LONGEST} characters at most, this one has {len(self._text)}")
        if "#" in self._text:
            self._fail(f"'#' can't stand in an expression, got {shorten(self._text)}")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Python's advice on odd literals
                return ast.parse(self._text, mode="eval").body
        except SyntaxError as error:
            place = shorten(self._text[max((error.offset or 1) - 1, 0) :])
            near = f" near {place}" if len(place) > 2 else ""
            self._fail(f"{shorten(self._text)} is not an expression: {_plain(error.msg)}{near}; write products with *, as 2*x")
        except (ValueError, MemoryError, RecursionError):
            self._fail(f"{shorten(self._text)} is nested too deeply or holds characters that no expression has")

    def _number(self, node: ast.expr) -> Expr:
        return self._checked(self._limited(self._build, node), node)

    def _condition(self, node: ast.expr) -> Condition:
        return self._limited(self._build_condition, node)

    def _limited(self, build: Callable[[ast.expr], _T], node: ast.expr) -> _T:
        self._nodes += 1
        if self._nodes > _LARGEST:
            self._fail(f"{shorten(self._text)} has more than {_LARGEST} operations once its sums and products are written out")
        if self._depth == _DEEPEST:
            self._fail(f"{shorten(self._text)} is nested more than {_DEEPEST} deep")
        self._depth += 1
        result = build(node)
        self._depth -= 1
        return result

    def _build(self, node: ast.expr) -> Expr:
        match node:
            case ast.Constant(value=bool() | str() | bytes() | None):
                self._fail(f"{self._show(node)} can't stand in an expression; {_ALLOWED}")
            case ast.Constant(value=int() | float() as value):
                return self._literal(value, node)
            case ast.Name(id=name):
                return self._name(name)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self._number(operand)
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self._number(operand)
            case ast.BinOp(op=ast.Add() | ast.Sub()):
                return sympy.Add(*(self._number(n) * (-1 if inverse else 1) for n, inverse in _chain(node, ast.Add, ast.Sub)))
            case ast.BinOp(op=ast.Mult() | ast.Div()):
                return sympy.Mul(*(self._factor(n, inverse) for n, inverse in _chain(node, ast.Mult, ast.Div)))
            case ast.BinOp(op=ast.Pow(), left=base, right=exponent):
                return self._power(self._number(base), self._number(exponent), node)
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                return self._call(name, arguments, node)
            case ast.Compare():
                self._fail(f"the comparison {self._show(node)} can stand only in where(condition, a, b)")
        self._fail(f"{self._show(node)} can't stand in an expression; {_ALLOWED}")

    def _literal(self, value: float, node: ast.expr) -> Expr:
        if abs(value) > _HUGE:
            self._fail(f"{self._show(node)} is too large")
        return exact_number(value)

    def _name(self, name: str) -> Expr:
        if name in self._names:
            return self._names[name]
        dimension = self._scope.dimension
        if name in ("k", "xk"):
            self._fail(f"'{name}' has a meaning only inside sum(...) and prod(...), which run over the coordinates")
        if COORDINATE.fullmatch(name):
            if dimension is None:
                self._fail(f"'{name}' is a coordinate, but here a number is wanted")
            last = axis_names(dimension)
            self._fail(f"there is no coordinate '{name}' in dimension {dimension}; coordinates are {_range(last)}")
        if name in FUNCTIONS or name in ("sum", "prod", "where"):
            self._fail(f"'{name}' is a function; write {name}(...)")
        known = {*self._names, *FUNCTIONS, "sum", "prod", "where"} - {"x1", "x2", "x3"}
        self._fail(f"unknown name {shorten(name)}: {nearest(name, known)}")

    def _factor(self, node: ast.expr, inverse: bool) -> Expr:
        value = self._number(node)
        if inverse and value.is_zero:
            self._fail(f"division by zero: {self._show(node)} is zero")
        return 1 / value if inverse else value

    def _power(self, base: Expr, exponent: Expr, node: ast.expr) -> Expr:
        b, e = constant_value(base), constant_value(exponent)
        if e is not None and abs(e) > _HIGHEST_POWER:
            self._fail(f"the exponent in {self._show(node)} must lie between -{_HIGHEST_POWER} and {_HIGHEST_POWER}, got {e:g}")
        if b is None:
            return base**exponent
        if e is None:
            if not b > 0:
                self._fail(f"{self._show(node)} raises {b:g} to a variable power; only positive numbers can be")
            return sympy.exp(exponent * sympy.Float(torch.tensor(b, dtype=torch.float64).log().item()))
        value = torch.tensor(b, dtype=torch.float64).pow(e).item()
        self._finite(value, node)
        return base**exponent if exponent.is_Integer and abs(e) <= 64 else exact_number(value)

    def _call(self, name: str, arguments: list[ast.expr], node: ast.expr) -> Expr:
        if name == "where":
            self._arity(name, arguments, 3)
            return where(self._condition(arguments[0]), self._number(arguments[1]), self._number(arguments[2]))
        if name in ("sum", "prod"):
            self._arity(name, arguments, 1)
            return self._over_coordinates(sympy.Add if name == "sum" else sympy.Mul, arguments[0])
        if name not in FUNCTIONS:
            if name in self._names:
                self._fail(f"'{name}' is not a function in {self._show(node)}; write products with *")
            self._fail(f"unknown function {shorten(name)}: {nearest(name, {*FUNCTIONS, 'sum', 'prod', 'where'})}")
        constructor, arity = FUNCTIONS[name]
        self._arity(name, arguments, arity)
        result = constructor(*map(self._number, arguments))
        value = constant_value(result)
        return result if value is None else exact_number(self._finite(value, node))

    def _arity(self, name: str, arguments: list[ast.expr], expected: int) -> None:
        if len(arguments) != expected:
            self._fail(f"{name}(...) takes {expected} argument{'s' * (expected > 1)}, got {len(arguments)}")

    def _over_coordinates(self, combine: Callable[..., Expr], body: ast.expr) -> Expr:
        coordinates = self._scope.coordinates
        if not coordinates:
            self._fail("sum(...) and prod(...) run over the coordinates, but here a number is wanted")
        outer, terms = self._names, []
        for k, xk in enumerate(coordinates, 1):
            self._names = outer | {"k": Integer(k), "xk": xk}
            terms.append(self._number(body))
        self._names = outer
        return combine(*terms)

    def _build_condition(self, node: ast.expr) -> Condition:
        match node:
            case ast.Compare(left=left, ops=operators, comparators=rest) if all(type(o) in _COMPARISONS for o in operators):
                sides = [self._number(side) for side in (left, *rest)]
                steps = [_COMPARISONS[type(o)](a, b) for o, a, b in zip(operators, sides, sides[1:], strict=False)]
                return Both(*steps) if len(steps) > 1 else steps[0]
            case ast.BoolOp(op=operation, values=values):
                return (Both if isinstance(operation, ast.And) else Either)(*map(self._condition, values))
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return Not(self._condition(operand))
        self._fail(f"{self._show(node)} is not a condition; write a comparison such as x < 0")

    def _finite(self, value: float, node: ast.expr) -> float:
        if not abs(value) < _HUGE:  # NaN too
            self._fail(f"{self._show(node)} is {'not a finite real number' if value != value else 'too large'}")
        return value

    def _checked(self, value: Expr, node: ast.expr) -> Expr:
        """Refuse what sympy made of the node if it holds no finite real number, or numbers beyond all floats."""
        if value.has(sympy.nan, sympy.zoo, sympy.oo, -sympy.oo, sympy.I):
            self._fail(f"{self._show(node)} is not a finite real number")
        for number in value.atoms(sympy.Number):
            if max(abs(n) for n in (number.as_numer_denom() if number.is_Rational else (number, 1))) > _HUGE:
                self._fail(f"{self._show(node)} holds a number that is too large")
        return value


def _chain(node: ast.expr, forward: type, backward: type) -> list[tuple[ast.expr, bool]]:
    """The operands of ``a + b - c`` (or of ``a * b / c``) and whether each is inverted: long sums need no recursion."""
    operands = []
    while isinstance(node, ast.BinOp) and isinstance(node.op, (forward, backward)):
        operands.append((node.right, isinstance(node.op, backward)))
        node = node.left
    return [(node, False), *reversed(operands)]


def _plain(message: str) -> str:
    """Python's message without its advice, in lower case."""
    message = re.sub(r"[.;?].*|\bPerhaps.*", "", message.split(". ")[0]).strip()
    return message[:1].lower() + message[1:]


def _range(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= 3 else f"{names[0]} ... {names[-1]}"
