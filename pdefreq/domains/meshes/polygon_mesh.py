"""Meshes of polygons by constrained Delaunay triangulation, refined by CDT (`pythoncdt`)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

_LEAST_ANGLE = 25.0  # degrees, except at sharper corners of the polygon; proven by Ruppert: 20.7, practical limit: 33
_MOST_POINTS = 10**9  # points to insert; the refinement ends earlier, by area and angle


def triangulated(points: np.ndarray, h: float) -> tuple[np.ndarray, np.ndarray]:
    """A mesh of triangles with edges of about `h` and angles of at least 25 degrees, except at sharper corners of the polygon.

    The sides are first divided uniformly. Then circumcenters of triangles that are too large or too sharp are inserted.

    Args:
        points: Corners of a simple polygon, shape ``(n, 2)``.
        h: Edge length of the equilateral triangle whose area is the largest allowed.

    Returns:
        Vertices, shape ``(2, vertices)``, and vertex indices of triangles, shape ``(3, triangles)``.

    Source:
        Ruppert (1995), A Delaunay refinement algorithm for quality 2-dimensional mesh generation, J. Algorithms 18.
    """
    import pythoncdt as cdt

    middle, size = points.mean(axis=0), np.ptp(points, axis=0).max()
    outline = _divided((points - middle) / size, h / size)
    ends = np.arange(len(outline))
    mesh: Any = cdt.Triangulation(cdt.VertexInsertionOrder.AUTO, cdt.IntersectingConstraintEdges.NOT_ALLOWED, 0.0)
    mesh.insert_vertices(outline)
    mesh.insert_edges(np.stack([ends, np.roll(ends, -1)], axis=1).astype(np.uintc))
    outside = mesh.collect_outer_triangles_and_holes()
    largest = math.sqrt(3) / 4 * (h / size) ** 2
    mesh.refine_triangles(_MOST_POINTS, cdt.RefinementCriterion.LARGEST_AREA, largest, outside)
    mesh.refine_triangles(_MOST_POINTS, cdt.RefinementCriterion.SMALLEST_ANGLE, math.radians(_LEAST_ANGLE), outside)
    mesh.finalize_triangulation(outside)
    vertices = mesh.vertices_array()
    p = np.stack([vertices["x"], vertices["y"]]) * size + middle[:, None]
    p[:, : len(outline)] = _divided(points, h).T  # without rounding errors
    return p, np.ascontiguousarray(mesh.triangles_array()["vertices"].T, dtype=np.int32)


def _divided(points: np.ndarray, h: float) -> np.ndarray:
    """The corners, with equally spaced points between them at distances of at most `h`."""
    sides = zip(points, np.roll(points, -1, axis=0), strict=True)
    counts = np.maximum(1, np.ceil(np.linalg.norm(np.roll(points, -1, axis=0) - points, axis=1) / h - 1e-9)).astype(int)
    return np.concatenate(
        [a + np.linspace(0, 1, n, endpoint=False)[:, None] * (b - a) for (a, b), n in zip(sides, counts, strict=True)]
    )
