"""The sine as an activation."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pdefreq.spaces.networks.activations.activation import Activation


def _derivatives(a: Tensor, order: int) -> list[Tensor]:
    jet = [torch.sin(a)]
    if order >= 1:
        jet.append(torch.cos(a))
    while len(jet) <= order:
        jet.append(-jet[-2])
    return jet


SIN = Activation("sin", _derivatives, math.inf)
