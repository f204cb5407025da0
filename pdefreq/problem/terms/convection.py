"""The convection term ``b . grad u``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, cast

from pdefreq.core.errors import FormulaError, ProblemFileError
from pdefreq.core.fields import CallableField, Field
from pdefreq.core.table_keys import Key, Other
from pdefreq.core.text_kinds import Formula
from pdefreq.core.validation import validated
from pdefreq.problem.terms.lower_order import LowerOrderTerm, PointFunction
from pdefreq.problem.terms.term import CoefficientReader, FiniteDifferenceCoefficients

if TYPE_CHECKING:
    from sympy import Expr, Symbol
    from torch import Tensor

    from pdefreq.core.shapes import Gradients, Points, Values

_KEY = "[equation] convection"


@dataclass(frozen=True)
class Convection(LowerOrderTerm):
    """The term ``b . grad u``.

    Args:
        velocity: The velocity b, one field for each axis.
    """

    order: ClassVar[int] = 1
    keys: ClassVar[tuple[str, ...]] = (
        Key(
            "convection",
            Other(f"a list with an entry for each coordinate: {Formula(file=True).words}"),
            "the velocity b",
            otherwise="zero",
            examples=(["10", "0"],),
        ),
    )
    content_type: ClassVar[str] = "convection"

    velocity: tuple[Field, ...]

    @classmethod
    def read(cls, values: Mapping[str, Any], dimension: int, coefficient: CoefficientReader) -> Convection | None:
        """The term for a list of components, a function of points that returns ``(n, d)``, or, in 1-D, a single coefficient."""
        given = values["convection"]
        if getattr(given, "shape", None) == (dimension,):
            given = given.tolist()
        if callable(given) and not isinstance(given, Field):
            function = cast("Callable[[Tensor], Tensor]", given)
            velocity: Sequence[Field] = [CallableField(_component(function, k)) for k in range(dimension)]
        else:
            components = list(given) if isinstance(given, (list, tuple)) else [given]
            if len(components) != dimension:
                raise ProblemFileError(
                    f"{_KEY} must be a list of {dimension} numbers or expressions, one for each coordinate, got {len(components)}"
                )
            velocity = [coefficient(component, "convection") for component in components]
        return None if all(component.constant == 0 for component in velocity) else cls(tuple(velocity))

    @property
    def symmetric(self) -> bool:
        return False

    @property
    def coercive(self) -> bool | None:
        return True if self.constant else None  # int u b . grad u = 0 if div b = 0 and u = 0 on the boundary

    @property
    def constant(self) -> bool:
        return all(component.constant is not None for component in self.velocity)

    @property
    def text(self) -> str:
        components = ", ".join(component.text for component in self.velocity)
        return f"({components}) . grad u"

    @property
    def coefficients(self) -> Mapping[str, Field]:
        return {f"convection b{k}": component for k, component in enumerate(self.velocity, 1)}

    def symbolic(self, u: Expr, x: Sequence[Symbol]) -> Expr:
        from pdefreq.problem.expressions import expression_of
        from pdefreq.problem.expressions.arithmetic import add, multiply
        from pdefreq.problem.expressions.symbolic import derivative

        return add(*(multiply(expression_of(b), derivative(u, s)) for b, s in zip(self.velocity, x, strict=True)))

    def finite_difference_coefficients(self) -> FiniteDifferenceCoefficients:
        return FiniteDifferenceCoefficients(convection=self.velocity)

    def symbol(self, xi: Tensor) -> Tensor | None:
        if not self.constant:
            return None
        return 1j * (xi @ xi.new_tensor([component.constant for component in self.velocity]))

    def at(self, x: Points) -> PointFunction:
        import torch

        return _Transport(torch.stack([validated(b, _KEY, x) for b in self.velocity], dim=1), self.velocity, x)


@dataclass(frozen=True)
class _Transport(PointFunction):
    """The velocity at points, ``(n, d)``."""

    b: Gradients
    velocity: tuple[Field, ...]
    x: Points

    def value(self, u: Values, q: Gradients) -> Values:
        return (self.b * q).sum(dim=1)

    def slopes(self, u: Values, q: Gradients) -> tuple[None, Gradients]:
        return None, self.b

    def gradient(self, u: Values, q: Gradients) -> Gradients | None:
        if all(component.constant is not None for component in self.velocity):
            return None
        return (self._gradients * q[:, :, None]).sum(dim=1)

    @cached_property
    def _gradients(self) -> Tensor:
        """The derivatives db_i/dx_k, ``(n, i, k)``."""
        import torch

        x = self.x.double().cpu()
        return torch.stack([validated(b.gradient, f"the gradient of {_KEY}", x) for b in self.velocity], dim=1).to(self.b)


def _component(function: Callable[[Tensor], Tensor], k: int) -> Callable[[Tensor], Tensor]:
    def component(x: Tensor) -> Tensor:
        values = function(x)
        if getattr(values, "shape", None) != x.shape:
            raise FormulaError(
                f"the function for convection must return a tensor of shape (n, d) = {tuple(x.shape)}, "
                f"got {tuple(getattr(values, 'shape', ()))}"
            )
        return values[:, k]

    return component
