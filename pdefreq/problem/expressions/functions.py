"""The functions of the language: sympy classes without automatic rewriting, their derivatives, and their evaluation by torch.

Arguments are real. The built-in classes of sympy rewrite their arguments, and the piecewise ones (abs, min, where, ...) assume
complex arguments, so that derivatives contain `re`, `im` and unevaluated derivatives.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, reduce
from typing import TYPE_CHECKING, Any, ClassVar, Self

import sympy
import torch
from sympy import Expr, Function, Integer, Rational

from pdefreq.problem.expressions.arithmetic import add, divide, inverse, multiply, negative, power, subtract
from pdefreq.problem.expressions.bessel import bessel_j

if TYPE_CHECKING:
    from torch import Tensor

_ONE, _TWO, _HALF = Integer(1), Integer(2), Rational(1, 2)


class RealFunction(Function):
    """A function of real arguments; `fdiff` is its classical derivative, which holds almost everywhere."""

    exact: ClassVar[type[Function] | None] = None  # the sympy class that evaluates exact values such as sin(pi) = 0

    def __new__(cls, *args: Any) -> Self:
        return super().__new__(cls, *args, evaluate=False)  # pyright: ignore[reportReturnType]  # sympy declares another type

    @property
    def operands(self) -> tuple[Any, ...]:
        """The arguments, which sympy types as `Basic`."""
        return self.args

    def fdiff(self, argindex: int = 1) -> Expr:
        return Integer(0)


def square_root(u: Expr) -> Expr:
    """The square root as a power."""
    return power(u, _HALF)


class Sine(RealFunction):
    """The sine."""

    nargs, exact = 1, sympy.sin

    def fdiff(self, argindex: int = 1) -> Expr:
        (u,) = self.operands
        return Cosine(u)


class Cosine(RealFunction):
    """The cosine."""

    nargs, exact = 1, sympy.cos

    def fdiff(self, argindex: int = 1) -> Expr:
        (u,) = self.operands
        return negative(Sine(u))


class Tangent(RealFunction):
    """The tangent."""

    nargs, exact = 1, sympy.tan

    def fdiff(self, argindex: int = 1) -> Expr:
        return add(_ONE, power(self, _TWO))


class Arcsine(RealFunction):
    """The inverse of the sine."""

    nargs, exact = 1, sympy.asin

    def fdiff(self, argindex: int = 1) -> Expr:
        (u,) = self.operands
        return inverse(square_root(subtract(_ONE, power(u, _TWO))))


class Arccosine(RealFunction):
    """The inverse of the cosine."""

    nargs, exact = 1, sympy.acos

    def fdiff(self, argindex: int = 1) -> Expr:
        (u,) = self.operands
        return negative(inverse(square_root(subtract(_ONE, power(u, _TWO)))))


class Arctangent(RealFunction):
    """The inverse of the tangent."""

    nargs, exact = 1, sympy.atan

    def fdiff(self, argindex: int = 1) -> Expr:
        (u,) = self.operands
        return inverse(add(_ONE, power(u, _TWO)))


class HyperbolicSine(RealFunction):
    """The hyperbolic sine."""

    nargs, exact = 1, sympy.sinh

    def fdiff(self, argindex: int = 1) -> Expr:
        (u,) = self.operands
        return HyperbolicCosine(u)


class HyperbolicCosine(RealFunction):
    """The hyperbolic cosine."""

    nargs, exact = 1, sympy.cosh

    def fdiff(self, argindex: int = 1) -> Expr:
        (u,) = self.operands
        return HyperbolicSine(u)


class HyperbolicTangent(RealFunction):
    """The hyperbolic tangent."""

    nargs, exact = 1, sympy.tanh

    def fdiff(self, argindex: int = 1) -> Expr:
        return subtract(_ONE, power(self, _TWO))


class Exponential(RealFunction):
    """The exponential function."""

    nargs, exact = 1, sympy.exp

    def fdiff(self, argindex: int = 1) -> Expr:
        return self


class Logarithm(RealFunction):
    """The natural logarithm."""

    nargs, exact = 1, sympy.log

    def fdiff(self, argindex: int = 1) -> Expr:
        (u,) = self.operands
        return inverse(u)


class ErrorFunction(RealFunction):
    """The error function."""

    nargs, exact = 1, sympy.erf

    def fdiff(self, argindex: int = 1) -> Expr:
        (u,) = self.operands
        return multiply(_TWO, Exponential(negative(power(u, _TWO))), inverse(square_root(sympy.pi)))


class Absolute(RealFunction):
    """|u|."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> Expr:
        return Sign(*self.operands)


