r"""The linear frequency principle (LFP): what a wide two-layer ReLU network learns, seen from frequency space.

For u = h - f* with h = sum_j a_j relu(w_j . x + b_j), wide biases, and training points as a density rho,

    d/dt F[u](xi) = -gamma(xi)^2 F[u rho](xi),    gamma^2 = (2 pi)^(d-1) (E[r^3] / |xi|^(d+3) + E[a^2 r] / |xi|^(d+1)),

with r = |w| and angular wavenumbers; for xi / 2 pi in cycles this is E[ r^3 / (16 pi^4 |xi|^(d+3)) + a^2 r / (4 pi^2
|xi|^(d+1)) ]. The first term is what the output weights learn (the transform of ReLU), the second what the inner weights learn
(that of its derivative). The trained network is the interpolant of least int |F[h]|^2 / gamma^2: in one dimension the natural
cubic spline where the first term rules, and the piecewise linear one where the second does.

A common factor of gamma^2 changes the speed only, and is left to the caller; a term with the divergence of grad F[u rho], which
the first derivation has besides, is left out as in the later ones.

Source:
    Zhang, Xu, Luo, Ma (2019), arXiv 1905.10264; Luo, Ma, Xu, Zhang (2020), arXiv 2010.08153.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pdefreq.core.errors import OptionError
from pdefreq.theory.fourier_fit import FourierKernel, half_space_wavevectors

if TYPE_CHECKING:
    from torch import Tensor


def lfp_weight(wavenumber: Tensor, dimension: int, *, inner: float, outer: float) -> Tensor:
    """gamma^2 at angular wavenumbers |xi| > 0.

    Args:
        wavenumber: Any shape.
        dimension: d.
        inner: E[r^3], of the inner weights.
        outer: E[a^2 r], with the output weights.

    Example:
        >>> import torch
        >>> lfp_weight(torch.tensor([2.0]), 1, inner=16.0, outer=4.0).tolist()
        [2.0]
    """
    factor = (2 * math.pi) ** (dimension - 1)
    return factor * (inner / wavenumber ** (dimension + 3) + outer / wavenumber ** (dimension + 1))


def lfp_kernel(dimension: int, spacing: float, cutoff: int, *, inner: float, outer: float) -> FourierKernel:
    """The LFP model on a grid of wavevectors: `FourierKernel.fit` is the trained network, its matrix drives the training.

    gamma has no value at zero; the smallest wavenumber stands for it at a tenth of its size: gamma(0) = gamma(0.1 xi_1). The
    larger of the two moments is made one, so that a ridge means the same for every network.

    Args:
        dimension: d.
        spacing: Of wavenumbers, angular: 2 pi over the period of the model, which should be ten times the range of the data.
        cutoff: Wavenumbers along each axis reach ``cutoff * spacing``.
        inner: E[r^3].
        outer: E[a^2 r].

    Raises:
        OptionError: If a moment is negative or not finite, or both are zero.
    """
    if not (0 <= inner < math.inf and 0 <= outer < math.inf and inner + outer > 0):
        raise OptionError(
            f"the moments `inner` and `outer` must be finite and not negative, and one of them positive, got {inner} and {outer}"
        )
    xi = half_space_wavevectors(dimension, spacing, cutoff)
    wavenumber = xi.norm(dim=1)
    wavenumber[0] = 0.1 * spacing
    largest = max(inner, outer)
    return FourierKernel(xi, lfp_weight(wavenumber, dimension, inner=inner / largest, outer=outer / largest))
