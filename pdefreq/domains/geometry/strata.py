"""Stratified random points in boxes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from pdefreq.domains.samples import Samples

if TYPE_CHECKING:
    from torch import Tensor


def stratified(ticks: Sequence[Tensor], stream: torch.Generator) -> Samples:
    """One random point in each cell of a grid, uniform in the cell, with the measure of the cell as its weight.

    A weighted sum over the points is an unbiased estimate of the integral, also of functions that oscillate faster than the
    grid. For smooth functions on n uniform cells of an interval its standard deviation is of order n^(-3/2).

    Args:
        ticks: The coordinates of the cells' ends along each axis, increasing, float64.
        stream: The random numbers.

    Source:
        Cochran (1977), Sampling Techniques, chapter 5.
    """
    d = len(ticks)
    corners = torch.cartesian_prod(*[t[:-1] for t in ticks]).reshape(-1, d)
    sizes = torch.cartesian_prod(*[t.diff() for t in ticks]).reshape(-1, d)
    return Samples(corners + sizes * torch.rand(len(corners), d, generator=stream, dtype=torch.float64), sizes.prod(dim=1))


def standard_error(values: Tensor, weights: Tensor) -> float:
    """The estimated standard deviation of the weighted sum of values ``(n,)`` at stratified or independent random points.

    Neighbors are treated as two points of one cell. The estimate is unbiased for independent points, and on average not
    too small for stratified points.

    Source:
        Cochran (1977), Sampling Techniques, section 5A.12, the method of collapsed strata.
    """
    pairs = len(values) // 2
    left, right = (slice(k, 2 * pairs, 2) for k in (0, 1))
    return math.sqrt(float((weights[left] * weights[right] * (values[left] - values[right]) ** 2).sum()))
