"""A term ``N(x, u)`` that is nonlinear in u, such as ``u^3`` or ``-exp(u)``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from pdefreq.checked import checked
from pdefreq.fields import Field
from pdefreq.terms.lower_order import LowerOrderTerm, PointFunction
from pdefreq.terms.term import CoefficientReader

if TYPE_CHECKING:
    from sympy import Expr, Symbol
    from torch import Tensor

    from pdefreq.shapes import Gradients, Points, Values

_KEY = "[equation] nonlinear"
_GAUSS = 20  # points of the integral over u, exact for polynomials of degree 39


@dataclass(frozen=True)
class Nonlinear(LowerOrderTerm):
    """``N(x, u)`` on the left-hand side.

    Args:
        function: N as a field of the points ``(n, d + 1)``, whose last column is u.
    """

    order: ClassVar[int] = 0
    keys: ClassVar[tuple[str, ...]] = ("nonlinear",)
    content_type: ClassVar[str] = "nonlinear"

    function: Field

    @classmethod
    def read(cls, values: Mapping[str, Any], dimension: int, coefficient: CoefficientReader) -> Nonlinear | None:  # noqa: ARG003
        function = coefficient(values["nonlinear"], "nonlinear")
        return None if function.constant == 0 else cls(function)

    @property
    def linear(self) -> bool:
        return False

    @property
    def has_energy(self) -> bool:
        return True

    @property
    def text(self) -> str:
        return self.function.text

    def symbolic(self, u: Expr, x: Sequence[Symbol]) -> Expr:
        from sympy import Symbol

        from pdefreq.expressions import expression_of
        from pdefreq.expressions.symbolic import substituted

        return substituted(expression_of(self.function), Symbol("u"), u)

    def check(self, x: Points) -> None:
        """At u = 0."""
        checked(self._at_zero, _KEY, x)

    def _at_zero(self, x: Points) -> Values:
        import torch

        return self.function(torch.cat([x, torch.zeros_like(x[:, :1])], dim=1))

    def at(self, x: Points) -> PointFunction:
        return _Composed(self.function, x)


@dataclass(frozen=True)
class _Composed(PointFunction):
    """N at points x, for any u."""

    function: Field
    x: Points

    def value(self, u: Values, q: Gradients) -> Values:
        return self.function(self._with(u))

    def slopes(self, u: Values, q: Gradients) -> tuple[Values, None]:
        return self.function.gradient(self._with(u))[:, -1], None

    def gradient(self, u: Values, q: Gradients) -> Gradients:
        return self.function.gradient(self._with(u))[:, :-1]

    def energy(self, u: Values, q: Gradients) -> Values:
        """``u int_0^1 N(x, s u) ds``, by a Gauss rule in s."""
        import numpy as np
        import torch

        nodes, weights = np.polynomial.legendre.leggauss(_GAUSS)
        total = torch.zeros_like(u)
        for s, w in zip(((nodes + 1) / 2).tolist(), (weights / 2).tolist(), strict=True):
            total = total + w * self.function(self._with(s * u))
        return u * total

    def _with(self, u: Values) -> Tensor:
        import torch

        return torch.cat([self.x, u[:, None]], dim=1)
