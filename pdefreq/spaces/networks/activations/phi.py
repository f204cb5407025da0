"""The activation phi, (a)+^2 - 3 (a - 1)+^2 + 3 (a - 2)+^2 - (a - 3)+^2.

Source: Liu, Cai, Xu (2020), arXiv 2007.11207, section 4.
"""

from __future__ import annotations

import torch
from torch import Tensor

from pdefreq.spaces.networks.activations.activation import Activation


def _derivatives(a: Tensor, order: int) -> list[Tensor]:
    """Twice the quadratic B-spline: with s = a - 3/2 it is (3/2 - |s|)+^2 - 3 (1/2 - |s|)+^2."""
    s = a - 1.5
    outer, inner = s.clamp(-1.5, 1.5), s.clamp(-0.5, 0.5)
    jet = [torch.rsub(outer.abs(), 1.5).square_()]
    distance = torch.rsub(inner.abs(), 0.5)
    jet[0].addcmul_(distance, distance, value=-3)
    if order >= 1:  # 2 outer - 6 inner: the signs of s cancel
        jet.append(torch.sub(outer, inner, alpha=3).mul_(2))
    if order >= 2:
        jet.append((outer == s).to(a).mul_(2).masked_fill_(inner == s, -4))
    return jet + [torch.zeros_like(a)] * (order - 2)


PHI = Activation("phi", _derivatives, 2, (0.0, 3.0))
