"""The Gaussian and the Gabor wavelet as activations."""

from __future__ import annotations

import functools
import math

import torch
from torch import Tensor

from pdefreq.core.errors import OptionError
from pdefreq.spaces.networks.activations.activation import Activation


def gabor(omega: float = 5.0) -> Activation:
    """The real Gabor wavelet ``cos(omega a) exp(-a^2 / 2)``.

    Args:
        omega: The angular wavenumber of the carrier wave.

    Raises:
        OptionError: If `omega` is negative or not finite.

    Source:
        Saragadam et al. (2023), WIRE: wavelet implicit neural representations, arXiv 2301.05187, equation 3.
    """
    if not 0 <= omega < math.inf:
        raise OptionError(f"the omega of gabor(omega) must be at least 0 and finite, got {omega:g}")
    return Activation(f"gabor({omega:g})", functools.partial(_derivatives, omega), math.inf)


def _derivatives(omega: float, a: Tensor, order: int) -> list[Tensor]:
    """The real part of h = exp(i omega a - a^2 / 2), whose derivatives satisfy h_(n+1) = (i omega - a) h_n - n h_(n-1)."""
    bell = torch.exp(-a.square() / 2)
    real, imaginary = [bell * torch.cos(omega * a)], [bell * torch.sin(omega * a)]
    for n in range(order):
        older = (n * real[n - 1], n * imaginary[n - 1]) if n else (0, 0)
        re, im = real[n], imaginary[n]
        real.append(-a * re - omega * im - older[0])
        imaginary.append(-a * im + omega * re - older[1])
    return real


GAUSSIAN = Activation("gaussian", functools.partial(_derivatives, 0.0), math.inf)
