r"""The fraction of parameters for which a low frequency has the larger gradient in every parameter (F-Principle, Theorem 1).

For a two-layer network h = sum_j a_j sigma(w_j x + b_j) and the loss L(k) = |F[h](k) - F[f](k)|^2 / 2 of one frequency, the
theorem states for tanh and 0 < k_1 < k_2 that, in a ball of radius delta in the space of parameters,

    mu(|dL(k_1)/dtheta_i| > |dL(k_2)/dtheta_i| for all i) / mu(ball) >= 1 - C exp(-c / delta).

The exponent follows from the transform of tanh: neurons of weight w have amplitudes proportional to exp(-pi k / (2 |w|)).

Source:
    Xu, Zhang, Luo, Xiao, Ma (2020), Frequency principle: Fourier analysis sheds light on deep neural networks, Commun. Comput.
    Phys. 28(5), theorem 1; Xu (2023), lecture notes, equation 1.9, where "radius sigma" means delta.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from pdefreq.core.errors import OptionError

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.theory.activation_spectra import ActivationSpectrum


def frequency_gradients(spectrum: ActivationSpectrum, k: float, target: complex, parameters: Tensor) -> Tensor:
    """The gradient of L(k) with respect to the parameters of two-layer networks.

    Args:
        spectrum: The transform of the activation.
        k: The wavenumber, not zero.
        target: F[f](k).
        parameters: a, w and b of each unit, shape ``(samples, m, 3)``, with w not zero.

    Returns:
        Shape ``(samples, m, 3)``.
    """
    parameters = parameters.detach().requires_grad_()
    a, w, b = parameters.unbind(dim=2)
    with torch.enable_grad():
        units = a * spectrum.of_neuron(torch.full_like(w, k), w, b)
        loss = (units.sum(dim=1) - target).abs().square() / 2
        return torch.autograd.grad(loss.sum(), parameters)[0]  # samples are independent


def low_frequency_share(
    spectrum: ActivationSpectrum,
    wavenumbers: tuple[float, float],
    radius: float,
    *,
    target: tuple[complex, complex] = (1.0, 1.0),
    units: int = 1,
    samples: int = 100_000,
    stream: torch.Generator | None = None,
) -> float:
    """The fraction of uniform random points of a ball in parameter space at which the theorem's inequality holds for all i.

    Args:
        spectrum: The transform of the activation.
        wavenumbers: k_1 < k_2, both positive.
        radius: delta.
        target: F[f] at both.
        units: m; the ball lies in 3 m dimensions.
        samples: Number of random points; the standard error of the fraction p is sqrt(p (1 - p) / samples). Points at which a
            component of the gradient at k_1 underflows to zero are left out of the fraction.
        stream: Random numbers; the global generator of torch by default.

    Raises:
        OptionError: If the wavenumbers are not positive and ascending, or if the amplitudes of all neurons underflow to zero.
    """
    low, high = wavenumbers
    if not 0 < low < high:
        raise OptionError(f"the wavenumbers must be positive and ascending, got {low:g} and {high:g}")
    dimension = 3 * units
    direction = torch.randn(samples, dimension, generator=stream, dtype=torch.float64)
    length = radius * torch.rand(samples, 1, generator=stream, dtype=torch.float64) ** (1 / dimension)
    points = (direction / direction.norm(dim=1, keepdim=True) * length).reshape(samples, units, 3)
    gradients = [frequency_gradients(spectrum, k, f, points).abs().flatten(1) for k, f in zip(wavenumbers, target, strict=True)]
    resolved = (gradients[0] > 0).all(dim=1)
    if not resolved.any():
        raise OptionError(f"all gradients underflow to zero in a ball of radius {radius:g}: use a larger radius")
    return float((gradients[0] > gradients[1])[resolved].all(dim=1).double().mean())
