"""Triangles of a polygon: a constrained Delaunay triangulation, refined by CDT (`pythoncdt`)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

_LEAST_ANGLE = 25.0  # degrees: of triangles at corners of the polygon that are not sharper; Ruppert proved 20.7, 33 is the limit
_MOST_POINTS = 10**9  # to insert: the areas and angles end the refinement


def triangulated(points: np.ndarray, h: float) -> tuple[np.ndarray, np.ndarray]:
    """A mesh of triangles with edges of about `h` and angles of 25 degrees at least, but for sharper corners of the polygon.

    Sides are divided evenly first. Then circumcenters of triangles that are too large or too sharp are inserted.

    Args:
        points: Corners of a simple polygon, shape ``(n, 2)``.
        h: Edges of equilateral triangles of the largest area.

    Returns:
        Vertices, shape ``(2, vertices)``, and corners of triangles, shape ``(3, triangles)``.

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
    p[:, : len(outline)] = _divided(points, h).T  # to the last digit
    return p, np.ascontiguousarray(mesh.triangles_array()["vertices"].T, dtype=np.int32)


def _divided(points: np.ndarray, h: float) -> np.ndarray:
    """The corners, and points between them at even distances of at most `h`."""
    sides = zip(points, np.roll(points, -1, axis=0), strict=True)
    counts = np.maximum(1, np.ceil(np.linalg.norm(np.roll(points, -1, axis=0) - points, axis=1) / h - 1e-9)).astype(int)
    return np.concatenate(
        [a + np.linspace(0, 1, n, endpoint=False)[:, None] * (b - a) for (a, b), n in zip(sides, counts, strict=True)]
    )
