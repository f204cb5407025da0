"""The initialization of sine networks with the waves that the data of the problem contain."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pdefreq.spaces.networks.initializations.initialization import Initialization, Layer

_EXACT = 2  # units that get the same wavevector, with different phases: a cosine and a sine
_LINEAR = 0.1  # standard deviation of the arguments of further layers, where sin is linear up to 1e-3


def _draw(layer: Layer, stream: torch.Generator) -> tuple[Tensor, Tensor]:
    """Waves in the first layer, small arguments in further hidden layers, and zeros in the last layer.

    The units of the first layer take the wavevectors of the layer in turn. The first two units of each have exactly that
    wavevector, and random phases that differ by pi/2; the others a normal perturbation of half of the spacing. A function whose
    waves are all present is then a linear combination of the units. The network is initially zero.

    Without wavevectors, all of them are perturbations of zero.
    """
    stack, n, dtype = layer.stack, layer.fan_out, torch.float64
    if layer.activation is None:
        return torch.zeros(stack, n, layer.fan_in, dtype=dtype), torch.zeros(stack, n, 1, dtype=dtype)
    if layer.first is None:
        return layer.normal(layer.fan_in, _LINEAR * math.sqrt(2 / layer.fan_in), stream), layer.normal(1, _LINEAR, stream)
    waves = torch.tensor(layer.waves or [(0.0,) * layer.fan_in], dtype=dtype)
    turn, unit = torch.arange(n) // len(waves), torch.arange(n) % len(waves)
    perturbed = (turn >= _EXACT) | torch.tensor(not layer.waves)
    jitter = layer.normal(layer.fan_in, layer.spacing / 2 or 1.0, stream) * perturbed[None, :, None]
    phase = layer.uniform(1, math.pi, stream)
    if len(waves) < n:  # the second unit of each wavevector is a quarter of a wave ahead of the first
        second = torch.arange(len(waves), min(2 * len(waves), n))
        phase[:, second] = phase[:, second - len(waves)] + math.pi / 2
    return (waves[unit] + jitter) / layer.first[1], phase


SPECTRUM = Initialization(_draw)
