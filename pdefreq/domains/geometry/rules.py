"""Gauss rules on intervals, spheres and spherical shells, and random points (float64, on the CPU)."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

_PANEL = 10  # Gauss points per panel: exact for degree 19, and points are nearly uniform for many panels


def ball_volume(d: int) -> float:
    """The volume of the unit ball in R^d; 1 for d = 0, a point."""
    return math.pi ** (d / 2) / math.gamma(d / 2 + 1)


def sphere_area(d: int) -> float:
    """The area of the unit sphere in R^d: 2 for d = 1, the number of its points, and the perimeter for d = 2."""
    return d * ball_volume(d)


def gauss(a: float, b: float, n: int) -> tuple[np.ndarray, np.ndarray]:
    """The composite Gauss-Legendre rule on [a, b] with `n` points, rounded up to equal panels of at most 10."""
    panels = -(-n // _PANEL)
    edges = np.linspace(a, b, panels + 1)
    nodes, weights = np.polynomial.legendre.leggauss(-(-n // panels))
    half = np.diff(edges)[:, None] / 2
    return (edges[:-1, None] + half * (nodes + 1)).ravel(), (half * weights).ravel()


def sphere(d: int, m: int) -> tuple[np.ndarray, np.ndarray]:
    """A product rule on the unit sphere in R^d, exact for polynomials of degree 2m - 1.

    It is the trapezoidal rule on the circle. From one dimension to the next, x = (t, sqrt(1 - t^2) y) with y on the smaller
    sphere and t at the Gauss points of the weight (1 - t^2)^((d-3)/2) (Stroud, 1971, section 2.7).

    Returns:
        Points, shape ``(n, d)``, and weights, shape ``(n,)``, with n = 2 for d = 1 and otherwise n = 2m * m^(d-2).
    """
    from scipy.special import roots_jacobi

    if d == 1:
        return np.array([[-1.0], [1.0]]), np.ones(2)
    angles = 2 * math.pi * np.arange(2 * m) / (2 * m)
    x, weights = np.stack([np.cos(angles), np.sin(angles)], axis=1), np.full(2 * m, math.pi / m)
    for k in range(3, d + 1):
        t, w = roots_jacobi(m, (k - 3) / 2, (k - 3) / 2)
        small = np.sqrt(1 - t**2)
        x = np.concatenate([np.repeat(t, len(x))[:, None], np.tile(x, (m, 1)) * np.repeat(small, len(x))[:, None]], axis=1)
        weights = np.outer(w, weights).ravel()
    return x, weights


def shell(d: int, inner: float, outer: float, n: int) -> tuple[np.ndarray, np.ndarray] | None:
    """A product rule of about `n` points on ``inner < |x| < outer``: Gauss in the radius, `sphere` in the direction.

    Returns:
        Points and weights; None if `n` is too small for two points in each direction, as in high dimensions.
    """
    if d > 3 and n < 2 ** (d + 1):
        return None
    m = max(2, round((n / 2) ** (1 / d)))
    directions, areas = sphere(d, m)
    r, lengths = gauss(inner, outer, m)
    x = (r[:, None, None] * directions).reshape(-1, d)
    return x, np.outer(lengths * r ** (d - 1), areas).ravel()


def unit_cube(n: int, d: int, stream: torch.Generator, *, sobol: bool = False) -> Tensor:
    """`n` points in the unit cube, independent and uniform or a scrambled Sobol set."""
    if not sobol:
        return torch.rand(n, d, generator=stream, dtype=torch.float64)
    seed = int(torch.randint(2**31, (1,), generator=stream))
    return torch.quasirandom.SobolEngine(d, scramble=True, seed=seed).draw(n, dtype=torch.float64)


def directions(unit: Tensor) -> Tensor:
    """Points of the unit cube mapped to the unit sphere in R^d, uniformly: by an angle in the plane, otherwise by Gaussians."""
    d = unit.shape[1]
    if d == 1:
        return torch.where(unit < 0.5, -1.0, 1.0)
    if d == 2:
        angle = 2 * math.pi * unit[:, 0]
        return torch.stack([angle.cos(), angle.sin()], dim=1)
    normal = torch.special.ndtri(unit.clamp(1e-300, 1 - 2**-53))
    return normal / normal.norm(dim=1, keepdim=True)


def shell_points(d: int, inner: float, outer: float, n: int, stream: torch.Generator, *, sobol: bool = False) -> Tensor:
    """`n` points distributed uniformly over ``inner < |x| < outer``."""
    unit = unit_cube(n, d + (d != 2), stream, sobol=sobol)  # the direction takes one number in the plane, otherwise d
    r = (inner**d + unit[:, :1] * (outer**d - inner**d)) ** (1 / d)
    return r * directions(unit[:, 1:] if d != 2 else unit.flip(1))
