"""Meshes of plane domains whose boundary consists of closed curves, such as a square with round holes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree
from skfem import Mesh, MeshTri

from pdefreq.domains.meshes.fitting import HasBoundary, fitted
from pdefreq.domains.meshes.mesh_files import facets_of
from pdefreq.domains.meshes.polygon_mesh import Units, divided, ends_of_sides, triangulated

_AROUND = 16  # the least number of sides of a polygon that replaces an ellipse
_APART = 2.0  # longest side in units of its distance from other curves
_NEIGHBORS = 8  # nearest points among which one of another curve is sought
_HALVINGS = 40


@dataclass(frozen=True)
class Loop:
    """A closed curve of the boundary as a polygon with its corners on the curve.

    Args:
        corners: The corners in the order of the curve, shape ``(n, 2)``.
        parts: The part of the boundary to which each side belongs; side k begins at corner k.
    """

    corners: np.ndarray
    parts: tuple[str, ...]

    @classmethod
    def of_ellipse(cls, midpoint: Sequence[float], half_axes: Sequence[float], h: float, part: str) -> Loop:
        """The polygon in an ellipse with sides of at most about `h`, at least 16."""
        count = max(_AROUND, math.ceil(2 * math.pi * max(half_axes) / h))
        angle = 2 * np.pi * np.arange(count) / count
        corners = np.asarray(midpoint) + np.asarray(half_axes) * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        return cls(corners, (part,) * count)


def planar_mesh(domain: HasBoundary, loops: Sequence[Loop], h: float) -> Mesh:
    """A mesh of triangles with edges of about `h`, shorter where two curves are close, and vertices on the true boundary.

    Args:
        domain: The domain, whose ``onto_boundary`` moves points onto its parts.
        loops: The closed curves of its boundary; the first one encloses the others.
        h: The length of edges.

    Raises:
        IncompatibleError: If moving a vertex onto a curved part inverts a cell.
    """
    units = Units.of(loops[0].corners)
    points, sides = zip(*(divided(loop.corners, h, units) for loop in loops), strict=True)
    parts = [[loop.parts[side] for side in own] for loop, own in zip(loops, sides, strict=True)]
    curves = _separated(domain, list(points), parts, units)
    p, t = triangulated([curve for curve, _ in curves], h, units)
    mesh = MeshTri(p, t)
    edge, names = mesh.boundary_facets(), np.array([part for _, own in curves for part in own])
    side = _sides_of_facets(facets_of(mesh)[:, edge], ends_of_sides([len(curve) for curve, _ in curves]))
    return fitted(mesh.with_boundaries({name: edge[names[side] == name] for name in domain.part_names}), domain)


def _separated(
    domain: HasBoundary, points: list[np.ndarray], parts: list[list[str]], units: Units
) -> list[tuple[np.ndarray, list[str]]]:
    """The curves with sides halved until they are at most twice as long as their distance from other curves."""
    for _ in range(_HALVINGS if len(points) > 1 else 0):
        owner = np.repeat(np.arange(len(points)), [len(each) for each in points])
        every = np.concatenate(points)[:, :2]
        tree, changed = KDTree(every), False
        for number, (curve, own) in enumerate(zip(points, parts, strict=True)):
            start, end = curve[:, :2], np.roll(curve, -1, axis=0)[:, :2]
            middle, length = (start + end) / 2, np.linalg.norm(end - start, axis=1)
            (long,) = np.nonzero(length > _APART * _gap(tree, owner, every, number, middle, length))
            if len(long):
                changed, names = True, np.array(own)
                for part in np.unique(names[long]):
                    here = long[names[long] == part]
                    middle[here] = domain.onto_boundary(str(part), middle[here])
                new = np.concatenate([middle[long], units.scaled(middle[long])], axis=1)
                points[number] = np.insert(curve, long + 1, new, axis=0)
                parts[number] = np.insert(names, long + 1, names[long]).tolist()
        if not changed:
            break
    return list(zip(points, parts, strict=True))


def _gap(tree: KDTree, owner: np.ndarray, every: np.ndarray, number: int, middle: np.ndarray, length: np.ndarray) -> np.ndarray:
    """The distance of the midpoints of sides from the vertices of other curves; inf where it is larger than the side is long."""
    distance, near = tree.query(middle, k=min(_NEIGHBORS, len(every)))
    other = owner[near] != number
    gap = np.where(other, distance, np.inf).min(axis=1)
    unknown = ~other.any(axis=1) & (distance[:, -1] < length)  # only points of the same curve were found
    if unknown.any():
        apart = KDTree(every[owner != number])
        gap[unknown] = apart.query(middle[unknown])[0]
    return gap


def _sides_of_facets(facets: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """The side of the loops that contains each boundary facet ``(2, facets)``.

    The refinement divides sides by new vertices. The facets that are joined by new vertices form a side, whose ends are vertices
    of the loops ``(sides, 2)``.
    """
    count, given = facets.shape[1], int(ends.max()) + 1
    incident = coo_array((np.ones(2 * count), (facets.ravel(), np.tile(np.arange(count), 2)))).tocsr()
    inner = incident[given:]
    _, group = connected_components((inner.T @ inner) + coo_array((np.ones(count), (range(count), range(count)))))
    low, high = np.full(group.max() + 1, given), np.full(group.max() + 1, -1)
    for row in facets:
        own = row < given
        np.minimum.at(low, group[own], row[own])
        np.maximum.at(high, group[own], row[own])
    number = {(min(a, b), max(a, b)): k for k, (a, b) in enumerate(ends.tolist())}
    return np.array([number[low[each], high[each]] for each in range(len(low))])[group]
