"""How fast the price of frequencies may rise: the upper limit of decay.

Training in the linear regime ends at the least of int <xi>^alpha |F[h]|^2 among all h through the data, <xi>^2 = 1 + |xi|^2;
-alpha is the power with which the rate falls in frequency. For alpha < d there is no minimizer: the cheapest functions are
spikes at the data, zero elsewhere. For alpha > d there is one, and it is continuous: rates must fall faster than |xi|^-d, and
the more so the higher the dimension.

Source:
    Luo, Ma, Wang, Xu, Zhang (2021), An upper limit of decaying rate with respect to frequency in deep neural network, arXiv
    2105.11675.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pdefreq.theory.fourier_fit import FourierKernel, half_space_wavevectors

if TYPE_CHECKING:
    from torch import Tensor


def decay_kernel(dimension: int, alpha: float, *, cutoff: int, spacing: float) -> FourierKernel:
    """The discrete problem, waves exp(2 pi i spacing J . x) with |J_a| <= cutoff at the price (1 + |J|^2 spacing^2)^(alpha / 2).

    Its `fit` is the minimizer; as the cutoff grows it tends to a function, or to spikes.

    Args:
        dimension: d.
        alpha: The power.
        cutoff: M, the largest integer along each axis.
        spacing: Of frequencies, in cycles; the model has the period 1 / spacing.
    """
    xi = half_space_wavevectors(dimension, 2 * math.pi * spacing, cutoff)
    cycles = xi.norm(dim=1) / (2 * math.pi)
    weights = 2 * (1 + cycles**2) ** (-alpha / 2)  # xi and -xi
    weights[0] /= 2
    return FourierKernel(xi, weights)


def spike_height(kernel: FourierKernel, offset: Tensor) -> Tensor:
    """What is left, at an offset from a single data point, of the value there: 0 of a spike, 1 of a constant.

    Args:
        kernel: Of `decay_kernel`.
        offset: Shape ``(n, d)``.

    Returns:
        K(offset, 0) / K(0, 0), shape ``(n,)``.
    """
    origin = offset[:1] * 0
    return kernel(offset, origin)[:, 0] / kernel(origin)[0, 0]
