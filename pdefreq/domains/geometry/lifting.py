"""Boundary values continued into a domain from the boundary alone.

A formula for boundary values has values inside too, and where the data come from an exact solution these are the solution: a
lifting must not look at them. Each one here takes the values at points of the boundary near or opposite to x, and blends them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from pdefreq.core.fields import CallableField, Field
from pdefreq.domains.geometry.in_pieces import InPieces

if TYPE_CHECKING:
    from torch import Tensor


def radial(x: Tensor, midpoint: Sequence[float], half_axes: Sequence[float]) -> tuple[Tensor, Tensor]:
    """The point of an ellipsoid on the ray from its midpoint through x, and |(x - midpoint) / half_axes|, ``(n,)``."""
    return on_rays(x, x.new_tensor(midpoint), x.new_tensor(half_axes))


def on_rays(x: Tensor, m: Tensor, a: Tensor) -> tuple[Tensor, Tensor]:
    """The same for midpoints and half axes in tensors, one for all points or one for each."""
    y = (x - m) / a
    y = torch.where((y == 0).all(dim=1, keepdim=True), x.new_tensor([1.0] + [0.0] * (x.shape[1] - 1)), y)
    r = y.norm(dim=1)
    return m + a * y / r[:, None], r


def into_ellipsoid(g: Field, midpoint: Sequence[float], half_axes: Sequence[float], mean: float) -> Field:
    """From the surface along rays to the midpoint: mean + r^2 (g - mean), r from 0 there to 1; bounded slopes."""

    def lift(x: Tensor) -> Tensor:
        edge, _ = radial(x, midpoint, half_axes)
        square = ((x - x.new_tensor(midpoint)) / x.new_tensor(half_axes)).square().sum(dim=1)
        return mean + square * (g(edge) - mean)

    # At the midpoint r^2 (g - mean) is like r^2 times a function of the direction: its k-th derivatives are like r^(2 - k).
    return CallableField(lift, smoothness=math.ceil(2 + len(midpoint) / 2) - 1)


class FromFacets(InPieces):
    """At x the mean of g at the nearest point of each facet, weighted by the inverse square of its distance (Shepard, 1968).

    Args:
        g: The boundary values.
        corners: The facets' corners, points or segments, shape ``(F, d, d)`` with d = 1 or 2.
    """

    smoothness = 1  # the nearest point of a facet stops at its corners

    def __init__(self, g: Field, corners: Tensor) -> None:
        super().__init__(len(corners))
        self._g, self._corners = g, corners

    def evaluated(self, x: Tensor) -> Tensor:
        corners = self._corners.to(x)
        near = corners[:, :1].expand(-1, len(x), -1)  # (F, n, d)
        if corners.shape[1] == 2:
            along = corners[:, 1:] - corners[:, :1]
            place = ((x - near) * along).sum(dim=2, keepdim=True) / along.square().sum(dim=2, keepdim=True)
            near = near + place.clamp(0, 1) * along
        if near.requires_grad:  # at a corner the place is held: an infinite slope of g there counts for nothing
            near.register_hook(lambda slope: slope.where(slope.isfinite(), 0.0))
        values = self._g(near.reshape(-1, x.shape[1])).reshape(near.shape[:2])
        squares = off_zero((x - near).square().sum(dim=2))
        weights = squares.amin(dim=0).detach() / squares
        return (weights * values).sum(dim=0) / weights.sum(dim=0)


def off_zero(distances: Tensor) -> Tensor:
    """Distances of which none is too near zero to be divided by; their derivatives are those of the distances."""
    least = torch.finfo(distances.dtype).eps ** 2
    return distances + torch.where(distances.abs() < least, least - distances, 0.0).detach()
