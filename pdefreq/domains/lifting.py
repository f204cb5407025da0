"""Boundary values continued into a domain from the boundary alone.

A formula for boundary values has values inside too, and where the data come from an exact solution these are the solution: a
lifting must not look at them. Each one here takes the values at points of the boundary near or opposite to x, and blends them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from pdefreq.fields import CallableField, Field

if TYPE_CHECKING:
    from torch import Tensor

_PAIRS = 2**18  # points times facets worked on at once


def radial(x: Tensor, midpoint: Sequence[float], half_axes: Sequence[float]) -> tuple[Tensor, Tensor]:
    """The point of an ellipsoid on the ray from its midpoint through x, and |(x - midpoint) / half_axes|, ``(n,)``."""
    m, a = x.new_tensor(midpoint), x.new_tensor(half_axes)
    y = (x - m) / a
    y = torch.where((y == 0).all(dim=1, keepdim=True), x.new_tensor([1.0] + [0.0] * (len(midpoint) - 1)), y)
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


def blended(pieces: Sequence[tuple[Field, Field]]) -> Field:
    """The mean of several functions, weighted by the inverses of others: each wins where its weight function is zero.

    Args:
        pieces: Pairs of a function and of the distance to the piece of boundary where it must hold.

    Source:
        Rvachev, Sheiko, Shapiro, Tsukanov (2001), Transfinite interpolation over implicitly defined sets, section 3.
    """

    def lift(x: Tensor) -> Tensor:
        values = torch.stack([function(x) for function, _ in pieces])
        return _inverse_mean(values, torch.stack([distance(x) for _, distance in pieces]))

    return CallableField(lift, smoothness=min(field.smoothness for piece in pieces for field in piece))


class FromFacets(Field):
    """At x the mean of g at the nearest point of each facet, weighted by the inverse square of its distance (Shepard, 1968).

    Args:
        g: The boundary values.
        corners: The facets' corners, points or segments, shape ``(F, d, d)`` with d = 1 or 2.
    """

    smoothness = 1  # the nearest point of a facet stops at its corners

    def __init__(self, g: Field, corners: Tensor) -> None:
        self._g, self._corners = g, corners

    def __call__(self, x: Tensor) -> Tensor:
        return torch.cat([self._evaluated(part) for part in self._chunks(x)])

    def gradient(self, x: Tensor) -> Tensor:
        return torch.cat([super(FromFacets, self).gradient(part) for part in self._chunks(x)])

    def _derivatives(self, x: Tensor, order: int) -> Tensor:
        return torch.cat([super(FromFacets, self)._derivatives(part, order) for part in self._chunks(x)])

    def _chunks(self, x: Tensor) -> tuple[Tensor, ...]:
        return x.split(max(1, _PAIRS // len(self._corners)))

    def _evaluated(self, x: Tensor) -> Tensor:
        corners = self._corners.to(x)
        near = corners[:, :1].expand(-1, len(x), -1)  # (F, n, d)
        if corners.shape[1] == 2:
            along = corners[:, 1:] - corners[:, :1]
            place = ((x - near) * along).sum(dim=2, keepdim=True) / along.square().sum(dim=2, keepdim=True)
            near = near + place.clamp(0, 1) * along
        if near.requires_grad:  # at a corner the place is held: an infinite slope of g there counts for nothing
            near.register_hook(lambda slope: slope.where(slope.isfinite(), 0.0))
        values = self._g(near.reshape(-1, x.shape[1])).reshape(near.shape[:2])
        return _inverse_mean(values, (x - near).square().sum(dim=2))


def _inverse_mean(values: Tensor, distances: Tensor) -> Tensor:
    """The mean over the first axis with weights 1 / distance; where distances are zero, of the values there."""
    distances = distances.clamp_min(torch.finfo(distances.dtype).tiny)
    weights = distances.amin(dim=0).detach() / distances
    return (weights * values).sum(dim=0) / weights.sum(dim=0)
