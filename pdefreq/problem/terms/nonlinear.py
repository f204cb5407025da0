"""A term ``N(x, u)`` that is nonlinear in u, such as ``u^3`` or ``-exp(u)``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from pdefreq.core.fields import Field
from pdefreq.core.table_keys import Key
from pdefreq.core.text_kinds import Formula
from pdefreq.problem.terms.lower_order import PointwiseTerm
from pdefreq.problem.terms.term import CoefficientReader

if TYPE_CHECKING:
    from sympy import Expr, Symbol

    from pdefreq.core.shapes import Gradients, Points, Values


@dataclass(frozen=True)
class Nonlinear(PointwiseTerm):
    """The term ``N(x, u)`` on the left-hand side.

    Args:
        function: N as a field of the points ``(n, d + 1)``, whose last column is u.
    """

    order: ClassVar[int] = 0
    keys: ClassVar[tuple[str, ...]] = (
        Key("nonlinear", Formula(unknown=True), "the nonlinear term N(x, u)", otherwise="zero", examples=("u**3",)),
    )
    content_type: ClassVar[str] = "nonlinear"

    function: Field

    @classmethod
    def read(cls, values: Mapping[str, Any], dimension: int, coefficient: CoefficientReader) -> Nonlinear | None:  # noqa: ARG003
        function = coefficient(values["nonlinear"], "nonlinear")
        return None if function.constant == 0 else cls(function)

    @property
    def text(self) -> str:
        return self.function.text

    def symbolic(self, u: Expr, x: Sequence[Symbol]) -> Expr:
        from sympy import Symbol

        from pdefreq.problem.expressions import expression_of
        from pdefreq.problem.expressions.symbolic import substituted

        return substituted(expression_of(self.function), Symbol("u"), u)

    def value(self, x: Points, u: Values, q: Gradients) -> Values:
        import torch

        return self.function(torch.cat([x, u[:, None]], dim=1))
