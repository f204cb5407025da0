r"""The linear frequency principle (LFP): the training of a wide two-layer ReLU network in frequency space.

For u = h - f* with h = sum_j a_j relu(w_j . x + b_j), biases of large variance, and training points of density rho,

    d/dt F[u](xi) = -gamma(xi)^2 F[u rho](xi),    gamma^2 = (2 pi)^(d-1) (E[r^3] / |xi|^(d+3) + E[a^2 r] / |xi|^(d+1)),

with r = |w| and angular wavenumbers; for xi / 2 pi in cycles this is E[ r^3 / (16 pi^4 |xi|^(d+3)) + a^2 r / (4 pi^2
|xi|^(d+1)) ]. The first term is due to the output weights (the transform of ReLU), the second to the inner weights (the transform
of its derivative). The trained network is the interpolant that minimizes int |F[h]|^2 / gamma^2: in one dimension the natural
cubic spline if the first term dominates, and the piecewise linear interpolant if the second does.

A common factor of gamma^2 changes the speed only, and is left to the caller. The first derivation contains another term with the
divergence of grad F[u rho]; it is omitted here, as in the later derivations.

Source:
    Zhang, Xu, Luo, Ma (2019), arXiv 1905.10264; Luo, Ma, Xu, Zhang (2020), arXiv 2010.08153.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from pdefreq.core.errors import OptionError
from pdefreq.theory.fourier_fit import FourierKernel, half_space_wavevectors

if TYPE_CHECKING:
    from torch import Tensor


class Moments(NamedTuple):
    """The two moments of the initial parameters on which gamma depends; only their ratio matters for the trained network.

    Args:
        inner: E[r^3], the third moment of the norm r of the inner weights of a unit.
        outer: E[a^2 r], with the output weight a.
    """

    inner: float
    outer: float

    @property
    def crossover(self) -> float:
        """The wavenumber sqrt(inner / outer) at which both terms of gamma^2 are equal; the inner moment dominates below it."""
        return math.sqrt(self.inner / self.outer) if self.outer else math.inf


def uniform_moments(inner: float, outer: float) -> Moments:
    """The moments in one dimension for independent weights uniform in +-inner and +-outer: w^3 / 4 and a^2 w / 6.

    Example:
        >>> uniform_moments(2.0, 3.0)
        Moments(inner=2.0, outer=3.0)
    """
    return Moments(inner**3 / 4, outer**2 / 3 * inner / 2)


def normal_moments(dimension: int, inner: float, outer: float) -> Moments:
    """The moments for independent normal weights with the standard deviations inner and outer; r / inner has a chi distribution.

    Example:
        >>> moments = normal_moments(1, 1.0, 1.0)
        >>> moments.inner / moments.outer  # E|w|^3 = 2 E|w|
        2.0
    """
    ratio = math.gamma((dimension + 1) / 2) / math.gamma(dimension / 2)
    mean = math.sqrt(2) * inner * ratio
    return Moments(mean * inner**2 * (dimension + 1), outer**2 * mean)


def sampled_moments(weights: Tensor, output: Tensor) -> Moments:
    """The means of r^3 and a^2 r over the units of a network.

    Args:
        weights: w, shape ``(m, d)``.
        output: a, shape ``(m,)``.
    """
    r = weights.norm(dim=1)
    return Moments(float((r**3).mean()), float((output**2 * r).mean()))


def lfp_weight(wavenumber: Tensor, dimension: int, *, inner: float, outer: float) -> Tensor:
    """gamma^2 at angular wavenumbers |xi| > 0.

    Args:
        wavenumber: Any shape.
        dimension: d.
        inner: E[r^3], the third moment of the norm r of the inner weights.
        outer: E[a^2 r], with the output weights a.

    Example:
        >>> import torch
        >>> lfp_weight(torch.tensor([2.0]), 1, inner=16.0, outer=4.0).tolist()
        [2.0]
    """
    factor = (2 * math.pi) ** (dimension - 1)
    return factor * (inner / wavenumber ** (dimension + 3) + outer / wavenumber ** (dimension + 1))


def lfp_kernel(dimension: int, spacing: float, cutoff: int, *, inner: float, outer: float) -> FourierKernel:
    """The LFP model on a grid of wavevectors: `FourierKernel.fit` gives the trained network.

    Because gamma is singular at zero, gamma(0) is replaced by gamma(0.1 xi_1) with the smallest wavenumber xi_1. The moments are
    scaled so that the larger one is 1; a ridge then has the same effect for every network.

    Args:
        dimension: d.
        spacing: The angular wavenumber 2 pi / (period of the model); the period should be ten times the range of the data.
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
