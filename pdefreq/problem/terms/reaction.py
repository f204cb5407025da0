"""The reaction term ``c u`` with a coefficient of either sign."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from pdefreq.core.errors import ProblemFileError
from pdefreq.core.fields import Field
from pdefreq.core.table_keys import Key
from pdefreq.core.text_kinds import Formula
from pdefreq.core.validation import validated
from pdefreq.problem.terms.lower_order import LowerOrderTerm, PointFunction
from pdefreq.problem.terms.term import CoefficientReader, FiniteDifferenceCoefficients

if TYPE_CHECKING:
    from sympy import Expr, Symbol
    from torch import Tensor

    from pdefreq.core.shapes import Gradients, Points, Values

_KEY = "[equation] reaction"


@dataclass(frozen=True)
class Reaction(LowerOrderTerm):
    """The term ``c u``. With a negative c the equation is of Helmholtz type.

    Args:
        coefficient: The coefficient c.
    """

    order: ClassVar[int] = 0
    keys: ClassVar[tuple[str, ...]] = (Key("reaction", Formula(file=True), "the coefficient c, of either sign", default="0"),)
    content_type: ClassVar[str] = "reaction"

    coefficient: Field

    def __post_init__(self) -> None:
        if self.coefficient.constant is not None and not math.isfinite(self.coefficient.constant):
            raise ProblemFileError(f"{_KEY} must be finite, got {self.coefficient.constant:g}")

    @classmethod
    def read(cls, values: Mapping[str, Any], dimension: int, coefficient: CoefficientReader) -> Reaction | None:  # noqa: ARG003
        c = coefficient(values["reaction"], "reaction")
        return None if c.constant == 0 else cls(c)

    @property
    def coercive(self) -> bool | None:
        c = self.coefficient.constant
        return None if c is None else c >= 0

    def is_negative_at(self, x: Points) -> bool:
        return bool((self.coefficient(x) < 0).any())

    @property
    def constant(self) -> bool:
        return self.coefficient.constant is not None

    @property
    def has_energy(self) -> bool:
        return True

    @property
    def text(self) -> str:
        return "u" if self.coefficient.constant == 1 else f"({self.coefficient.text}) u"

    @property
    def coefficients(self) -> Mapping[str, Field]:
        return {"reaction c": self.coefficient}

    def symbolic(self, u: Expr, x: Sequence[Symbol]) -> Expr:
        from pdefreq.problem.expressions import expression_of
        from pdefreq.problem.expressions.arithmetic import multiply

        return multiply(expression_of(self.coefficient), u)

    def finite_difference_coefficients(self) -> FiniteDifferenceCoefficients:
        return FiniteDifferenceCoefficients(reaction=self.coefficient)

    def symbol(self, xi: Tensor) -> Tensor | None:
        c = self.coefficient.constant
        return None if c is None else xi.new_full(xi.shape[:1], c)

    def at(self, x: Points) -> PointFunction:
        return _Multiple(validated(self.coefficient, _KEY, x), self.coefficient, x)


@dataclass(frozen=True)
class _Multiple(PointFunction):
    """The coefficient at points, ``(n,)``."""

    c: Values
    coefficient: Field
    x: Points

    def value(self, u: Values, q: Gradients) -> Values:
        return self.c * u

    def slopes(self, u: Values, q: Gradients) -> tuple[Values, None]:
        return self.c, None

    def gradient(self, u: Values, q: Gradients) -> Gradients | None:
        if self.coefficient.constant is not None:
            return None
        return u[:, None] * self._gradient

    @cached_property
    def _gradient(self) -> Gradients:
        return validated(self.coefficient.gradient, f"the gradient of {_KEY}", self.x.double().cpu()).to(self.c)

    def energy(self, u: Values, q: Gradients) -> Values:
        return self.c / 2 * u * u
