"""Functions of space: constants, Python callables, and the interface that all of them share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pdefreq.errors import ProblemFileError

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.shapes import Gradients, Points, Values


class Field(ABC):
    """A scalar function on the closed domain, in the dtype and on the device of its argument."""

    constant: float | None = None
    """The value, where the field is the same everywhere and known to be so."""

    @abstractmethod
    def __call__(self, x: Points) -> Values:
        """Values at `x`, shape ``(n,)``."""

    def gradient(self, x: Points) -> Gradients:
        """Gradient at `x`, shape ``(n, d)``: by automatic differentiation unless a subclass knows better."""
        import torch

        with torch.enable_grad():
            x = x.detach().requires_grad_(True)
            value = self(x)
            if not value.requires_grad:  # does not depend on x
                return torch.zeros_like(x)
            (gradient,) = torch.autograd.grad(value.sum(), x)
        return gradient

    @property
    def text(self) -> str:
        """How the field is shown to a person."""
        return type(self).__name__


@dataclass(frozen=True)
class ConstantField(Field):
    """The same value everywhere."""

    constant: float  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues]

    def __call__(self, x: Points) -> Values:
        return x.new_full((x.shape[0],), self.constant)

    def gradient(self, x: Points) -> Gradients:
        return x.new_zeros(x.shape)

    @property
    def text(self) -> str:
        return f"{self.constant:g}"


@dataclass(frozen=True)
class CallableField(Field):
    """A Python function of points ``(n, d)`` that returns ``(n,)``, written with torch operations."""

    function: Callable[[Tensor], Tensor]
    derivative: Callable[[Tensor], Tensor] | None = None

    def __call__(self, x: Points) -> Values:
        import torch

        value = self.function(x)
        if not isinstance(value, torch.Tensor) or value.numel() != len(x):
            got = f"shape {tuple(value.shape)}" if isinstance(value, torch.Tensor) else type(value).__name__
            raise ProblemFileError(
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
    """The field meant by a number, a callable or a field.

    Raises:
        TypeError: If `value` is none of these.
    """
    if isinstance(value, Field):
        return value
    if callable(value):
        return CallableField(value)
    if isinstance(value, (int, float)):
        return ConstantField(float(value))
    raise TypeError(f"a field must be a number or a function of points (n, d), got {type(value).__name__}")
