"""The grammar of formulas in problem files: text -> `ast` -> allowed nodes -> sympy. Python never evaluates the text.

An expression contains numbers, `pi`, coordinates (`x, y, z` or `x1 ... xd`), parameters, ``+ - * / **`` (or ``^``), the functions
of `pdefreq.problem.expressions.functions`, ``where(condition, a, b)``, and ``sum(...)`` or ``prod(...)`` over the coordinates.
Inside a sum or product, `xk` is the k-th coordinate and `k` is its number; parameters with these names are refused there.
"""

from __future__ import annotations

import ast
import keyword
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

import torch
from sympy import Expr, Integer

from pdefreq.core.errors import FormulaError
from pdefreq.core.registry import nearest
from pdefreq.core.shapes import axis_names
from pdefreq.problem.expressions.arithmetic import add, exact_number, inverse, multiply, negative, power
from pdefreq.problem.expressions.functions import FUNCTIONS, Both, Condition, Either, Equal, Less, LessEqual, Not
from pdefreq.problem.expressions.scope import COORDINATE, Scope, shorten
from pdefreq.problem.expressions.symbolic import constant_value, known_value, where

_LONGEST, _DEEPEST, _LARGEST = 10_000, 50, 5_000  # characters, levels, nodes (sums and products written out)
_HIGHEST_POWER, _HIGHEST_EXACT_POWER = 1000, 64  # exact powers of numbers are multiplied out
_HUGE = 10**300  # near the largest double

_RUNNING = {"k": "the number of the coordinate", "xk": "the k-th coordinate"}

_T = TypeVar("_T", bound=Expr)

_COMPARISONS: dict[type, Callable[[Expr, Expr], Condition]] = {
    ast.Lt: Less,
    ast.LtE: LessEqual,
    ast.Gt: lambda a, b: Less(b, a),
    ast.GtE: lambda a, b: LessEqual(b, a),
    ast.Eq: Equal,
    ast.NotEq: lambda a, b: Not(Equal(a, b)),
}
_ALLOWED = "an expression may contain numbers, pi, coordinates, parameters, + - * / **, functions and where(condition, a, b)"


@dataclass(frozen=True)
class _Keywords:
    """Substitutes in Python's parser for parameters whose names are Python keywords, such as lambda."""

    stand_ins: Mapping[str, str]

    @classmethod
    def of(cls, parameters: Mapping[str, float], text: str) -> _Keywords:
        longest = max(map(len, re.findall(r"\w+", text)), default=0)
        return cls({name: name + "_" * longest for name in parameters if keyword.iskeyword(name)})  # no word of the text

    def replaced(self, text: str) -> str:
        return _renamed(text, self.stand_ins)

    def restored(self, text: str) -> str:
        return _renamed(text, {stand_in: word for word, stand_in in self.stand_ins.items()})


def _renamed(text: str, names: Mapping[str, str]) -> str:
    return re.sub(r"\w+", lambda match: names.get(match[0], match[0]), text) if names else text


