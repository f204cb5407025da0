"""Gauss rules and random points on sets of simplices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from skfem.quadrature import get_quadrature
from skfem.refdom import RefLine, RefTet, RefTri

if TYPE_CHECKING:
    from torch import Tensor


def measures_of(corners: np.ndarray) -> np.ndarray:
    """The lengths, areas or volumes of simplices ``(cells, d + 1, d)``, shape ``(cells,)``."""
    edges = corners[:, 1:] - corners[:, :1]
    return abs(np.linalg.det(edges)) / (1, 2, 6)[corners.shape[2] - 1]


def quartered(corners: np.ndarray) -> np.ndarray:
    """The triangles ``(cells, 3, 2)``, each cut into four at the midpoints of its sides."""
    a, b, c = corners.transpose(1, 0, 2)
    ab, bc, ca = (a + b) / 2, (b + c) / 2, (c + a) / 2
    return np.concatenate([np.stack(part, axis=1) for part in ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))])


def gauss(corners: np.ndarray, measures: np.ndarray, n: int) -> tuple[Tensor, Tensor]:
    """The rule with positive weights and the most points such that all simplices together have at most `n`, cell by cell.

    Args:
        corners: Vertices of points, segments, triangles or tetrahedra, shape ``(cells, k + 1, d)``.
        measures: Measures of the simplices, shape ``(cells,)``.
        n: The number of points; there is at least one per cell.

    Returns:
        Points ``(m, d)`` and weights ``(m,)``, float64.
    """
    dimension = corners.shape[1] - 1
    rules = [(np.full((dimension, 1), 1 / (dimension + 1)), np.ones(1))]  # the centroid, the only rule for a point
    if dimension > 0:
        shape, highest = ((RefLine, 12), (RefTri, 12), (RefTet, 7))[dimension - 1]
        rules += [get_quadrature(shape, degree) for degree in range(2, highest + 1)]
    points, weights = max(
        (rule for rule in rules if len(rule[1]) * len(corners) <= n and (rule[1] > 0).all()),
        key=lambda rule: len(rule[1]),
        default=rules[0],
    )
    barycentric = np.concatenate([1 - points.sum(axis=0, keepdims=True), points])
    x = np.einsum("kq,ckd->cqd", barycentric, corners).reshape(-1, corners.shape[2])
    return torch.from_numpy(x), torch.from_numpy(np.outer(measures, weights / weights.sum()).ravel())


def random(corners: np.ndarray, measures: np.ndarray, unit: np.ndarray) -> tuple[Tensor, np.ndarray]:
    """Uniformly distributed points on simplices, from points of the unit cube.

    The first coordinate selects a simplex in proportion to its measure, the others a point in it.

    Args:
        corners: Vertices, shape ``(cells, k + 1, d)``.
        measures: Measures of the simplices, shape ``(cells,)``.
        unit: Points of the unit cube, shape ``(n, k + 1)``.

    Returns:
        The points, and the index of the simplex of each.
    """
    ends = np.cumsum(measures)
    which = np.minimum(np.searchsorted(ends, unit[:, 0] * ends[-1], side="right"), len(ends) - 1)
    ordered = np.sort(unit[:, 1:], axis=1)  # the spacings of sorted uniform numbers are uniform on the simplex
    barycentric = np.diff(ordered, axis=1, prepend=0.0, append=1.0)
    return torch.from_numpy(np.einsum("nk,nkd->nd", barycentric, corners[which])), which
