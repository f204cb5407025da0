"""The exponential linear unit as an activation."""

from __future__ import annotations

import torch
from torch import Tensor

from pdefreq.spaces.networks.activations.activation import Activation


def _derivatives(a: Tensor, order: int) -> list[Tensor]:
    """A for positive a, otherwise exp(a) - 1; the second derivative jumps at zero."""
    positive = a > 0
    below = a.clamp_max(0)
    jet = [torch.where(positive, a, torch.expm1(below))]
    if order >= 1:
        jet.append(torch.exp(below))
    while len(jet) <= order:
        jet.append(jet[1].masked_fill(positive, 0))
    return jet


ELU = Activation("elu", _derivatives, 2)
"""Source: Clevert, Unterthiner, Hochreiter (2016), arXiv 1511.07289, equation 14 with alpha = 1."""
