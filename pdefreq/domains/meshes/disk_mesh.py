"""A structured mesh of a disk or an ellipse."""

from __future__ import annotations

import math

import numpy as np
from skfem import Mesh, MeshTri


def disk_mesh(midpoint: tuple[float, ...], half_axes: tuple[float, ...], h: float) -> Mesh:
    """A mesh of six curved sectors of m^2 triangles each; circle k of m has 6k vertices."""
    m = max(1, math.ceil(max(half_axes) / h))
    k = np.repeat(np.arange(1, m + 1), 6 * np.arange(1, m + 1))
    angle = 2 * np.pi * (np.arange(len(k)) - 3 * k * (k - 1)) / (6 * k)
    unit = np.concatenate([[[0.0], [0.0]], k / m * np.stack([np.cos(angle), np.sin(angle)])], axis=1)

    def vertex(circle: np.ndarray, sector: np.ndarray, j: np.ndarray) -> np.ndarray:
        place = (sector * circle + j) % np.maximum(6 * circle, 1)
        return np.where(circle == 0, 0, 1 + 3 * circle * (circle - 1) + place)

    inner, sector, j = (a.ravel() for a in np.meshgrid(np.arange(m), np.arange(6), np.arange(m), indexing="ij"))
    up, down = j <= inner, j < inner
    corners = [
        [vertex(inner, sector, j)[up], vertex(inner + 1, sector, j)[up], vertex(inner + 1, sector, j + 1)[up]],
        [vertex(inner, sector, j)[down], vertex(inner + 1, sector, j + 1)[down], vertex(inner, sector, j + 1)[down]],
    ]
    t = np.concatenate([np.stack(corner) for corner in corners], axis=1).astype(np.int32)
    mesh = MeshTri(np.array(midpoint)[:, None] + np.array(half_axes)[:, None] * unit, t)
    return mesh.with_boundaries({"outer": mesh.boundary_facets()})
