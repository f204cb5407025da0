"""Liftings of boundary values into a domain.

A formula for boundary values also has values inside, and if the data come from an exact solution these are the solution. A
lifting must not use them. Each lifting in this module blends the values at boundary points near x or on the ray through x.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from pdefreq.core.fields import CallableField, Field
from pdefreq.domains.geometry.in_pieces import InPieces

if TYPE_CHECKING:
    from torch import Tensor


def radial(x: Tensor, midpoint: Sequence[float], half_axes: Sequence[float]) -> tuple[Tensor, Tensor]:
    """The point of an ellipsoid on the ray from its midpoint through x, and |(x - midpoint) / half_axes|, shape ``(n,)``."""
    return on_rays(x, x.new_tensor(midpoint), x.new_tensor(half_axes))


def on_rays(x: Tensor, m: Tensor, a: Tensor) -> tuple[Tensor, Tensor]:
    """The same as `radial` for tensors of midpoints and half axes, either one for all points or one for each."""
    y = (x - m) / a
    y = torch.where((y == 0).all(dim=1, keepdim=True), x.new_tensor([1.0] + [0.0] * (x.shape[1] - 1)), y)
    r = y.norm(dim=1)
    return m + a * y / r[:, None], r


def into_ellipsoid(g: Field, midpoint: Sequence[float], half_axes: Sequence[float], mean: float) -> Field:
    """The lifting mean + r^2 (g - mean) along rays, where r is 0 at the midpoint and 1 on the surface; its slope is bounded."""
    # Near the midpoint r^2 (g - mean) is r^2 times a function of the direction: k-th derivatives grow like r^(2 - k).
    lift = functools.partial(_along_rays, g, midpoint, half_axes, mean)
    return CallableField(lift, smoothness=math.ceil(2 + len(midpoint) / 2) - 1)


def _along_rays(g: Field, midpoint: Sequence[float], half_axes: Sequence[float], mean: float, x: Tensor) -> Tensor:
    edge, _ = radial(x, midpoint, half_axes)
    square = ((x - x.new_tensor(midpoint)) / x.new_tensor(half_axes)).square().sum(dim=1)
    return mean + square * (g(edge) - mean)


class FromFacets(InPieces):
    """The mean of g at the nearest points of all facets, weighted by inverse squared distances (Shepard, 1968).

    Args:
        g: The boundary values, or those of each facet.
        corners: The vertices of the facets, which are points or segments, shape ``(F, d, d)`` with d = 1 or 2.
    """

    smoothness = 1  # the nearest point on a facet has a kink as a function of x where it reaches a vertex

    def __init__(self, g: Field | Sequence[Field], corners: Tensor) -> None:
        super().__init__(len(corners))
        self._g, self._corners = g, corners

    def evaluated(self, x: Tensor) -> Tensor:
        corners = self._corners.to(x)
        near = corners[:, :1].expand(-1, len(x), -1)  # (F, n, d)
        if corners.shape[1] == 2:
            along = corners[:, 1:] - corners[:, :1]
            place = ((x - near) * along).sum(dim=2, keepdim=True) / along.square().sum(dim=2, keepdim=True)
            near = near + place.clamp(0, 1) * along
        if near.requires_grad:  # at a vertex the nearest point is fixed: an infinite slope of g there must not contribute
            near.register_hook(lambda slope: slope.where(slope.isfinite(), 0.0))
        if isinstance(self._g, Sequence):
            values = torch.stack([g(points) for g, points in zip(self._g, near, strict=True)])
        else:
            values = self._g(near.reshape(-1, x.shape[1])).reshape(near.shape[:2])
        squares = off_zero((x - near).square().sum(dim=2))
        weights = squares.amin(dim=0).detach() / squares
        return (weights * values).sum(dim=0) / weights.sum(dim=0)


def off_zero(distances: Tensor) -> Tensor:
    """The distances, bounded away from zero so that they can be divisors; their derivatives are unchanged."""
    least = torch.finfo(distances.dtype).eps ** 2
    return distances + torch.where(distances.abs() < least, least - distances, 0.0).detach()
