"""The initialization of sine networks."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pdefreq.core.errors import OptionError
from pdefreq.spaces.networks.initializations.initialization import Initialization, Layer


def siren(omega: float = 30.0) -> Initialization:
    """The initialization of sine networks, with hidden layers ``sin(omega (W h + b))``; intended for the activation sin.

    Weights are uniform in +-1 / fan_in in the first layer and in +-sqrt(6 / fan_in) / omega in the others, and biases in
    +-1 / sqrt(fan_in), so that the arguments of all sines after the first layer are standard normal.

    Args:
        omega: The factor in all hidden layers, 30 in the paper.

    Source:
        Sitzmann et al. (2020), Implicit neural representations with periodic activation functions, arXiv 2006.09661, section 3.2
        and supplement 1; the biases are those of the authors' code.
    """
    if not 0 < omega < math.inf:
        raise OptionError(f"the omega of siren(omega) must be positive and finite, got {omega:g}")

    def draw(layer: Layer, stream: torch.Generator) -> tuple[Tensor, Tensor]:
        bound = 1 / layer.fan_in if layer.first is not None else math.sqrt(6 / layer.fan_in) / omega
        return layer.uniform(layer.fan_in, bound, stream), layer.uniform(1, 1 / math.sqrt(layer.fan_in), stream)

    return Initialization(draw, lambda layer: (1.0, 1.0) if layer.activation is None else (omega, omega))
