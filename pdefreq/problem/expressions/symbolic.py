"""Derivatives of symbolic expressions in the coordinates, and evaluation of expressions by torch."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING, Any

import sympy
import torch
from sympy import Expr, Integer, Symbol

from pdefreq.problem.expressions.arithmetic import add, collected, divide, divisor, multiply, power, subtract
from pdefreq.problem.expressions.functions import TORCH, Condition, Logarithm, Where

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Points


def derivative(u: Expr, s: Symbol) -> Expr:
    """The partial derivative of `u` with respect to `s`.

    The derivative of a power v^n with a constant exponent n >= 0 is n v^(n-1) v', which is finite at the zeros of v. For n < 0,
    for example for a divisor, it is v^n (n v' / v), because v^(n-1) may underflow where v^n does not.
    """
    known: dict[Expr, Expr] = {}

    def d(v: Any) -> Expr:
        if v not in known:
            known[v] = rule(v)
        return known[v]

    def rule(v: Any) -> Expr:
        if v == s:
            return Integer(1)
        if not v.args:
            return Integer(0)
        if v.is_Add:
            return add(*map(d, v.args))
        if v.is_Mul:
            return add(*(of_factor(v, i, w) for i, w in enumerate(v.args) if d(w) != 0))
        if v.is_Pow:
            base, n = v.args
            if d(n) != 0:
                return multiply(v, add(multiply(d(n), Logarithm(base)), divide(multiply(d(base), n), base)))
            return multiply(v, relative(v)) if is_negative(n) else collected(n, power(base, subtract(n, Integer(1))), d(base))
        if isinstance(v, Where):
            condition, first, second = v.args
            return where(condition, d(first), d(second))
        slopes = ((d(w), v.fdiff(i)) for i, w in enumerate(v.args, 1) if not isinstance(w, Condition) and d(w) != 0)
        return add(*(collected(inner, outer) for inner, outer in slopes))

    def of_factor(v: Any, i: int, w: Any) -> Expr:
        """The derivative of a product with respect to its i-th factor."""
        if w.is_Pow and d(w.exp) == 0 and is_negative(w.exp):
            return multiply(v, relative(w))
        return collected(*v.args[:i], d(w), *v.args[i + 1 :])

    def relative(v: Any) -> Expr:
        """The logarithmic derivative v' / v of a power with a constant exponent."""
        base, n = v.args
        return divide(multiply(d(base), n), base)

    return d(u)


def substituted(u: Expr, s: Symbol, value: Expr) -> Expr:
    """The expression with a symbol replaced by a value; the operations and their order do not change."""
    known: dict[Any, Any] = {s: value}

    def replaced(v: Any) -> Any:
        if v not in known:
            known[v] = rebuilt(v) if v.has(s) else v
        return known[v]

    def rebuilt(v: Any) -> Any:
        build = add if v.is_Add else multiply if v.is_Mul else power if v.is_Pow else v.func
        return build(*map(replaced, v.args))

    return replaced(u)


def is_negative(n: Expr) -> bool:
    """Whether an expression is a negative number."""
    return bool(n.is_Number and n.is_negative)


def where(condition: Any, first: Any, second: Any) -> Expr:
    """A `Where` expression, simplified if the branches are equal or the condition is constant."""
    holds = constant_value(condition)
    if first == second or holds == 1:
        return first
    return second if holds == 0 else Where(condition, first, second)


class Program:
    """Expressions compiled to a sequence of torch operations, in which common subexpressions are evaluated once.

    Sums and products are evaluated from left to right; a quotient is a single division.

    Args:
        outputs: The expressions.
        coordinates: The symbols, in the order of the columns of the points.
    """

    def __init__(self, outputs: Sequence[Expr], coordinates: Sequence[Symbol]) -> None:
        self._source = tuple(outputs), tuple(coordinates)
        self._columns = {symbol: column for column, symbol in enumerate(coordinates)}
        self._known: dict[Any, int] = {}  # expression -> slot
        self._slots: dict[tuple[Hashable, tuple[int, ...]], int] = {}  # operation and slots of its operands -> slot
        self._steps: list[tuple[Callable[..., Any], tuple[int, ...]]] = []
        self._outputs = [self._slot(u) for u in outputs]

    def __reduce__(self) -> tuple[type[Program], tuple[Any, ...]]:
        return Program, self._source  # the steps can't be pickled, and are compiled again

    def __call__(self, x: Points) -> list[Tensor]:
        """The values of the outputs at `x`, each of shape ``(n,)`` and in separate memory."""
        values: list[Any] = []
        for function, operands in self._steps:
            values.append(function(x, *(values[i] for i in operands)))
        return [_tensor(x, values[i]).expand(x.shape[0]).clone() for i in self._outputs]

    def _slot(self, v: Any) -> int:
        if v not in self._known:
            self._known[v] = self._compiled(v)
        return self._known[v]

    def _compiled(self, v: Any) -> int:
        if v in self._columns:
            column = self._columns[v]
            return self._step(v, lambda x: x[:, column])
        if v.is_Number or not v.args:
            constant = float(v) if v.is_real else math.nan
            return self._step(v, lambda _: constant)
        if v.is_Add:
            first, *rest = map(self._slot, v.args)
            for slot in rest:
                first = self._step("add", _on_numbers(operator.add), first, slot)
            return first
        if v.is_Mul:
            first = self._slot(v.args[0])
            for w in v.args[1:]:
                below = divisor(w)
                first = self._times(first, w) if below is None else self._over(first, below)
            return first
        if v.is_Pow:
            if v.exp == -1:
                return self._over(self._slot(Integer(1)), v.base)
            return self._step("pow", lambda x, base, exponent: torch.pow(_tensor(x, base), exponent), *map(self._slot, v.args))
        function = TORCH[v.func]
        return self._step(v.func, lambda x, *values: function(*(_tensor(x, a) for a in values)), *map(self._slot, v.args))

    def _times(self, slot: int, w: Any) -> int:
        return self._step("multiply", _on_numbers(operator.mul), slot, self._slot(w))

    def _over(self, slot: int, below: Any) -> int:
        # For a number divided by a tensor, torch multiplies by the reciprocal, which rounds twice. So both are tensors.
        return self._step("divide", lambda x, a, b: torch.div(_tensor(x, a), _tensor(x, b)), slot, self._slot(below))

    def _step(self, operation: Hashable, function: Callable[..., Any], *operands: int) -> int:
        """The slot of an operation on slots; an operation that occurred before keeps its slot."""
        key = operation, operands
        if key not in self._slots:
            self._slots[key] = len(self._steps)
            self._steps.append((function, operands))
        return self._slots[key]


def _on_numbers(function: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    return lambda _, a, b: function(a, b)


def _tensor(x: Tensor, value: Any) -> Tensor:
    return value if isinstance(value, torch.Tensor) else x.new_tensor(value)


def constant_value(u: Expr) -> float | None:
    """The value of an expression without coordinates, which need not be finite; None for any other expression."""
    if u.free_symbols:
        return None
    return float(Program([u], ())(torch.zeros(1, 0, dtype=torch.float64))[0])


def known_value(u: Any) -> float | None:
    """The value as in `constant_value`, but exact if sympy has an exact value, such as 0 for sin(pi)."""
    value = constant_value(u)
    counterpart = getattr(u, "exact", None)
    if value is None or counterpart is None:
        return value
    exact = counterpart(*(operand.doit() for operand in u.args))
    return float(exact) if exact.is_Rational else math.nan if exact.is_finite is False else value


def size(u: Expr) -> int:
    """The number of nodes of the expression tree."""
    return sum(1 for _ in sympy.preorder_traversal(u))
