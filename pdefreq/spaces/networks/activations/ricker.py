"""The Ricker wavelet of a given width.

Source: Xu (2023), the lecture notes on deep learning, equation 1.8.
"""

from __future__ import annotations

import functools
import math

import torch
from torch import Tensor

from pdefreq.core.errors import OptionError
from pdefreq.spaces.networks.activations.activation import Activation

_LEAST_WIDTH = 1e-10  # derivatives contain powers of the inverse width, which must not overflow


def ricker(a: float) -> Activation:
    """The function ``pi^(1/4) / (15 a) (1 - (x/a)^2) exp(-(x/a)^2 / 2)``.

    The modulus of its Fourier transform increases up to the wavenumber sqrt(2) / a and decreases beyond it.

    Args:
        a: The width. The zeros are at x = a and -a.

    Raises:
        OptionError: If `a` is not finite, or below 1e-10.
    """
    if not _LEAST_WIDTH <= a < math.inf:
        raise OptionError(f"the width a of ricker(a) must be at least {_LEAST_WIDTH:g} and finite, got {a:g}")
    return Activation(f"ricker({a:g})", functools.partial(_derivatives, a), math.inf)


def _derivatives(width: float, a: Tensor, order: int) -> list[Tensor]:
    """-c (exp(-s^2 / 2))'' with s = x / a; the n-th derivative of the Gaussian is (-1)^n He_n(s) times it."""
    s = a / width
    bell = torch.exp(-s.square() / 2).mul_(-(math.pi**0.25) / (15 * width))
    hermite = [torch.ones_like(s), s]
    for n in range(1, order + 2):
        hermite.append(torch.addcmul(-n * hermite[n - 1], s, hermite[n]))
    return [(bell * hermite[n + 2]).mul_((-1 / width) ** n) for n in range(order + 1)]
