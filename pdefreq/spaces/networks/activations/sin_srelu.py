"""The activation sin-sReLU, sin(2 pi a) (a)+ (1 - a)+.

Source: Li, Xu, Zhang (2020), arXiv 2009.14597.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pdefreq.spaces.networks.activations.activation import Activation


def _derivatives(a: Tensor, order: int) -> list[Tensor]:
    """sin(w t) times the bump t (1 - t), with t = a clamped to [0, 1] and w = 2 pi; the bump's slope is 1 - 2 t."""
    w = 2 * math.pi
    t = a.clamp(0, 1)
    bump, slope = torch.addcmul(t, t, t, value=-1), torch.rsub(t, 1, alpha=2)
    angle = slope * math.pi  # sin(w t) = sin(angle), cos(w t) = -cos(angle): zero at t = 1 up to one rounding error
    sine, cosine = torch.sin(angle), angle.cos_()
    jet = [sine * bump]
    if order >= 1:
        jet.append((sine * slope).addcmul_(cosine, bump, value=-w))
    for n in range(2, order + 1):  # Leibniz' rule, with the derivatives of sin(w t) over w^n
        waves = [(sine, 1), (cosine, -1), (sine, -1), (cosine, 1)]
        (x, p), (y, q), (z, r) = (waves[k % 4] for k in (n, n - 1, n - 2))
        value = (x * bump).mul_(p * w**n).addcmul_(y, slope, value=q * n * w ** (n - 1))
        jet.append(value.sub_(z, alpha=r * n * (n - 1) * w ** (n - 2)).mul_(t == a))
    return jet


SIN_SRELU = Activation("sin-srelu", _derivatives, 2, (0.0, 1.0))
