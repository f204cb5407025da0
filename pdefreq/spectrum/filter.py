"""A Gaussian filter that splits a function at scattered points into a low and a high part, in any dimension.

Xu, Zhang, Luo, Xiao, Ma: Frequency principle (2020), arXiv 1901.06523, equations 6 to 9.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from scipy.optimize import brentq

from pdefreq.core.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from pdefreq.core.shapes import Points, Values

_BLOCK = 2**20  # number of weights computed together: 8 MB
_RANGE = (1e-13, 1e13)  # of delta in units of the mean squared distance between points
_ACCURACY = 1e-6  # of log delta


def low_part(x: Points, values: Tensor, delta: float) -> Tensor:
    r"""The low part of a function: means around each point, weighted by exp(-|x_i - x_j|^2 / (2 delta)).

    For dense and uniform points in the whole space, a wave of wavenumber xi is multiplied by exp(-delta xi^2 / 2).

    Args:
        x: Points, shape ``(n, d)``.
        values: Values at the points, shape ``(n,)`` or, for several functions, ``(n, k)``.
        delta: Variance of the Gaussian, squared units of length.

    Returns:
        The low part, of the shape of `values`. The matrix of all weights is not stored.

    Raises:
        OptionError: If delta is not positive.

    Example:
        >>> x = torch.linspace(0, 1, 5, dtype=torch.float64)[:, None]
        >>> low_part(x, torch.ones(5, dtype=torch.float64), 0.1).tolist()
        [1.0, 1.0, 1.0, 1.0, 1.0]
    """
    if not delta > 0:
        raise OptionError(f"`delta` must be positive, got {delta:g}")
    columns = torch.cat([values.reshape(len(x), -1), torch.ones_like(x[:, :1])], dim=1)
    rows = max(1, _BLOCK // len(x))
    sums = torch.cat([torch.exp(torch.cdist(block, x).square_().div_(-2 * delta)) @ columns for block in x.split(rows)])
    return (sums[:, :-1] / sums[:, -1:]).reshape(values.shape)


def low_shares(x: Points, values: Values, deltas: Sequence[float]) -> list[float]:
    """The fractions |low part|^2 / (|low part|^2 + |high part|^2) of a function minus its mean, decreasing in delta.

    Args:
        x: Points, shape ``(n, d)``.
        values: Values of the function at the points, shape ``(n,)``.
        deltas: Variances of the Gaussian.

    Raises:
        OptionError: If the function is constant, or a delta is not positive.
    """
    centred = values - values.mean()
    if not centred.norm() > 1e-12 * values.norm():  # a constant up to rounding
        raise OptionError("a constant has no high part: pass a function that varies over the points")
    shares = []
    for delta in deltas:
        low = low_part(x, centred, delta)
        above = float(low.square().sum())
        shares.append(above / (above + float((centred - low).square().sum())))
    return shares


def even_split(x: Points, values: Values) -> float:
    """The delta for which both parts of a function minus its mean have the same power.

    This is the cutoff of Kiessling and Thor: A computable definition of the spectral bias (AAAI 2022).

    Args:
        x: Points, shape ``(n, d)``.
        values: Values of the function at the points, shape ``(n,)``.

    Raises:
        OptionError: If the function is constant.
    """
    unit = 2 * float(x.var(dim=0).sum())
    ends = (math.log(unit * end) for end in _RANGE)
    return math.exp(brentq(lambda log: low_shares(x, values, [math.exp(log)])[0] - 0.5, *ends, xtol=_ACCURACY))  # pyright: ignore[reportArgumentType]


def half_wavenumber(delta: float) -> float:
    """The wavenumber whose waves the filter halves, rad per unit length: sqrt(2 log 2 / delta)."""
    return math.sqrt(2 * math.log(2) / delta)
