"""Fourier transforms of activations, F(k) = int sigma(x) exp(-i k x) dx: the spectrum of one neuron.

A neuron sigma(w x + b) has the transform F(k / w) exp(i b k / w) / |w|. It weights the
gradient of a loss in the parameters of the neuron, so that networks with a decreasing |F| learn low frequencies first. |F|
decreases exponentially for smooth activations such as tanh, and like |k|^-(s+1) for a jump in derivative s. If sigma does not
decay, F is the transform of a distribution, away from k = 0.

Source:
    Xu, Zhang, Luo, Xiao, Ma (2020), Frequency principle, section 3 (tanh); Liu, Cai, Xu (2020), arXiv 2007.11207, section 4
    (sReLU, phi).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class ActivationSpectrum:
    """The transform of one activation.

    Args:
        transform: F at real wavenumbers, any shape, complex.
        tail: The largest power s with |F| = O(|k|^-s); inf if F decreases faster than every power.
    """

    transform: Callable[[Tensor], Tensor]
    tail: float

    def of_neuron(self, k: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """The transform of sigma(w x + b).

        Args:
            k: Wavenumbers.
            weight: w, not zero, of a shape that broadcasts with k.
            bias: b, of a shape that broadcasts with k.
        """
        return self.transform(k / weight) * torch.exp(1j * bias * k / weight) / weight.abs()


def heaviside_transform(k: Tensor) -> Tensor:
    """1 / (i k), k != 0."""
    return -1j / k


def relu_transform(k: Tensor) -> Tensor:
    """-1 / k^2, k != 0."""
    return torch.complex(-1 / k**2, torch.zeros_like(k))


def tanh_transform(k: Tensor) -> Tensor:
    """-i pi / sinh(pi k / 2), k != 0."""
    half = torch.exp(-math.pi * k.abs() / 2)  # sinh itself overflows
    return -2j * math.pi * k.sign() * half / -torch.expm1(-math.pi * k.abs())


def srelu_transform(k: Tensor) -> Tensor:
    """(x)+ (1 - x)+: exp(-i k / 2) (4 sin(k/2) / k^3 - 2 cos(k/2) / k^2), by a Bessel function, accurate at small k."""
    from scipy.special import spherical_jn

    half = k.numpy(force=True) / 2
    ratio = torch.from_numpy((spherical_jn(0, half) + spherical_jn(2, half)) / 3).to(k)  # j_1(z) / z
    return torch.exp(-0.5j * k) * ratio / 2


def phi_transform(k: Tensor) -> Tensor:
    """Twice the quadratic B-spline on [0, 3]: 2 ((1 - exp(-i k)) / (i k))^3."""
    return 2 * torch.exp(-1.5j * k) * torch.sinc(k / (2 * math.pi)) ** 3


def sin_srelu_transform(k: Tensor) -> Tensor:
    """sin(2 pi x) (x)+ (1 - x)+: (S(k - 2 pi) - S(k + 2 pi)) / 2i with the transform S of sReLU; its leading tails cancel."""
    return (srelu_transform(k - 2 * math.pi) - srelu_transform(k + 2 * math.pi)) / 2j


def ricker_transform(k: Tensor, a: float = 0.3) -> Tensor:
    """pi^(1/4) / (15 a) (1 - (x/a)^2) exp(-(x/a)^2 / 2): largest at k = sqrt(2) / a, zero at k = 0.

    Args:
        k: Wavenumbers.
        a: Width; with a smaller width, the frequency that is learned first is higher.
    """
    z = (a * k) ** 2
    return torch.complex(math.pi**0.25 / 15 * math.sqrt(2 * math.pi) * z * torch.exp(-z / 2), torch.zeros_like(k))


ACTIVATION_SPECTRA = {
    "tanh": ActivationSpectrum(tanh_transform, math.inf),
    "relu": ActivationSpectrum(relu_transform, 2),
    "srelu": ActivationSpectrum(srelu_transform, 2),
    "phi": ActivationSpectrum(phi_transform, 3),
    "sin-srelu": ActivationSpectrum(sin_srelu_transform, 3),
    "ricker": ActivationSpectrum(ricker_transform, math.inf),
}
