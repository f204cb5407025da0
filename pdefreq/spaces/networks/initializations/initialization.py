"""Initializations: random parameters of a layer, as functions of the layer's properties."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import torch

from pdefreq.core.errors import OptionError

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.spaces.networks.activations.activation import Activation


@dataclass(frozen=True)
class Layer:
    """The properties of a layer that its initial parameters may depend on.

    Args:
        fan_in: The number of inputs of a unit.
        fan_out: The number of units.
        stack: The number of equal layers that are drawn at once.
        activation: The activation of the units; None for the last layer, which is linear.
        first: For the first layer, a function that draws n of its inputs, ``(n, fan_in)``, and the fixed scales of its
            units' inputs, ``(stack, fan_out, 1)``; otherwise None.
        waves: Wavevectors in radians per unit of the inputs, which the solution is expected to contain, the largest amplitude
            first; for the first layer only.
    """

    fan_in: int
    fan_out: int
    stack: int
    activation: Activation | None
    first: tuple[Callable[[int, torch.Generator], Tensor], Tensor] | None
    waves: tuple[tuple[float, ...], ...] = ()

    @property
    def glorot_std(self) -> float:
        """The standard deviation sqrt(2 / (fan_in + fan_out)). Source: Glorot and Bengio (2010), equation 12."""
        return math.sqrt(2 / (self.fan_in + self.fan_out))

    def normal(self, columns: int, std: float, stream: torch.Generator) -> Tensor:
        """Normal random numbers, ``(stack, fan_out, columns)``, float64."""
        return std * torch.randn(self.stack, self.fan_out, columns, generator=stream, dtype=torch.float64)

    def uniform(self, columns: int, bound: float, stream: torch.Generator) -> Tensor:
        """Random numbers uniform in +-bound, ``(stack, fan_out, columns)``, float64."""
        unit = torch.rand(self.stack, self.fan_out, columns, generator=stream, dtype=torch.float64)
        return bound * (2 * unit - 1)


Draw: TypeAlias = "Callable[[Layer, torch.Generator], tuple[Tensor, Tensor]]"
"""A function that draws weights ``(stack, fan_out, fan_in)`` and biases ``(stack, fan_out, 1)``."""


@dataclass(frozen=True)
class Initialization:
    """A rule for random parameters, and the fixed scales by which the network multiplies them.

    Args:
        draw: A function that draws a layer's weights and biases.
        weight_scales: A function that returns the fixed scales of a layer's weights and biases.
    """

    draw: Draw
    weight_scales: Callable[[Layer], tuple[float, float]] = lambda _: (1.0, 1.0)

    def parameters(self, layer: Layer, stream: torch.Generator) -> tuple[Tensor, Tensor]:
        """The weights ``(stack, fan_out, fan_in)`` and biases ``(stack, fan_out, 1)`` of a layer.

        Raises:
            OptionError: If `draw` returns other shapes.
        """
        drawn = self.draw(layer, stream)
        got = [tuple(getattr(each, "shape", ())) for each in drawn] if isinstance(drawn, tuple) else type(drawn).__name__
        wanted = [(layer.stack, layer.fan_out, columns) for columns in (layer.fan_in, 1)]
        if got != wanted:
            raise OptionError(f"an initialization must return weights and biases of the shapes {wanted}, got {got}")
        return drawn
