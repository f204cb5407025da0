"""Weights of Glorot with the units of the first layer spread over the domain."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pdefreq.spaces.networks.initializations.initialization import Initialization, Layer
from pdefreq.spaces.networks.initializations.variance_scaling import glorot


def _draw(layer: Layer, stream: torch.Generator) -> tuple[Tensor, Tensor]:
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


TILED = Initialization(_draw)
