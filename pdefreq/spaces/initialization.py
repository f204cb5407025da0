"""How weights are drawn, by name, with the standard deviations stated."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import torch

from pdefreq.errors import UnknownNameError
from pdefreq.registry import nearest

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.spaces.activations import Activation


@dataclass(frozen=True)
class Layer:
    """What a layer's parameters may depend on.

    Args:
        fan_in: Inputs of a unit.
        fan_out: Units.
        stack: How many equal layers are drawn at once.
        activation: What the units apply; None for the last layer, which is linear.
        first: For the first layer, a function that draws n of its inputs, ``(n, fan_in)``, and the fixed factors of its
            units' inputs, ``(stack, fan_out, 1)``; else None.
    """

    fan_in: int
    fan_out: int
    stack: int
    activation: Activation | None
    first: tuple[Callable[[int, torch.Generator], Tensor], Tensor] | None

    @property
    def glorot_std(self) -> float:
        """Sqrt(2 / (fan_in + fan_out)): Glorot and Bengio (2010), equation 12."""
        return math.sqrt(2 / (self.fan_in + self.fan_out))

    def normal(self, columns: int, std: float, stream: torch.Generator) -> Tensor:
        """Normal numbers, ``(stack, fan_out, columns)``, float64."""
        return std * torch.randn(self.stack, self.fan_out, columns, generator=stream, dtype=torch.float64)


Draw: TypeAlias = "Callable[[Layer, torch.Generator], tuple[Tensor, Tensor]]"
"""Draws weights ``(stack, fan_out, fan_in)`` and biases ``(stack, fan_out, 1)``."""


@dataclass(frozen=True)
class Initialization:
    """How parameters are drawn, and by which fixed factors they are multiplied in the network.

    Args:
        draw: Draws a layer's weights and biases.
        factors: Of a layer's weights and biases.
    """

    draw: Draw
    factors: Callable[[Layer], tuple[float, float]] = lambda _: (1.0, 1.0)


def glorot(layer: Layer, stream: torch.Generator) -> tuple[Tensor, Tensor]:
    """Weights N(0, 2 / (fan_in + fan_out)), biases zero."""
    weight = layer.normal(layer.fan_in, layer.glorot_std, stream)
    return weight, torch.zeros_like(weight[..., :1])


def mscale(layer: Layer, stream: torch.Generator) -> tuple[Tensor, Tensor]:
    """Weights and biases N(0, 4 / (fan_in + fan_out)), twice Glorot's variance: the code of Liu, Cai, Xu (2020)."""
    std = math.sqrt(2) * layer.glorot_std
    return layer.normal(layer.fan_in, std, stream), layer.normal(1, std, stream)


def tiled(layer: Layer, stream: torch.Generator) -> tuple[Tensor, Tensor]:
    """Glorot's weights, with the first layer's units spread over the domain: without it, those of high scale all sit at zero.

    First layer: the bias moves the middle of a unit's support to a point drawn from the domain, so that the units of each
    scale tile it. Further layers of compact support [l, r]: biases uniform in [l, r], and weights N(0, v) with v such that
    the weighted sum has standard deviation (r - l) / 8 when its inputs are sigma of uniform numbers in [l, r].
    """
    left, right = (layer.activation and layer.activation.support) or (0.0, 0.0)
    if layer.first is not None:
        inputs, scales = layer.first
        weight = layer.normal(layer.fan_in, layer.glorot_std, stream)
        point = inputs(layer.stack * layer.fan_out, stream).view_as(weight)
        return weight, (left + right) / 2 - scales * (weight * point).sum(dim=2, keepdim=True)
    if layer.activation is None or layer.activation.support is None:
        return glorot(layer, stream)
    even = torch.linspace(left, right, 1001, dtype=torch.float64)
    mean_square = float(layer.activation(even).square().mean())
    std = (right - left) / 8 / math.sqrt(layer.fan_in * mean_square)
    uniform = torch.rand(layer.stack, layer.fan_out, 1, generator=stream, dtype=torch.float64)
    return layer.normal(layer.fan_in, std, stream), left + (right - left) * uniform


INITIALIZATIONS = {"glorot": Initialization(glorot), "mscale": Initialization(mscale), "tiled": Initialization(tiled)}


def initialization_named(name: str) -> Initialization:
    """An initialization by name.

    Raises:
        UnknownNameError: If there is none of this name.
    """
    if name not in INITIALIZATIONS:
        raise UnknownNameError(f"unknown initialization '{name}': {nearest(name, INITIALIZATIONS)}")
    return INITIALIZATIONS[name]