class Sign(RealFunction):
    """-1, 0 or 1."""

    nargs = 1


class Maximum(RealFunction):
    """The larger of two values."""

    nargs = 2

    def fdiff(self, argindex: int = 1) -> Expr:
        first, second = self.operands
        return Where(LessEqual(second, first), Integer(argindex == 1), Integer(argindex == 2))


class Minimum(RealFunction):
    """The smaller of two values."""

    nargs = 2

    def fdiff(self, argindex: int = 1) -> Expr:
        first, second = self.operands
        return Where(LessEqual(first, second), Integer(argindex == 1), Integer(argindex == 2))


class Arctan2(RealFunction):
    """The angle of the point (second, first), in (-pi, pi]."""

    nargs = 2

    def fdiff(self, argindex: int = 1) -> Expr:
        y, x = self.operands
        return divide(x if argindex == 1 else negative(y), add(power(x, _TWO), power(y, _TWO)))


class BesselJ0(RealFunction):
    """The Bessel function of the first kind of order 0."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> Expr:
        return negative(BesselJ1(*self.operands))


class BesselJ1(RealFunction):
    """The Bessel function of the first kind of order 1; its derivative is J0 - J1(u) / u, 1/2 at zero."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> Expr:
        (u,) = self.operands
        return Where(Equal(u, Integer(0)), _HALF, subtract(BesselJ0(u), divide(self, u)))


class Where(RealFunction):
    """The second argument where the first argument, a condition, holds, and the third argument elsewhere."""

    nargs = 3


class Condition(RealFunction):
    """A condition, which is true or false at each point."""


class Less(Condition):
    """First < second."""

    nargs = 2


class LessEqual(Condition):
    """First <= second."""

    nargs = 2


class Equal(Condition):
    """First == second."""

    nargs = 2


class Both(Condition):
    """All of the conditions hold."""


class Either(Condition):
    """At least one of the conditions holds."""


class Not(Condition):
    """The condition does not hold."""

    nargs = 1


FUNCTIONS: dict[str, tuple[Callable[..., Expr], int]] = {
    "sin": (Sine, 1),
    "cos": (Cosine, 1),
    "tan": (Tangent, 1),
    "asin": (Arcsine, 1),
    "acos": (Arccosine, 1),
    "atan": (Arctangent, 1),
    "sinh": (HyperbolicSine, 1),
    "cosh": (HyperbolicCosine, 1),
    "tanh": (HyperbolicTangent, 1),
    "exp": (Exponential, 1),
    "log": (Logarithm, 1),
    "erf": (ErrorFunction, 1),
    "sqrt": (square_root, 1),
    "abs": (Absolute, 1),
    "sign": (Sign, 1),
    "min": (Minimum, 2),
    "max": (Maximum, 2),
    "atan2": (Arctan2, 2),
    "j0": (BesselJ0, 1),
    "j1": (BesselJ1, 1),
}
"""The functions of the language: name -> (constructor, number of arguments)."""

TORCH: dict[type, Callable[..., Tensor]] = {
    Sine: torch.sin,
    Cosine: torch.cos,
    Tangent: torch.tan,
    Arcsine: torch.asin,
    Arccosine: torch.acos,
    Arctangent: torch.atan,
    HyperbolicSine: torch.sinh,
    HyperbolicCosine: torch.cosh,
    HyperbolicTangent: torch.tanh,
    Exponential: torch.exp,
    Logarithm: torch.log,
    ErrorFunction: torch.erf,
    Absolute: torch.abs,
    Sign: torch.sign,
    Maximum: torch.maximum,
    Minimum: torch.minimum,
    Arctan2: torch.atan2,
    BesselJ0: partial(bessel_j, order=0),
    BesselJ1: partial(bessel_j, order=1),
    Where: torch.where,
    Less: torch.lt,
    LessEqual: torch.le,
    Equal: torch.eq,
    Both: lambda *conditions: reduce(torch.logical_and, conditions),
    Either: lambda *conditions: reduce(torch.logical_or, conditions),
    Not: torch.logical_not,
}
"""Values by torch: class -> function of tensors."""
