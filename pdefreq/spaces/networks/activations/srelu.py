"""The activation sReLU, (a)+ (1 - a)+.

Source: Liu, Cai, Xu (2020), arXiv 2007.11207, section 4.
"""

from __future__ import annotations

import torch
from torch import Tensor

from pdefreq.spaces.networks.activations.activation import Activation


def _derivatives(a: Tensor, order: int) -> list[Tensor]:
    t = a.clamp(0, 1)
    jet = [torch.addcmul(t, t, t, value=-1)]
    if order >= 1:
        jet.append(torch.rsub(t, 1, alpha=2).mul_(t == a))
    if order >= 2:
        jet.append((t == a).to(a).mul_(-2))
    return jet + [torch.zeros_like(a)] * (order - 2)


SRELU = Activation("srelu", _derivatives, 1, (0.0, 1.0))
