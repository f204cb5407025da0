"""The initialization of sine networks with the waves that the data of the problem contain."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pdefreq.spaces.networks.initializations.initialization import Initialization, Layer

_EXACT = 2  # number of units with exactly the same wavevector; their phases are those of a cosine and a sine
_SPREAD = 0.5  # standard deviation of the perturbations in units of the largest component of a wavevector
_LINEAR = 0.1  # standard deviation of the arguments of further layers, where sin is linear up to 1e-3


def _draw(layer: Layer, stream: torch.Generator) -> tuple[Tensor, Tensor]:
    """Waves in the first layer, small arguments in further hidden layers, and zeros in the last layer.

    The wavevectors of the layer are assigned to the units of the first layer in turn. For each wavevector, the first two units
    have exactly this wavevector, and random phases that differ by pi/2. A function that consists of these waves is then a linear
    combination of the units. Further units have normal perturbations of the wavevector, with a standard deviation of half of the
    largest wavenumber: nearly equal units make Gauss-Newton steps ill-conditioned (for sin(9 pi x), 20 steps from perturbations
    of pi/2 ended at errors of 2e-5 to 3e-4, and those from the present ones at 5e-16 to 5e-9). The network is initially zero.

    If the layer has no wavevectors, they are normal with standard deviation 1.
    """
    stack, n, dtype = layer.stack, layer.fan_out, torch.float64
    if layer.activation is None:
        return torch.zeros(stack, n, layer.fan_in, dtype=dtype), torch.zeros(stack, n, 1, dtype=dtype)
    if layer.first is None:
        return layer.normal(layer.fan_in, _LINEAR * math.sqrt(2 / layer.fan_in), stream), layer.normal(1, _LINEAR, stream)
    waves = torch.tensor(layer.waves or [(0.0,) * layer.fan_in], dtype=dtype)
    turn, unit = torch.arange(n) // len(waves), torch.arange(n) % len(waves)
    perturbed = (turn >= _EXACT) | torch.tensor(not layer.waves)
    deviation = _SPREAD * float(waves.abs().max()) if layer.waves else 1.0
    jitter = layer.normal(layer.fan_in, deviation, stream) * perturbed[None, :, None]
    phase = layer.uniform(1, math.pi, stream)
    if len(waves) < n:  # the second unit of each wavevector is a quarter of a wave ahead of the first
        second = torch.arange(len(waves), min(2 * len(waves), n))
        phase[:, second] = phase[:, second - len(waves)] + math.pi / 2
    return (waves[unit] + jitter) / layer.first[1], phase


SPECTRUM = Initialization(_draw)
