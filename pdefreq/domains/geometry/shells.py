"""Weighted points on spheres and spherical shells, for balls and rings."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch

from pdefreq.core.errors import DomainError
from pdefreq.core.streams import stream as named_stream
from pdefreq.domains.geometry import rules
from pdefreq.domains.geometry.numbers import numbers
from pdefreq.domains.samples import Samples

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Points


def rounding(x: Points, midpoint: tuple[float, ...], size: float) -> float:
    """A bound of the rounding error of points on a shape's boundary, relative to the size of the shape, for the dtype of `x`."""
    return 64 * torch.finfo(x.dtype).eps * (1 + max(map(abs, midpoint)) / size)


def check_midpoint(midpoint: tuple[float, ...], shape: str) -> None:
    """Check the midpoint of a shape.

    Raises:
        DomainError: If a coordinate is not finite, or there are no coordinates.
    """
    if not numbers(midpoint, f"the midpoint of a {shape}") or not all(math.isfinite(v) for v in midpoint):
        raise DomainError(f"[domain] the midpoint of a {shape} must be one finite number for each dimension, got {midpoint}")


def place(midpoint: tuple[float, ...], x: Tensor) -> Tensor:
    """Points around the origin, translated to the midpoint."""
    return x + x.new_tensor(midpoint)


def onto_ellipsoid(x: np.ndarray, midpoint: tuple[float, ...], half_axes: tuple[float, ...]) -> np.ndarray:
    """Points ``(n, d)`` moved onto an ellipsoid, along rays from its midpoint."""
    half = np.array(half_axes)
    y = (x - midpoint) / half
    return midpoint + half * y / np.linalg.norm(y, axis=1, keepdims=True)


def shell_samples(midpoint: tuple[float, ...], inner: float, outer: float, n: int, measure: float) -> Samples:
    """About `n` Gauss points in a spherical shell, or a fixed Sobol set of `n` points if a product rule has too many points."""
    d = len(midpoint)
    rule = rules.shell(d, inner, outer, n)
    if rule is None:
        x = rules.shell_points(d, inner, outer, n, named_stream(0, "quadrature"), sobol=True)
        return Samples(place(midpoint, x), torch.full((n,), measure / n, dtype=torch.float64))
    return Samples(place(midpoint, torch.from_numpy(rule[0])), torch.from_numpy(rule[1]))


def sphere_samples(midpoint: tuple[float, ...], radius: float, n: int, stream: torch.Generator | None) -> Samples:
    """About `n` points on a sphere with outward normals, from a product rule, or random if a stream is given."""
    d = len(midpoint)
    area = rules.sphere_area(d) * radius ** (d - 1)
    if d == 1 or (stream is None and (d <= 3 or n >= 2**d)):
        points, weights = rules.sphere(d, max(2, round((n / 2) ** (1 / max(1, d - 1)))))
        normals, weights = torch.from_numpy(points), torch.from_numpy(weights) * radius ** (d - 1)
    else:  # in high dimensions a product rule has too many points
        fixed = named_stream(0, "quadrature")
        normals = rules.directions(rules.unit_cube(n, d, stream or fixed, sobol=stream is None))
        weights = torch.full((n,), area / n, dtype=torch.float64)
    return Samples(place(midpoint, radius * normals), weights, normals, torch.zeros(len(normals), dtype=torch.long))


def joined(pieces: list[Samples]) -> Samples:
    """The union of the samples of several boundary pieces, where each piece becomes a part."""
    return Samples(
        torch.cat([piece.x for piece in pieces]),
        torch.cat([piece.weights for piece in pieces]),
        torch.cat([piece.normals for piece in pieces if piece.normals is not None]),
        torch.cat([torch.full((len(piece.x),), k, dtype=torch.long) for k, piece in enumerate(pieces)]),
    )
