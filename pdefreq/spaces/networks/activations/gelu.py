"""The Gaussian error linear unit as an activation."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pdefreq.spaces.networks.activations.activation import Activation


def _derivatives(a: Tensor, order: int) -> list[Tensor]:
    """A Phi(a) with the normal distribution Phi: the n-th derivative is a Phi^(n) + n Phi^(n-1).

    The n-th derivative of the density phi = Phi' is (-1)^n He_n(a) phi with Hermite polynomials He_n.
    """
    normal = [torch.special.ndtr(a)]
    if order >= 1:
        normal.append(torch.exp(-a.square() / 2) / math.sqrt(2 * math.pi))
    for n in range(1, order):
        older = (n - 1) * normal[n - 1] if n > 1 else torch.zeros_like(a)
        normal.append(-(a * normal[n]) - older)
    return [a * normal[n] if n == 0 else torch.addcmul(n * normal[n - 1], a, normal[n]) for n in range(order + 1)]


GELU = Activation("gelu", _derivatives, math.inf)
"""Source: Hendrycks, Gimpel (2016), Gaussian error linear units, arXiv 1606.08415, section 2."""
