"""The decay limit: a lower bound for the power with which the rates of a learnable model decrease in frequency.

Training in the linear regime converges to the minimizer of int <xi>^alpha |F[h]|^2 among all h through the data, with
<xi>^2 = 1 + |xi|^2, if the rates decrease like |xi|^-alpha. For alpha < d no minimizer exists: minimizing sequences tend to
spikes at the data points and to zero elsewhere. For alpha > d a minimizer exists and is continuous. Rates must therefore
decrease faster than |xi|^-d.

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
    """The kernel of the discrete problem: waves exp(2 pi i spacing J . x), |J_a| <= cutoff.

    The squared amplitude of each wave is weighted by (1 + |J|^2 spacing^2)^(alpha / 2). The minimizer is the result of `fit`. As
    the cutoff grows, it tends to a continuous function for alpha > d, and to spikes for alpha < d.

    Args:
        dimension: d.
        alpha: The power of the weight.
        cutoff: M, the largest integer along each axis.
        spacing: The distance of adjacent frequencies, in cycles per unit of length; the model has the period 1 / spacing.
    """
    xi = half_space_wavevectors(dimension, 2 * math.pi * spacing, cutoff)
    cycles = xi.norm(dim=1) / (2 * math.pi)
    weights = 2 * (1 + cycles**2) ** (-alpha / 2)  # the sum for xi and -xi
    weights[0] /= 2
    return FourierKernel(xi, weights)


def spike_height(kernel: FourierKernel, offset: Tensor) -> Tensor:
    """The minimizer for a single data point of value 1, at an offset from the point: 0 for a spike, 1 for a constant.

    Args:
        kernel: A kernel from `decay_kernel`.
        offset: Displacements from the data point, shape ``(n, d)``.

    Returns:
        K(offset, 0) / K(0, 0), shape ``(n,)``.
    """
    origin = offset[:1] * 0
    return kernel(offset, origin)[:, 0] / kernel(origin)[0, 0]
