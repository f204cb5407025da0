"""The initialization in the code of the MscaleDNN authors."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pdefreq.spaces.networks.initializations.initialization import Initialization, Layer


def _draw(layer: Layer, stream: torch.Generator) -> tuple[Tensor, Tensor]:
    """Weights and biases from N(0, 4 / (fan_in + fan_out)), twice Glorot's variance; last layer from N(0, 2 / fan_in).

    The authors' program uses the fans of the preceding layer for the last one: with hidden layers of equal width, fan_out is
    fan_in instead of 1. For one hidden layer, or unequal widths, their variance would depend on the preceding layer.

    Source:
        The code of Liu, Cai, Xu (2020), github.com/xuzhiqin1990/mscalednn.
    """
    fan_out = layer.fan_in if layer.activation is None else layer.fan_out
    std = 2 / math.sqrt(layer.fan_in + fan_out)
    return layer.normal(layer.fan_in, std, stream), layer.normal(1, std, stream)


MSCALE = Initialization(_draw)
