"""Mean value distances, smooth distance functions of polygons and polyhedra."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pdefreq.core.shapes import Points, Values
from pdefreq.domains.geometry.in_pieces import InPieces
from pdefreq.domains.geometry.lifting import off_zero

_ON = 1e-12  # relative distance below which a point is considered to be on a facet


class MeanValueDistance(InPieces):
    """The mean value distance c / phi(x), where phi is the integral of 1 / |y - x| over directions, with y on the boundary.

    It is smooth and positive inside domains of any shape, including holes, and zero on the boundary (Dyken and Floater, 2009,
    Transfinite mean value interpolation). With c the volume of the unit ball in R^(d-1), its inward
    slope on a flat facet is 1; another slope multiplies c. Facets that are seen from outside are counted with a negative sign,
    so that phi is a sum over facets, each in closed form; see Ju, Schaefer, Warren (2005) for triangles.

    Args:
        corners: The vertices of the facets, shape ``(F, d, d)``: facet, vertex, coordinate.
        normals: Outward unit normals, shape ``(F, d)``.
        slope: The inward slope on a flat facet.
    """

    def __init__(self, corners: Tensor, normals: Tensor, slope: float = 1.0) -> None:
        super().__init__(len(corners))
        self._corners, self._normals = corners, normals
        self._phi = {1: _of_point, 2: _of_segment, 3: _of_triangle}[corners.shape[2]]
        self._slope = slope * {1: 1.0, 2: 2.0, 3: math.pi}[corners.shape[2]]
        # At corners and edges it is the distance r from them times a function of the direction: second derivatives ~ 1 / r.
        self.smoothness = math.inf if corners.shape[2] == 1 else 1

    def evaluated(self, x: Points) -> Values:
        # Coordinates precede points, (vertex, coordinate, n, F), so that arithmetic is on long vectors.
        normals = self._normals.to(x).T[:, None, :]
        rays = self._corners.to(x).permute(1, 2, 0).contiguous()[:, :, None, :] - x.T[:, :, None]
        phi, on = self._phi(rays, _dot(rays[0], normals), normals)
        on = on.any(dim=1)
        return torch.where(on, 0.0, self._slope / torch.where(on, 1.0, phi.sum(dim=1)))


class SmoothedDistance(MeanValueDistance):
    """The mean value distance of a polygon, times factors that vanish at its corners.

    The factor of a corner at distance r is r / sqrt(r^2 + s^2), with s half of its shorter side. Near the corner the product
    is like r^2 times a function of the direction, so that its second derivatives are bounded.

    Args:
        corners: The ends of the sides in order, shape ``(F, 2, 2)``.
        normals: Outward unit normals, shape ``(F, 2)``.
        scale: An additional factor.
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
    """The negative mean value distance of a polygon, positive outside, where near facets are seen from their outer side."""

    def evaluated(self, x: Points) -> Values:
        return -super().evaluated(x)


def _dot(a: Tensor, b: Tensor) -> Tensor:
    """Scalar products of vectors whose coordinates are the first axis; `torch.sum` over a short axis is ten times slower."""
    return sum((p * q for p, q in zip(a, b, strict=True)), start=a.new_zeros(()))


def _safe(x: Tensor, bad: Tensor) -> Tensor:
    """The divisors x, replaced by 1 where `bad`, so that unused quotients have no NaN in their gradient."""
    return torch.where(bad, 1.0, x)


def _of_point(_rays: Tensor, heights: Tensor, _normals: Tensor) -> tuple[Tensor, Tensor]:
    on = heights == 0
    return 1 / _safe(heights, on), on


def _of_segment(rays: Tensor, heights: Tensor, _normals: Tensor) -> tuple[Tensor, Tensor]:
    """(1/r1 + 1/r2) tan(angle / 2), in a form of the tangent without cancellation."""
    a, b = rays
    first, second, dot = _dot(a, a), _dot(b, b), _dot(a, b)
    length = _dot(b - a, b - a).sqrt()
    cross = heights * length  # signed, positive if the inner side is seen
    on = ((dot <= 0) & (cross.abs() <= _ON * length**2)) | (first == 0) | (second == 0)
    first, second = _safe(first, on).sqrt(), _safe(second, on).sqrt()
    product, acute = first * second, dot >= 0
    tangent = torch.where(acute, cross / _safe(product + dot, ~acute | on), (product - dot) / _safe(cross, acute | on))
    return torch.where(on, 0.0, (first + second) / product * tangent), on


def _of_triangle(rays: Tensor, heights: Tensor, normals: Tensor) -> tuple[Tensor, Tensor]:
    """n.m / height with m, the integral of directions over the spherical triangle: half the sum of angles times side normals."""
    size = _dot(rays[1] - rays[0], rays[1] - rays[0]).sqrt()
    on = torch.zeros_like(heights, dtype=torch.bool)
    flux = torch.zeros_like(heights)
    for i, j in ((0, 1), (1, 2), (2, 0)):
        a, b = rays[i], rays[j]
        across, along = torch.linalg.cross(a, b, dim=0), _dot(a, b)
        squared = _dot(across, across)
        level = squared <= (_ON * size**2) ** 2  # the point is on the line through both vertices
        on = on | (level & (along <= 0))
        length = _safe(squared, level).sqrt()
        flux = flux + torch.where(level, 0.0, torch.atan2(length, along) / length * _dot(across, normals) / 2)
    # Vertices may have either orientation about the normal; the sign of a facet is that of its height.
    flat = heights.abs() <= _ON * size
    on = on | (flat & (flux.abs() > 1))  # the facet fills a half space of directions: the point is inside the triangle
    return torch.where(on | flat, 0.0, flux.abs() / _safe(heights, on | flat)), on
