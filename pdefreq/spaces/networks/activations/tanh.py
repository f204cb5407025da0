"""The hyperbolic tangent as an activation."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pdefreq.spaces.networks.activations.activation import Activation


def _derivatives(a: Tensor, order: int) -> list[Tensor]:
    """With s = t' = 1 - t^2: s' = -2 t s and s'' = 4 s - 6 s^2. Leibniz' rule for t^2 gives the higher derivatives."""
    t = torch.tanh(a)
    jet = [t]
    if order >= 1:
        jet.append(torch.addcmul(t.new_ones(()), t, t, value=-1))
    if order >= 2:
        jet.append(torch.addcmul(t.new_zeros(()), t, jet[1], value=-2))
    if order >= 3:
        jet.append(torch.rsub(jet[1], 4, alpha=6).mul_(jet[1]))
    for n in range(3, order):
        value = torch.mul(jet[0], jet[n])
        for k in range(1, n + 1):
            value.addcmul_(jet[k], jet[n - k], value=math.comb(n, k))
        jet.append(value.neg_())
    return jet


TANH = Activation("tanh", _derivatives, math.inf)
