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

from pdefreq.core.errors import OptionError

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.spaces.networks.activations.activation import Activation


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


def softplus_transform(k: Tensor) -> Tensor:
    """-pi / (k sinh(pi k)), k != 0: the second derivative is that of tanh(x / 2) / 2."""
    return torch.complex(-math.pi / k * _inverse_sinh(math.pi * k), torch.zeros_like(k))


def silu_transform(k: Tensor) -> Tensor:
    """-pi^2 cosh(pi k) / sinh(pi k)^2, k != 0: i d/dk of the transform of the logistic function."""
    inverse = _inverse_sinh(math.pi * k)
    return torch.complex(-(math.pi**2) * inverse / torch.tanh(math.pi * k), torch.zeros_like(k))


def gelu_transform(k: Tensor) -> Tensor:
    """-(1 + 1 / k^2) exp(-k^2 / 2), k != 0: the second derivative is (2 - x^2) times the normal density."""
    return torch.complex(-(1 + 1 / k**2) * torch.exp(-(k**2) / 2), torch.zeros_like(k))


def elu_transform(k: Tensor) -> Tensor:
    """-1 / k^2 + 1 / (k^2 + i k) = -i / (k^3 + i k^2), k != 0."""
    return -1j / (k**3 + 1j * k**2)


def gaussian_transform(k: Tensor) -> Tensor:
    """sqrt(2 pi) exp(-k^2 / 2)."""
    return torch.complex(math.sqrt(2 * math.pi) * torch.exp(-(k**2) / 2), torch.zeros_like(k))


def gabor_transform(k: Tensor, omega: float = 5.0) -> Tensor:
    """The transform of cos(omega x) exp(-x^2 / 2), the mean of the Gaussian's at k - omega and k + omega."""
    return (gaussian_transform(k - omega) + gaussian_transform(k + omega)) / 2


def sinc_transform(k: Tensor) -> Tensor:
    """The transform of sin(x) / x: pi for |k| < 1, zero for |k| > 1."""
    return torch.complex(math.pi * (k.abs() < 1).to(k), torch.zeros_like(k))


def _inverse_sinh(z: Tensor) -> Tensor:
    """1 / sinh(z); sinh itself overflows for large arguments."""
    half = torch.exp(-z.abs())
    return 2 * z.sign() * half / -torch.expm1(-2 * z.abs())


def _ricker(a: float) -> ActivationSpectrum:
    return ActivationSpectrum(lambda k: ricker_transform(k, a), math.inf)


def _gabor(omega: float) -> ActivationSpectrum:
    return ActivationSpectrum(lambda k: gabor_transform(k, omega), math.inf)


ACTIVATION_SPECTRA: dict[str, ActivationSpectrum | Callable[..., ActivationSpectrum]] = {
    "tanh": ActivationSpectrum(tanh_transform, math.inf),
    "relu": ActivationSpectrum(relu_transform, 2),
    "srelu": ActivationSpectrum(srelu_transform, 2),
    "phi": ActivationSpectrum(phi_transform, 3),
    "sin-srelu": ActivationSpectrum(sin_srelu_transform, 3),
    "elu": ActivationSpectrum(elu_transform, 3),
    "ricker": _ricker,
    "gabor": _gabor,
    "gelu": ActivationSpectrum(gelu_transform, math.inf),
    "silu": ActivationSpectrum(silu_transform, math.inf),
    "softplus": ActivationSpectrum(softplus_transform, math.inf),
    "gaussian": ActivationSpectrum(gaussian_transform, math.inf),
    "sinc": ActivationSpectrum(sinc_transform, math.inf),
}
"""Closed forms by the name of the activation; those of families are functions of their numbers."""


def has_closed_form(activation: Activation) -> bool:
    """Whether the transform of an activation is known in closed form."""
    return activation.name.partition("(")[0] in ACTIVATION_SPECTRA


def activation_spectrum(activation: Activation) -> ActivationSpectrum:
    """The spectrum of an activation: the closed form if one is known, and numerical quadrature otherwise.

    Raises:
        OptionError: If the quadrature cannot be used; see `quadrature_spectrum`.

    Example:
        >>> from pdefreq.spaces.networks.activations import activation_named
        >>> spectrum = activation_spectrum(activation_named("ricker(0.3)"))
        >>> abs(spectrum.transform(torch.tensor([0.0]))).item()
        0.0
    """
    family, _, numbers = activation.name.partition("(")
    known = ACTIVATION_SPECTRA.get(family)
    if known is None:
        return quadrature_spectrum(activation)
    return known if isinstance(known, ActivationSpectrum) else known(*map(float, numbers.rstrip(")").split(",")))


def quadrature_spectrum(activation: Activation) -> ActivationSpectrum:
    """The transform by Gauss-Legendre quadrature of the first derivative of order s <= 2 that decays: F = F[sigma^(s)] / (i k)^s.

    The quadrature has panels of width 1/4 on [-40, 40] with 16 points each. It resolves |k| <= 100, and derivatives may jump at
    multiples of 1/4.

    Raises:
        OptionError: If neither the function nor an integrable derivative of order 1 or 2 vanishes outside [-40, 40]. Sines, for
            example, have no transform that is a function.
    """
    x, weights = _panels()
    jet = activation.derivatives(torch.tensor([-_REACH, _REACH], dtype=torch.float64), 2)
    order = next((s for s, at_ends in enumerate(jet) if s <= activation.smoothness and at_ends.abs().max() < _NEGLIGIBLE), None)
    if order is None:
        raise OptionError(
            f"the activation '{activation.name}' has no Fourier transform that can be computed: the function or one of its "
            f"first {int(min(activation.smoothness, 2))} derivatives must vanish outside [-{_REACH:g}, {_REACH:g}]"
        )
    weighted = weights * activation.derivatives(x, order)[order]

    def transform(k: Tensor) -> Tensor:
        phase = k.reshape(-1, 1).to(x) * x
        integral = torch.complex(torch.cos(phase) @ weighted, -torch.sin(phase) @ weighted)
        return (integral / (1j * k.reshape(-1).to(x)) ** order).reshape(k.shape)

    return ActivationSpectrum(transform, activation.smoothness + 1)


_REACH, _PANEL, _POINTS = 40.0, 0.25, 16
_NEGLIGIBLE = 1e-14


def _panels() -> tuple[Tensor, Tensor]:
    """Points and weights of the composite Gauss-Legendre rule on [-40, 40]."""
    import numpy as np

    nodes, weights = np.polynomial.legendre.leggauss(_POINTS)
    centers = np.arange(-_REACH + _PANEL / 2, _REACH, _PANEL)
    x = (centers[:, None] + _PANEL / 2 * nodes).ravel()
    return torch.from_numpy(x), torch.from_numpy(np.tile(_PANEL / 2 * weights, len(centers)))
