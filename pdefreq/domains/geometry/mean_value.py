"""A smooth distance to the boundary of a polygon or polyhedron."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pdefreq.core.shapes import Points, Values
from pdefreq.domains.geometry.in_pieces import InPieces
from pdefreq.domains.geometry.lifting import off_zero

_ON = 1e-12  # relative: nearer than this a point lies on a facet


class MeanValueDistance(InPieces):
    """The mean value distance c / phi(x), where phi integrates 1 / |y - x| over the directions in which x sees the boundary.

    Dyken and Floater (2009), Transfinite mean value interpolation: smooth and positive inside any shape, holes included, and zero
    on the boundary. With c the volume of the unit ball in R^(d-1) its inward slope on a flat facet is 1. Facets that x sees from
    outside count negative, so phi is a sum over facets, each in closed form; Ju, Schaefer, Warren (2005) have it for triangles.

    Args:
        corners: The facets' corners, shape ``(F, d, d)``: facet, corner, coordinate.
        normals: Outward unit normals, shape ``(F, d)``.
    """

    def __init__(self, corners: Tensor, normals: Tensor) -> None:
        super().__init__(len(corners))
        self._corners, self._normals = corners, normals
        self._phi = {1: _of_point, 2: _of_segment, 3: _of_triangle}[corners.shape[2]]
        self._slope = {1: 1.0, 2: 2.0, 3: math.pi}[corners.shape[2]]
        # At corners and edges it is like their distance r times a function of the direction: second derivatives are like 1 / r.
        self.smoothness = math.inf if corners.shape[2] == 1 else 1

    def evaluated(self, x: Points) -> Values:
        # Coordinates come before points, (corner, coordinate, n, F): arithmetic is then on long vectors.
        normals = self._normals.to(x).T[:, None, :]
        rays = self._corners.to(x).permute(1, 2, 0).contiguous()[:, :, None, :] - x.T[:, :, None]
        phi, on = self._phi(rays, _dot(rays[0], normals), normals)
        on = on.any(dim=1)
        return torch.where(on, 0.0, self._slope / torch.where(on, 1.0, phi.sum(dim=1)))


class SmoothedDistance(MeanValueDistance):
    """The mean value distance of a polygon, times factors that vanish at its corners.

    The factor of a corner at the distance r is r / sqrt(r^2 + s^2), with s half of its shorter side. Beside the corner the
    product is like r^2 times a function of the direction, so its second derivatives are bounded.

    Args:
        corners: The ends of the sides in their order, shape ``(F, 2, 2)``.
        normals: Outward unit normals, shape ``(F, 2)``.
        scale: A further factor.
    """

    def __init__(self, corners: Tensor, normals: Tensor, scale: float = 1.0) -> None:
        super().__init__(corners, normals)
        self._scale = scale
        lengths = (corners[:, 1] - corners[:, 0]).square().sum(dim=1)
        self._squares = torch.minimum(lengths, lengths.roll(1)) / 4
        self.smoothness = 2

    def evaluated(self, x: Points) -> Values:
        r = off_zero((x[:, None] - self._corners[:, 0].to(x)).square().sum(dim=2))
        return self._scale * super().evaluated(x) * (r / (r + self._squares.to(x))).prod(dim=1).sqrt()


class OutsideDistance(MeanValueDistance):
    """The negative mean value distance of a polygon: positive outside, where near facets are seen from their outer side."""

    def evaluated(self, x: Points) -> Values:
        return -super().evaluated(x)


def _dot(a: Tensor, b: Tensor) -> Tensor:
    """Products of vectors whose coordinates come first; `torch.sum` is ten times slower over so few."""
    return sum((p * q for p, q in zip(a, b, strict=True)), start=a.new_zeros(()))


def _safe(x: Tensor, bad: Tensor) -> Tensor:
    """One where `bad`: what is divided by it is not used there, and must have no NaN in its gradient."""
    return torch.where(bad, 1.0, x)


def _of_point(_rays: Tensor, heights: Tensor, _normals: Tensor) -> tuple[Tensor, Tensor]:
    on = heights == 0
    return 1 / _safe(heights, on), on


def _of_segment(rays: Tensor, heights: Tensor, _normals: Tensor) -> tuple[Tensor, Tensor]:
    """(1/r1 + 1/r2) tan(angle / 2), by the form of the tangent that does not cancel."""
    a, b = rays
    first, second, dot = _dot(a, a), _dot(b, b), _dot(a, b)
    length = _dot(b - a, b - a).sqrt()
    cross = heights * length  # signed: positive where the inner side is seen
    on = ((dot <= 0) & (cross.abs() <= _ON * length**2)) | (first == 0) | (second == 0)
    first, second = _safe(first, on).sqrt(), _safe(second, on).sqrt()
    product, acute = first * second, dot >= 0
    tangent = torch.where(acute, cross / _safe(product + dot, ~acute | on), (product - dot) / _safe(cross, acute | on))
    return torch.where(on, 0.0, (first + second) / product * tangent), on


def _of_triangle(rays: Tensor, heights: Tensor, normals: Tensor) -> tuple[Tensor, Tensor]:
    """n.m / height, where m integrates the direction over the spherical triangle: half the sum of angle times normal of sides."""
    size = _dot(rays[1] - rays[0], rays[1] - rays[0]).sqrt()
    on = torch.zeros_like(heights, dtype=torch.bool)
    flux = torch.zeros_like(heights)
    for i, j in ((0, 1), (1, 2), (2, 0)):
        a, b = rays[i], rays[j]
        across, along = torch.linalg.cross(a, b, dim=0), _dot(a, b)
        squared = _dot(across, across)
        level = squared <= (_ON * size**2) ** 2  # the point lies on the line through both corners
        on = on | (level & (along <= 0))
        length = _safe(squared, level).sqrt()
        flux = flux + torch.where(level, 0.0, torch.atan2(length, along) / length * _dot(across, normals) / 2)
    # The corners may run either way about the normal; the facet's sign is the height's.
    flat = heights.abs() <= _ON * size
    on = on | (flat & (flux.abs() > 1))  # seen under a half space: inside the triangle
    return torch.where(on | flat, 0.0, flux.abs() / _safe(heights, on | flat)), on
