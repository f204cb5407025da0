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

    from pdefreq.domains.box import Box
    from pdefreq.spaces.activations import Activation


@dataclass(frozen=True)
class Layer:
    """What a layer's weights may depend on.

    Args:
        fan_in: Inputs of a unit.
        fan_out: Units.
        stack: How many equal layers are drawn at once.
        activation: What its units apply, except in the last layer.
        scales: Fixed factors of the inputs of the first layer's units, ``(stack, fan_out, 1)``.
        box: Where inputs come from, for the first layer; else None.
    """

    fan_in: int
    fan_out: int
    stack: int
    activation: Activation
    scales: Tensor
    box: Box | None = None


Draw: TypeAlias = "Callable[[Layer, torch.Generator], tuple[Tensor, Tensor]]"
"""Weights ``(stack, fan_out, fan_in)`` and biases ``(stack, fan_out, 1)``, float64."""


def glorot(layer: Layer, stream: torch.Generator) -> tuple[Tensor, Tensor]:
    """Weights N(0, 2 / (fan_in + fan_out)), biases zero (Glorot and Bengio, 2010)."""
    weight = _normal(layer, layer.fan_in, stream) * math.sqrt(2 / (layer.fan_in + layer.fan_out))
    return weight, torch.zeros(layer.stack, layer.fan_out, 1, dtype=torch.float64)


def mscale(layer: Layer, stream: torch.Generator) -> tuple[Tensor, Tensor]:
    """Weights and biases N(0, 4 / (fan_in + fan_out)): twice Glorot's variance, as in the code of Liu, Cai, Xu (2020)."""
    std = 2 / math.sqrt(layer.fan_in + layer.fan_out)
    return std * _normal(layer, layer.fan_in, stream), std * _normal(layer, 1, stream)


def support(layer: Layer, stream: torch.Generator) -> tuple[Tensor, Tensor]:
    """For activations that vanish outside [l, r]: inputs of every unit land there, and no unit is dead.

    First layer: weights N(0, 1); each unit's bias puts the middle of its support at a point drawn from the box, so that
    units of all scales tile it. Other layers: weights N(0, v) with v such that the weighted sum has standard deviation
    (r - l) / 4 when inputs are sigma of uniform numbers in [l, r]; biases uniform in [l, r]. Last layer: Glorot.
    """
    if layer.activation.support is None:
        raise UnknownNameError(
            f"initialization 'support' is for activations of compact support, not '{layer.activation.name}': use 'glorot'"
        )
    if layer.fan_out == 1 and layer.box is None:
        return glorot(layer, stream)
    left, right = layer.activation.support
    weight = _normal(layer, layer.fan_in, stream)
    uniform = torch.rand(layer.stack, layer.fan_out, max(1, layer.fan_in if layer.box else 1), generator=stream, dtype=torch.float64)
    if layer.box is not None:
        lower, upper = (torch.tensor(bound, dtype=torch.float64) for bound in (layer.box.lower, layer.box.upper))
        centre = lower + uniform * (upper - lower)
        return weight, (left + right) / 2 - layer.scales * (weight * centre).sum(dim=2, keepdim=True)
    even = torch.linspace(left, right, 1001, dtype=torch.float64)
    mean_square = layer.activation(even).square().mean()
    weight *= (right - left) / 4 / torch.sqrt(layer.fan_in * mean_square)
    return weight, left + uniform * (right - left)


def supportbox(layer, stream):
    import dataclasses
    if layer.box is None: return support(layer, stream)
    l, r = layer.activation.support
    f = (r - l) / torch.tensor(layer.box.lengths, dtype=torch.float64) / math.sqrt(layer.fan_in)
    w = _normal(layer, layer.fan_in, stream) * f
    u = torch.rand(layer.stack, layer.fan_out, layer.fan_in, generator=stream, dtype=torch.float64)
    centre = torch.tensor(layer.box.lower) + u * torch.tensor(layer.box.lengths, dtype=torch.float64)
    return w, (l + r) / 2 - layer.scales * (w * centre).sum(dim=2, keepdim=True)


INITIALIZATIONS: dict[str, Draw] = {"glorot": glorot, "mscale": mscale, "support": support, "supportbox": supportbox}


def initialization_named(name: str) -> Draw:
    """An initialization by name.

    Raises:
        UnknownNameError: If there is none of this name.
    """
    if name not in INITIALIZATIONS:
        raise UnknownNameError(f"unknown initialization '{name}': {nearest(name, INITIALIZATIONS)}")
    return INITIALIZATIONS[name]


def _normal(layer: Layer, columns: int, stream: torch.Generator) -> Tensor:
    return torch.randn(layer.stack, layer.fan_out, columns, generator=stream, dtype=torch.float64)
