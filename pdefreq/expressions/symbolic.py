"""Symbolic functions of the coordinates: a sympy tree, its derivatives, and its evaluation by torch.

Coordinates carry no assumptions, and what is piecewise in one real variable (abs, min, where ...) has a class here: sympy's own
classes reason about complex arguments and answer with `re`, `im` and unevaluated derivatives.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import sympy
import torch
from sympy import Add, Expr, Function, Integer, Mul, Symbol

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.shapes import Points


class _RealFunction(Function):
    """A function of real arguments; `fdiff` is its classical derivative, which holds almost everywhere."""

    template: ClassVar[str]  # how it is printed

    if TYPE_CHECKING:  # sympy declares that a call returns a class

        def __new__(cls, *args: Any) -> Self: ...

    @property
    def operands(self) -> tuple[Any, ...]:
        """The arguments, which sympy types as `Basic`."""
        return self.args

    def fdiff(self, argindex: int = 1) -> Expr:
        return Integer(0)

    def _sympystr(self, printer: Any) -> str:
        return self.template.format(*map(printer._print, self.args))


class Absolute(_RealFunction):
    """|u|."""

    nargs, template = 1, "abs({})"

    def fdiff(self, argindex: int = 1) -> Expr:
        return Sign(*self.operands)


class Sign(_RealFunction):
    """-1, 0 or 1."""

    nargs, template = 1, "sign({})"


class Maximum(_RealFunction):
    """The larger of two."""

    nargs, template = 2, "max({}, {})"

    def fdiff(self, argindex: int = 1) -> Expr:
        first, second = self.operands
        return Where(LessEqual(second, first), Integer(argindex == 1), Integer(argindex == 2))


class Minimum(_RealFunction):
    """The smaller of two."""

    nargs, template = 2, "min({}, {})"

    def fdiff(self, argindex: int = 1) -> Expr:
        first, second = self.operands
        return Where(LessEqual(first, second), Integer(argindex == 1), Integer(argindex == 2))


class Arctan2(_RealFunction):
    """The angle of the point (second, first), in (-pi, pi]."""

    nargs, template = 2, "atan2({}, {})"

    def fdiff(self, argindex: int = 1) -> Expr:
        y, x = self.operands
        return (x if argindex == 1 else -y) / (x**2 + y**2)


class BesselJ0(_RealFunction):
    """The Bessel function of the first kind of order 0."""

    nargs, template = 1, "j0({})"

    def fdiff(self, argindex: int = 1) -> Expr:
        return -BesselJ1(*self.operands)


class BesselJ1(_RealFunction):
    """The Bessel function of the first kind of order 1; its derivative is J0 - J1(u) / u, 1/2 at zero."""

    nargs, template = 1, "j1({})"

    def fdiff(self, argindex: int = 1) -> Expr:
        (u,) = self.operands
        return Where(Equal(u, Integer(0)), sympy.Rational(1, 2), BesselJ0(u) - self / u)


def _by_scipy(name: Literal["j0", "j1"], u: Tensor) -> Tensor:
    import scipy.special

    return torch.as_tensor(getattr(scipy.special, name)(u.detach().cpu().numpy()), dtype=u.dtype, device=u.device)


class _J0(torch.autograd.Function):
    """torch has no derivatives of the Bessel functions, and its values are off by 4e-7 just above 5: they are scipy's."""

    @staticmethod
    def forward(ctx: Any, u: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx.save_for_backward(u)
        return _by_scipy("j0", u)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        (u,) = ctx.saved_tensors
        return -g * _J1.apply(u)  # pyright: ignore[reportOperatorIssue]


class _J1(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, u: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx.save_for_backward(u)
        return _by_scipy("j1", u)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        (u,) = ctx.saved_tensors
        at_zero = u == 0
        ratio = _J1.apply(u) / torch.where(at_zero, 1.0, u)  # pyright: ignore[reportOperatorIssue]
        return g * torch.where(at_zero, 0.5, _J0.apply(u) - ratio)  # pyright: ignore[reportOperatorIssue]


class Where(_RealFunction):
    """The second argument where the first, a condition, holds; the third elsewhere."""

    nargs, template = 3, "where({}, {}, {})"


class Condition(_RealFunction):
    """Something that holds or does not at each point."""


class Less(Condition):
    """First < second."""

    nargs, template = 2, "{} < {}"


class LessEqual(Condition):
    """First <= second."""

    nargs, template = 2, "{} <= {}"


class Equal(Condition):
    """First == second."""

    nargs, template = 2, "{} == {}"


class Both(Condition):
    """All of the conditions hold."""

    def _sympystr(self, printer: Any) -> str:
        return " and ".join(map(_bracketed(printer), self.args))


class Either(Condition):
    """At least one of the conditions holds."""

    def _sympystr(self, printer: Any) -> str:
        return " or ".join(map(_bracketed(printer), self.args))


class Not(Condition):
    """The condition does not hold."""

    nargs, template = 1, "not ({})"


def _bracketed(printer: Any) -> Callable[[Any], str]:
    return lambda v: f"({printer._print(v)})" if isinstance(v, (Both, Either)) else printer._print(v)


FUNCTIONS: dict[str, tuple[Callable[..., Expr], int]] = {
    **{name: (getattr(sympy, name), 1) for name in ("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh")},
    **{name: (getattr(sympy, name), 1) for name in ("exp", "log", "sqrt", "erf")},
    "abs": (Absolute, 1),
    "sign": (Sign, 1),
    "min": (Minimum, 2),
    "max": (Maximum, 2),
    "atan2": (Arctan2, 2),
    "j0": (BesselJ0, 1),
    "j1": (BesselJ1, 1),
}
"""The functions of the language: name -> (constructor, number of arguments)."""

_TORCH: dict[type, Callable[..., Tensor]] = {
    **{getattr(sympy, name): getattr(torch, name) for name in ("sin", "cos", "tan", "asin", "acos", "atan")},
    **{getattr(sympy, name): getattr(torch, name) for name in ("sinh", "cosh", "tanh", "exp", "log", "erf")},
    Absolute: torch.abs,
    Sign: torch.sign,
    Maximum: torch.maximum,
    Minimum: torch.minimum,
    Arctan2: torch.atan2,
    BesselJ0: _J0.apply,
    BesselJ1: _J1.apply,
    Where: torch.where,
    Less: torch.lt,
    LessEqual: torch.le,
    Equal: torch.eq,
    Both: lambda *conditions: reduce(torch.logical_and, conditions),
    Either: lambda *conditions: reduce(torch.logical_or, conditions),
    Not: torch.logical_not,
}


def derivative(u: Expr, s: Symbol) -> Expr:
    """The partial derivative of `u` with respect to `s`.

    Powers with a constant exponent are differentiated as n v^(n-1) v', which is finite wherever the derivative is; sympy's own
    v^n n v' / v is 0 / 0 at the zeros of a product v.
    """
    known: dict[Expr, Expr] = {}

    def d(v: Any) -> Expr:
        if v not in known:
            known[v] = rule(v)
        return known[v]

    def rule(v: Any) -> Any:
        if v == s:
            return Integer(1)
        if not v.args:
            return Integer(0)
        if v.is_Add:
            return Add(*map(d, v.args))
        if v.is_Mul:
            return Add(*(Mul(*v.args[:i], d(w), *v.args[i + 1 :]) for i, w in enumerate(v.args) if d(w) != 0))
        if v.is_Pow:
            base, n = v.args
            if d(n) == 0:
                return n * base ** (n - 1) * d(base)
            return v * (d(n) * sympy.log(base) + n * d(base) / base)
        if isinstance(v, Where):
            condition, first, second = v.args
            return where(condition, d(first), d(second))
        return Add(*(v.fdiff(i) * d(w) for i, w in enumerate(v.args, 1) if not isinstance(w, Condition) and d(w) != 0))

    return d(u)


def where(condition: Any, first: Any, second: Any) -> Expr:
    """`Where`, unless the branches are the same or the condition is the same everywhere."""
    holds = constant_value(condition)
    if first == second or holds == 1:
        return first
    return second if holds == 0 else Where(condition, first, second)


class Program:
    """Several expressions compiled to one straight line of torch operations; what they share is evaluated once.

    Args:
        outputs: The expressions.
        coordinates: The symbols, in the order of the columns of the points.
    """

    def __init__(self, outputs: Sequence[Expr], coordinates: Sequence[Symbol]) -> None:
        self._coordinates = list(coordinates)
        self._slots: dict[Any, int] = {}
        self._steps: list[tuple[Callable[..., Any], tuple[int, ...]]] = []
        self._outputs = [self._slot(u) for u in outputs]

    def __call__(self, x: Points) -> list[Tensor]:
        """Values of each output at `x`, each of shape ``(n,)`` and in memory of its own."""
        values: list[Any] = []
        for function, operands in self._steps:
            values.append(function(x, *(values[i] for i in operands)))
        return [_tensor(x, values[i]).expand(x.shape[0]).clone() for i in self._outputs]

    def _slot(self, v: Any) -> int:
        if v not in self._slots:
            step = self._step(v), tuple(self._slot(w) for w in v.args) if _is_operation(v) else ()
            self._slots[v] = len(self._steps)
            self._steps.append(step)
        return self._slots[v]

    def _step(self, v: Any) -> Callable[..., Any]:
        if v in self._coordinates:
            column = self._coordinates.index(v)
            return lambda x: x[:, column]
        if not _is_operation(v):
            constant = float(v) if v.is_real else math.nan
            return lambda _: constant
        if v.is_Add:
            return lambda _, *terms: reduce(operator.add, terms)
        if v.is_Mul:
            return lambda _, *factors: reduce(operator.mul, factors)
        if v.is_Pow:
            return lambda x, base, exponent: torch.pow(_tensor(x, base), exponent)
        function = _TORCH[v.func]
        return lambda x, *arguments: function(*(_tensor(x, a) for a in arguments))


def _is_operation(v: Any) -> bool:
    return not v.is_Number and bool(v.args)


def _tensor(x: Tensor, value: Any) -> Tensor:
    return value if isinstance(value, torch.Tensor) else x.new_tensor(value)


def constant_value(u: Expr) -> float | None:
    """The value of an expression without coordinates, not finite where it has none; None for any other expression."""
    if u.free_symbols:
        return None
    return float(Program([u], ())(torch.zeros(1, 0, dtype=torch.float64))[0])


def size(u: Expr) -> int:
    """The number of nodes of the tree."""
    return sum(1 for _ in sympy.preorder_traversal(u))
