"""Meshes of polygons with holes by constrained Delaunay triangulation, refined by CDT (`pythoncdt`)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

_LEAST_ANGLE = 25.0  # degrees, except at sharper corners of the polygon; proven by Ruppert: 20.7, practical limit: 33
_MOST_POINTS = 10**9  # points to insert; the refinement ends earlier, by area and angle


@dataclass(frozen=True)
class Units:
    """The units of length in which a triangulation is computed: the extent of a polygon, from the mean of its corners."""

    middle: np.ndarray
    size: float

    @classmethod
    def of(cls, corners: np.ndarray) -> Units:
        """The units of corners, shape ``(n, 2)``."""
        return cls(corners.mean(axis=0), float(np.ptp(corners, axis=0).max()))

    def scaled(self, x: np.ndarray) -> np.ndarray:
        """Points in these units."""
        return (x - self.middle) / self.size


def divided(corners: np.ndarray, h: float, units: Units) -> tuple[np.ndarray, np.ndarray]:
    """The corners of a closed polygon, with equally spaced points between them at distances of at most `h`.

    Args:
        corners: The corners, shape ``(n, 2)``.
        h: The distance.
        units: The units of the triangulation.

    Returns:
        The points and the points in units, which are divided separately because they differ by rounding errors, shape
        ``(m, 4)``; and the index of the side that begins at each of them, shape ``(m,)``.
    """
    length = np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1)
    counts = np.maximum(1, np.ceil(length / h - 1e-9)).astype(int)
    points = [_divided(each, counts) for each in (corners, units.scaled(corners))]
    return np.concatenate(points, axis=1), np.repeat(np.arange(len(corners)), counts)


def _divided(corners: np.ndarray, counts: np.ndarray) -> np.ndarray:
    sides = zip(corners, np.roll(corners, -1, axis=0), counts, strict=True)
    return np.concatenate([a + np.linspace(0, 1, n, endpoint=False)[:, None] * (b - a) for a, b, n in sides])


def triangulated(loops: Sequence[np.ndarray], h: float, units: Units) -> tuple[np.ndarray, np.ndarray]:
    """A mesh of triangles with edges of about `h` and angles of at least 25 degrees, except at sharper corners of the polygon.

    Circumcenters of triangles that are too large or too sharp, and midpoints of sides near them, are inserted.

    Args:
        loops: The vertices of the outer boundary, then those of each hole, in the order of the curve, as `divided` returns them.
        h: Edge length of the equilateral triangle whose area is the largest allowed.
        units: The units of the triangulation.

    Returns:
        Vertices, shape ``(2, vertices)``, of which the first ones are those of the loops; and vertex indices of triangles, shape
        ``(3, triangles)``.

    Source:
        Ruppert (1995), A Delaunay refinement algorithm for quality 2-dimensional mesh generation, J. Algorithms 18.
    """
    import pythoncdt as cdt

    given = np.concatenate(loops)
    mesh: Any = cdt.Triangulation(cdt.VertexInsertionOrder.AUTO, cdt.IntersectingConstraintEdges.NOT_ALLOWED, 0.0)
    mesh.insert_vertices(np.ascontiguousarray(given[:, 2:]))
    mesh.insert_edges(ends_of_sides([len(loop) for loop in loops]).astype(np.uintc))
    outside = mesh.collect_outer_triangles_and_holes()
    largest = math.sqrt(3) / 4 * (h / units.size) ** 2
    mesh.refine_triangles(_MOST_POINTS, cdt.RefinementCriterion.LARGEST_AREA, largest, outside)
    mesh.refine_triangles(_MOST_POINTS, cdt.RefinementCriterion.SMALLEST_ANGLE, math.radians(_LEAST_ANGLE), outside)
    mesh.finalize_triangulation(outside)
    vertices = mesh.vertices_array()
    p = np.stack([vertices["x"], vertices["y"]]) * units.size + units.middle[:, None]
    p[:, : len(given)] = given[:, :2].T  # without rounding errors
    return p, np.ascontiguousarray(mesh.triangles_array()["vertices"].T, dtype=np.int32)


def ends_of_sides(counts: Sequence[int]) -> np.ndarray:
    """The first and the last vertex of each side of closed loops with these numbers of vertices, shape ``(sides, 2)``."""
    starts = np.cumsum([0, *counts])[:-1]
    first = [start + np.arange(count) for start, count in zip(starts, counts, strict=True)]
    return np.stack([np.concatenate(first), np.concatenate([np.roll(each, -1) for each in first])], axis=1)
