"""Functions of space: the interface of fields, their profiles, constants, quotients and Python functions."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pdefreq.core.content import Content
from pdefreq.core.errors import FormulaError

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Gradients, Points, Values


class Field(Content, ABC):
    """A scalar function on the closed domain, evaluated in the dtype and on the device of its argument."""

    constant: float | None = None
    """The value if the field is known to be constant, otherwise None."""

    smoothness: float = math.inf
    """Largest order of square integrable derivatives; infinity unless a lower order is known."""

    derived_from: tuple[Any, Any] | None = None
    """The terms and the exact solution from which the field was derived; None for a given field."""

    has_kinks: bool = False
    """Whether the field or one of its derivatives may jump inside the domain."""

    @property
    def level_sets(self) -> tuple[Field, ...]:
        """Functions whose zero sets contain the known points at which the field or a derivative may jump, inner ones first."""
        return ()

    @property
    def profiles(self) -> tuple[Profile, ...]:
        """The functions inside the field that are known to have a length scale of their own."""
        return ()

    @abstractmethod
    def __call__(self, x: Points) -> Values:
        """Values at `x`, shape ``(n,)``."""

    def is_stale(self, terms: Any, exact: Any) -> bool:
        """Whether the field was derived from terms or an exact solution that differ from these."""
        return self.derived_from is not None and exact is not None and self.derived_from != (terms, exact)

    def gradient(self, x: Points) -> Gradients:
        """Gradient at `x`, shape ``(n, d)``, by automatic differentiation unless a subclass overrides it."""
        import torch

        with torch.enable_grad():
            x = x.detach().requires_grad_(True)
            value = self(x)
            if not value.requires_grad:  # does not depend on x
                return torch.zeros_like(x)
            (gradient,) = torch.autograd.grad(value.sum(), x)
        return gradient

    def laplacian(self, x: Points) -> Values:
        """Sum of the second derivatives at `x`, shape ``(n,)``, by automatic differentiation."""
        return self.hessian(x).diagonal(dim1=1, dim2=2).sum(dim=1)

    def hessian(self, x: Points) -> Tensor:
        """Second derivatives at `x`, shape ``(n, d, d)``, by automatic differentiation."""
        return self._derivatives(x, 2)

    def gradient_of_laplacian(self, x: Points) -> Gradients:
        """Gradient of the Laplacian at `x`, shape ``(n, d)``, by automatic differentiation."""
        return self.third_derivatives(x).diagonal(dim1=1, dim2=2).sum(dim=2)

    def third_derivatives(self, x: Points) -> Tensor:
        """Third derivatives at `x`, shape ``(n, d, d, d)``, by automatic differentiation."""
        return self._derivatives(x, 3)

    def _derivatives(self, x: Points, order: int) -> Tensor:
        """All partial derivatives of an order, ``(n, d, ..., d)``, by one backward pass per derivative of lower order."""
        import torch

        n, d = x.shape
        with torch.enable_grad():
            x = x.detach().requires_grad_(True)
            entries = [self(x)]
            for _ in range(order):
                entries = [slope for entry in entries for slope in _slopes(entry, x).unbind(dim=1)]
        return torch.stack([entry.detach() for entry in entries], dim=1).reshape(n, *[d] * order)

    @property
    def text(self) -> str:
        """The field in words, for display."""
        return type(self).__name__


def _slopes(values: Values, x: Points) -> Gradients:
    """Differentiable gradients of values that depend only on their own point; zero if they do not depend on the points."""
    import torch

    if not values.requires_grad:
        return torch.zeros_like(x)
    return torch.autograd.grad(values.sum(), x, create_graph=True, materialize_grads=True)[0]


@dataclass(frozen=True)
class Profile:
    """A function of one argument g inside a formula.

    Its length scale is the distance from the maximum of `peak` over which g changes by `change`.

    Args:
        text: The function with its argument, for messages: ``"sin(2000*pi*x)"``.
        argument: The argument g as a function of space.
        peak: A function whose maximum is where the profile is finest; for waves the squared slope of g.
        change: The period of waves, otherwise the change of g over which the profile changes by a factor of about e; None for
            ``|g| / exponent`` at the point, the change for powers.
        exponent: The exponent of a power g^exponent.
        is_wave: Whether the profile is periodic in g.
    """

    text: str
    argument: Field
    peak: Field
    change: float | None
    exponent: float = 1.0
    is_wave: bool = False


@dataclass(frozen=True)
class ConstantField(Field):
    """A constant field."""

    content_type: ClassVar[str] = "constant"
    constant: float  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues]

    @classmethod
    def from_content(cls, arguments: dict[str, Any]) -> Self:
        return cls(float(arguments["constant"]))

    def __call__(self, x: Points) -> Values:
        return x.new_full((x.shape[0],), self.constant)

    def gradient(self, x: Points) -> Gradients:
        return x.new_zeros(x.shape)

    def _derivatives(self, x: Points, order: int) -> Tensor:
        return x.new_zeros(len(x), *[x.shape[1]] * order)

    @property
    def text(self) -> str:
        return f"{self.constant:g}"


@dataclass(frozen=True)
class Quotient(Field):
    """The quotient of two fields.

    Args:
        numerator: The numerator.
        denominator: The denominator.
    """

    content_type: ClassVar[str] = "quotient"
    numerator: Field
    denominator: Field
    has_kinks = True  # numerator and denominator may have kinks

    @property
    def level_sets(self) -> tuple[Field, ...]:
        return (*self.numerator.level_sets, *self.denominator.level_sets, self.denominator)

    @property
    def profiles(self) -> tuple[Profile, ...]:
        return (*self.numerator.profiles, *self.denominator.profiles)

    def __call__(self, x: Points) -> Values:
        return self.numerator(x) / self.denominator(x)

    @property
    def text(self) -> str:
        return f"({self.numerator.text}) / ({self.denominator.text})"


@dataclass(frozen=True)
class CallableField(Field):
    """A Python function of points ``(n, d)`` that returns ``(n,)``, written with torch operations.

    Args:
        function: The function of points.
        derivative: A function that returns the gradients ``(n, d)``; None for automatic differentiation.
        smoothness: Largest order of square integrable derivatives.
    """

    function: Callable[[Tensor], Tensor]
    derivative: Callable[[Tensor], Tensor] | None = None
    smoothness: float = math.inf
    has_kinks = True  # nothing is known about the function

    def __call__(self, x: Points) -> Values:
        import torch

        value = self.function(x)
        if not isinstance(value, torch.Tensor) or value.numel() != len(x):
            got = f"shape {tuple(value.shape)}" if isinstance(value, torch.Tensor) else type(value).__name__
            raise FormulaError(
                f"the function {self.text} must return a torch tensor of shape (n,) for points (n, d) = {tuple(x.shape)}, "
                f"got {got}; write it with torch operations on x"
            )
        return value.reshape(x.shape[0])

    def gradient(self, x: Points) -> Gradients:
        return super().gradient(x) if self.derivative is None else self.derivative(x)

    @property
    def text(self) -> str:
        return getattr(self.function, "__name__", "a Python function")


def as_field(value: Field | Callable[[Tensor], Tensor] | float) -> Field:
    """Convert a number, a function of points or a field to a field.

    Raises:
        FormulaError: If `value` has another type.
    """
    if isinstance(value, Field):
        return value
    if callable(value):
        return CallableField(value)
    if isinstance(value, (int, float)):
        return ConstantField(float(value))
    raise FormulaError(f"a field must be a number or a function of points (n, d), got {type(value).__name__}")