class Parser:
    """A parser of a text. Its private methods convert `ast` nodes to sympy.

    Args:
        text: The text.
        scope: The names that the text may use.
        key: The key of the text, for messages: ``"[equation] source"``.
    """

    def __init__(self, text: str, scope: Scope, key: str) -> None:
        self._text = " ".join(text.split()).replace("^", "**")
        self._key = key
        self._scope = scope
        self._names = scope.names()
        self._ambiguous: frozenset[str] = frozenset()
        self._keywords = _Keywords.of(scope.parameters, self._text)
        self._nodes = 0
        self._depth = 0

    @property
    def _python(self) -> str:
        """The text in the syntax of Python's parser."""
        return self._keywords.replaced(self._text)

    def expression(self) -> Expr:
        """The text as an expression.

        Raises:
            ProblemFileError: If it is not a valid expression; the message contains the key and the invalid part.
        """
        return self._number(self._tree())

    def condition(self) -> Condition:
        """The text as a condition such as ``x < 0 and y > 0``.

        Raises:
            ProblemFileError: If it is not a valid condition; the message contains the key and the invalid part.
        """
        return self._condition(self._tree())

    def _fail(self, what: str) -> NoReturn:
        raise FormulaError(f"{self._key}: {what}", key=self._key, formula=self._text)

    def _show(self, node: ast.AST) -> str:
        return shorten(self._keywords.restored(ast.get_source_segment(self._python, node) or self._python))

    def _tree(self) -> ast.expr:
        if not self._text:
            self._fail("the expression is empty")
        if len(self._text) > _LONGEST:
            self._fail(f"an expression may have at most {_LONGEST} characters, got {len(self._text)}")
        if "#" in self._text:
            self._fail(f"'#' is not allowed in an expression, got {shorten(self._text)}")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # syntax warnings of Python about literals
                return ast.parse(self._python, mode="eval").body
        except SyntaxError as error:
            place = shorten(self._keywords.restored(self._python[max((error.offset or 1) - 1, 0) :]))
            near = f" near {place}" if len(place) > 2 else ""
            self._fail(f"{shorten(self._text)} is not an expression: {_plain(error.msg)}{near}; write products with *, as 2*x")
        except (ValueError, MemoryError, RecursionError):
            self._fail(f"{shorten(self._text)} is nested too deeply or contains invalid characters")

    def _number(self, node: ast.expr) -> Expr:
        return self._checked(self._limited(self._build, node), node)

    def _condition(self, node: ast.expr) -> Condition:
        return self._limited(self._build_condition, node)

    def _limited(self, build: Callable[[ast.expr], _T], node: ast.expr) -> _T:
        self._nodes += 1
        if self._nodes > _LARGEST:
            self._fail(f"{shorten(self._text)} has more than {_LARGEST} operations once its sums and products are written out")
        if self._depth == _DEEPEST:
            self._fail(f"{shorten(self._text)} is nested more than {_DEEPEST} levels deep")
        self._depth += 1
        result = build(node)
        self._depth -= 1
        return result

    def _build(self, node: ast.expr) -> Expr:
        match node:
            case ast.Constant(value=bool() | str() | bytes() | None):
                self._fail(f"{self._show(node)} is not allowed in an expression; {_ALLOWED}")
            case ast.Constant(value=int() | float() as value):
                return self._literal(value, node)
            case ast.Name(id=name):
                return self._name(self._keywords.restored(name))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return negative(self._number(operand))
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self._number(operand)
            case ast.BinOp(op=ast.Add() | ast.Sub()):
                return add(*(self._term(n, subtracted) for n, subtracted in _chain(node, ast.Add, ast.Sub)))
            case ast.BinOp(op=ast.Mult() | ast.Div()):
                return multiply(*(self._factor(n, divides) for n, divides in _chain(node, ast.Mult, ast.Div)))
            case ast.BinOp(op=ast.Pow(), left=base, right=exponent):
                return self._power(self._number(base), self._number(exponent), node)
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                return self._call(self._keywords.restored(name), arguments, node)
            case ast.Compare():
                self._fail(f"the comparison {self._show(node)} is allowed only in where(condition, a, b)")
        self._fail(f"{self._show(node)} is not allowed in an expression; {_ALLOWED}")

    def _literal(self, value: float, node: ast.expr) -> Expr:
        if abs(value) > _HUGE:
            self._fail(f"{self._show(node)} is too large")
        return exact_number(value)

    def _name(self, name: str) -> Expr:
        if name in self._ambiguous:
            self._fail(f"'{name}' is {_RUNNING[name]} inside sum(...) and prod(...), but also a parameter: rename the parameter")
        if name in self._names:
            return self._names[name]
        dimension = self._scope.dimension
        if name in _RUNNING:
            self._fail(f"'{name}' is defined only inside sum(...) and prod(...), which run over the coordinates")
        if COORDINATE.fullmatch(name):
            if dimension is None:
                self._fail(f"'{name}' is a coordinate, but a number is expected here")
            last = axis_names(dimension)
            self._fail(f"there is no coordinate '{name}' in dimension {dimension}; the coordinates are {_range(last)}")
        if name in FUNCTIONS or name in ("sum", "prod", "where"):
            self._fail(f"'{name}' is a function; write {name}(...)")
        if name == "u" and dimension is not None:
            self._fail(
                "'u' is the solution, but this formula may contain only coordinates and parameters; a term N(x, u) on the "
                'left-hand side is given by the key `nonlinear` of [equation], for example nonlinear = "-exp(u)"'
            )
        known = {*self._names, *FUNCTIONS, "sum", "prod", "where"} - {"x1", "x2", "x3"}
        self._fail(f"unknown name {shorten(name)}: {nearest(name, known)}")

    def _term(self, node: ast.expr, subtracted: bool) -> Expr:
        value = self._number(node)
        return negative(value) if subtracted else value

    def _factor(self, node: ast.expr, divides: bool) -> Expr:
        value = self._number(node)
        if divides and constant_value(value) == 0:
            self._fail(f"division by zero: {self._show(node)} is zero")
        return inverse(value) if divides else value

    def _power(self, base: Expr, exponent: Expr, node: ast.expr) -> Expr:
        b, e = constant_value(base), constant_value(exponent)
        if e is not None and abs(e) > _HIGHEST_POWER:
            self._fail(f"the exponent in {self._show(node)} must lie between -{_HIGHEST_POWER} and {_HIGHEST_POWER}, got {e:g}")
        if e is None and b is not None and not b > 0:
            self._fail(f"{self._show(node)} raises {b:g} to a variable power; the base must be a positive number")
        if b is None or e is None:
            return power(base, exponent)
        value = torch.tensor(b, dtype=torch.float64).pow(e).item()
        self._finite(value, node)
        exact = base.is_Rational and exponent.is_Integer and abs(e) <= _HIGHEST_EXACT_POWER
        return base**exponent if exact else exact_number(value)

    def _call(self, name: str, arguments: list[ast.expr], node: ast.expr) -> Expr:
        if name == "where":
            self._arity(name, arguments, 3)
            return where(self._condition(arguments[0]), self._number(arguments[1]), self._number(arguments[2]))
        if name in ("sum", "prod"):
            self._arity(name, arguments, 1)
            return self._over_coordinates(add if name == "sum" else multiply, name, arguments[0])
        if name not in FUNCTIONS:
            if name in self._names:
                self._fail(f"'{name}' is not a function in {self._show(node)}; write products with *")
            self._fail(f"unknown function {shorten(name)}: {nearest(name, {*FUNCTIONS, 'sum', 'prod', 'where'})}")
        constructor, arity = FUNCTIONS[name]
        self._arity(name, arguments, arity)
        result = constructor(*map(self._number, arguments))
        value = known_value(result)
        return result if value is None else exact_number(self._finite(value, node))

    def _arity(self, name: str, arguments: list[ast.expr], expected: int) -> None:
        if len(arguments) != expected:
            self._fail(f"{name}(...) takes {expected} argument{'s' * (expected > 1)}, got {len(arguments)}")

    def _over_coordinates(self, combine: Callable[..., Expr], name: str, body: ast.expr) -> Expr:
        coordinates = self._scope.coordinates
        if not coordinates:
            self._fail("sum(...) and prod(...) run over the coordinates, but a number is expected here")
        outer, terms = (self._names, self._ambiguous), []
        self._ambiguous = frozenset(_RUNNING) & self._scope.parameters.keys()
        for k, xk in enumerate(coordinates, 1):
            self._names = outer[0] | {"k": Integer(k), "xk": xk}
            terms.append(self._number(body))
        self._names, self._ambiguous = outer
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
        if not abs(value) < _HUGE:  # also refuses NaN
            self._fail(f"{self._show(node)} is {'not a finite real number' if value != value else 'too large'}")
        return value

    def _checked(self, value: Any, node: ast.expr) -> Expr:
        """Check that the numbers of a node are real and representable as floats. Its operands have been checked before."""
        for number in (value, *value.args):
            if number.is_Number and not number.is_real:
                self._fail(f"{self._show(node)} is not a finite real number")
            if number.is_Number and max(abs(n) for n in _parts(number)) > _HUGE:
                self._fail(f"{self._show(node)} contains a number that is too large")
        return value


def _parts(number: Any) -> tuple[Any, ...]:
    return (number.p, number.q) if number.is_Rational else (number,)


def _chain(node: ast.expr, forward: type, backward: type) -> list[tuple[ast.expr, bool]]:
    """The operands of ``a + b - c`` (or of ``a * b / c``), and whether each is inverted, without recursion for long sums."""
    operands = []
    while isinstance(node, ast.BinOp) and isinstance(node.op, (forward, backward)):
        operands.append((node.right, isinstance(node.op, backward)))
        node = node.left
    return [(node, False), *reversed(operands)]


def _plain(message: str) -> str:
    """The message of Python without its suggestion, in lower case."""
    message = re.sub(r"[.;?].*|\bPerhaps.*", "", message.split(". ")[0]).strip()
    return message[:1].lower() + message[1:]


def _range(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= 3 else f"{names[0]} ... {names[-1]}"
