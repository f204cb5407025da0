"""Glorot's initialization with the units of the first layer distributed over the domain."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pdefreq.spaces.networks.initializations.initialization import Initialization, Layer
from pdefreq.spaces.networks.initializations.variance_scaling import glorot


def _draw(layer: Layer, stream: torch.Generator) -> tuple[Tensor, Tensor]:
    """Glorot's weights, with the units of the first layer distributed over the domain instead of concentrated at zero.

    In the first layer, the bias moves the center of a unit's support to a random point of the domain, so that the units of
    each scale cover it; otherwise all units of a large scale are near zero. In further layers with compact support [l, r],
    biases are uniform in [l, r] and weights are from N(0, v), where v is such that the weighted sum has standard deviation
    (r - l) / 8 if its inputs are sigma of uniform numbers in [l, r].
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


TILED = Initialization(_draw)
