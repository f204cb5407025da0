"""Multiplication of a network by a given function, such as a distance function or a phase: product rule and transpose."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from functools import cached_property
from typing import TYPE_CHECKING

import torch

from pdefreq.spaces.channels import Channels, contraction, dot, matrix_times

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.fields import Field
    from pdefreq.core.shapes import Points


class GivenFunction(ABC):
    """A function D at n points. Leading axes, if any, enumerate several functions."""

    @abstractmethod
    def value(self) -> Tensor:
        """Shape ``(..., n)``."""

    @abstractmethod
    def gradient(self) -> Tensor:
        """Shape ``(..., d, n)``."""

    @abstractmethod
    def laplacian(self) -> Tensor:
        """Shape ``(..., n)``."""

    @abstractmethod
    def hessian(self) -> Tensor:
        """Shape ``(..., d, d, n)``."""

    @abstractmethod
    def gradient_of_laplacian(self) -> Tensor:
        """Shape ``(..., d, n)``."""

    @abstractmethod
    def third_derivatives(self) -> Tensor:
        """Shape ``(..., d, d, d, n)``."""


class FieldAt(GivenFunction):
    """A field at points ``(n, d)``."""

    def __init__(self, field: Field, x: Points) -> None:
        self._field, self._x = field, x.detach()

    def value(self) -> Tensor:
        with torch.no_grad():
            return self._field(self._x)

    def gradient(self) -> Tensor:
        return self._field.gradient(self._x).detach().T.contiguous()

    def laplacian(self) -> Tensor:
        return self._field.laplacian(self._x).detach()

    def hessian(self) -> Tensor:
        return self._field.hessian(self._x).detach().permute(1, 2, 0).contiguous()

    def gradient_of_laplacian(self) -> Tensor:
        return self._field.gradient_of_laplacian(self._x).detach().T.contiguous()

    def third_derivatives(self) -> Tensor:
        return self._field.third_derivatives(self._x).detach().permute(1, 2, 3, 0).contiguous()


class _Derivatives:
    """The derivatives of a given function D, each computed on first use."""

    def __init__(self, function: GivenFunction) -> None:
        self._function = function

    @cached_property
    def value(self) -> Tensor:
        """D."""
        return self._function.value()

    @cached_property
    def gradient(self) -> Tensor:
        """The gradient of D."""
        return self._function.gradient()

    @cached_property
    def laplacian(self) -> Tensor:
        """The Laplacian of D."""
        return self._function.laplacian()

    @cached_property
    def hessian(self) -> Tensor:
        """The Hessian of D."""
        return self._function.hessian()

    @cached_property
    def gradient_of_laplacian(self) -> Tensor:
        """The gradient of the Laplacian of D."""
        return self._function.gradient_of_laplacian()

    @cached_property
    def third_derivatives(self) -> Tensor:
        """The third derivatives of D."""
        return self._function.third_derivatives()


class Multiplication:
    """Multiplication by a given function D.

    Args:
        function: The function D.
    """

    def __init__(self, function: GivenFunction) -> None:
        self._of = _Derivatives(function)
        self._matrix: Tensor | None = None

    def with_second(self, matrix: Tensor) -> Multiplication:
        """The same multiplication with S : D^2 u as the second-order channel, for S as an array ``(d, d, n)``."""
        bound = copy.copy(self)
        bound._matrix = matrix
        return bound

    @property
    def value(self) -> Tensor:
        """D."""
        return self._of.value

    @property
    def _along(self) -> Tensor:
        """The product S grad D."""
        return matrix_times(self._matrix, self._of.gradient)

    @property
    def _second(self) -> Tensor:
        """S : D^2 applied to the function D."""
        return self._of.laplacian if self._matrix is None else contraction(self._matrix, self._of.hessian)

    @property
    def _gradient_of_second(self) -> Tensor:
        """The gradient of S : D^2 applied to D, with S held constant."""
        if self._matrix is None:
            return self._of.gradient_of_laplacian
        return contraction(self._matrix, self._of.third_derivatives)

    def channels(self, order: int) -> Channels:
        """The channels of D."""
        return Channels(self.value, self._of.gradient if order >= 1 else None, self._second if order >= 2 else None)

    def times(self, u: Channels) -> Channels:
        """The channels of ``D u``, of the same order as u."""
        value = self.value * u.value
        if u.gradient is None:
            return Channels(value)
        gradient = self._of.gradient * u.value.unsqueeze(-2) + self.value.unsqueeze(-2) * u.gradient
        if u.second is None:
            return Channels(value, gradient)
        return Channels(value, gradient, self._second * u.value + 2 * dot(self._along, u.gradient) + self.value * u.second)

    def pull_back(self, weights: Channels) -> Channels:
        """The weights of the channels of u that are equivalent to `weights` of the channels of ``D u``."""
        value = weights.value * self.value
        if weights.gradient is None:
            return Channels(value)
        value = value + dot(weights.gradient, self._of.gradient)
        gradient = weights.gradient * self.value.unsqueeze(-2)
        if weights.second is None:
            return Channels(value, gradient)
        return Channels(
            value + weights.second * self._second,
            gradient + 2 * weights.second.unsqueeze(-2) * self._along,
            weights.second * self.value,
        )

    def slope(self, weights: Channels) -> Tensor:
        """The gradient of ``value D + gradient . grad D + second S : D^2 D`` with the weights held constant, ``(..., d, n)``."""
        total = weights.value.unsqueeze(-2) * self._of.gradient
        if weights.gradient is not None:
            total = total + (self._of.hessian * weights.gradient.unsqueeze(-3)).sum(dim=-2)
        if weights.second is not None:
            total = total + weights.second.unsqueeze(-2) * self._gradient_of_second
        return total

    def slope_of_weights(self, weights: Channels, u: Channels) -> Tensor:
        """The gradient of ``pull_back(weights)`` applied to u, as far as it comes from the variation of those weights in x.

        The shape is ``(..., d, n)``.
        """
        total = self.slope(weights) * u.value.unsqueeze(-2)
        if weights.gradient is None or u.gradient is None:
            return total
        along = dot(weights.gradient, u.gradient)
        if weights.second is not None and u.second is not None:
            along = along + weights.second * u.second
            bent = (self._of.hessian * matrix_times(self._matrix, u.gradient).unsqueeze(-3)).sum(dim=-2)
            total = total + 2 * weights.second.unsqueeze(-2) * bent
        return total + along.unsqueeze(-2) * self._of.gradient
