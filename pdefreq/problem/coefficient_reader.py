"""Conversion of coefficients given in Python, as numbers, formulas, fields, functions or arrays, to fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from pdefreq.core.fields import CallableField, Field, as_field

if TYPE_CHECKING:
    from torch import Tensor

SOLUTION = "u"
"""The name of the solution in the formula of a nonlinear term."""

_OF_SOLUTION = "nonlinear"  # the key whose formula may contain u


@dataclass(frozen=True)
class CoefficientReader:
    """Converts coefficients to fields.

    Args:
        dimension: The dimension of the domain.
        parameters: Names that formulas may use, and their values.
        bounds: Lower and upper bounds of the domain, the box on which arrays are defined. Without bounds arrays are refused.
    """

    dimension: int
    parameters: Mapping[str, float] = field(default_factory=dict)
    bounds: tuple[Sequence[float], Sequence[float]] | None = None

    def __call__(self, value: Any, key: str) -> Field:
        """The field for a value.

        Args:
            value: A number, a formula, a field, a function of points, or an array of values on equal cells (`GridField.on_box`).
            key: The name of the argument, for messages. For ``"nonlinear"``, formulas and functions also depend on u.

        Raises:
            ProblemFileError: If a formula is malformed.
            TypeError: If the value has another type.
        """
        if isinstance(value, str):
            from pdefreq.problem.expressions import parse_field
            from pdefreq.problem.expressions.scope import Scope

            scope = Scope(self.dimension, self.parameters, (SOLUTION,) if key == _OF_SOLUTION else ())
            return parse_field(value, scope, key)
        if key == _OF_SOLUTION and callable(value) and not isinstance(value, Field):
            return CallableField(_of_columns(cast("Callable[[Tensor, Tensor], Tensor]", value)))
        if self.bounds is not None and getattr(value, "ndim", 0):
            from pdefreq.problem.grid_field import GridField

            return GridField.on_box(value, *self.bounds)
        return as_field(value)


def _of_columns(function: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """A function of points and u as a function of a single array with u in the last column."""

    def joined(z: Tensor) -> Tensor:
        return function(z[:, :-1], z[:, -1])

    return joined
