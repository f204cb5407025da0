"""The sides of a polygon that is given by the boundary facets of a mesh."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

_STRAIGHT = 1e-12  # largest difference of unit normals of facets on one side


def sides(p: np.ndarray, facets: np.ndarray, normals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Join adjacent facets on a straight line.

    The cost of a distance function or lifting then depends on the number of sides of the polygon, not on the mesh width.

    Args:
        p: Vertices, shape ``(2, vertices)``.
        facets: The two vertices of each boundary facet, shape ``(2, F)``.
        normals: Outward unit normals, shape ``(F, 2)``.

    Returns:
        The ends of the sides, shape ``(S, 2, 2)``: side, end, coordinate; and the normals, shape ``(S, 2)``.
    """
    count = facets.shape[1]
    by_vertex = np.argsort(facets, axis=None, kind="stable")
    vertex, facet = facets.ravel()[by_vertex], by_vertex % count
    _, start, times = np.unique(vertex, return_index=True, return_counts=True)
    first, second = facet[start[times == 2]], facet[start[times == 2] + 1]  # at other vertices more than two facets meet
    straight = np.abs(normals[first] - normals[second]).max(axis=1) < _STRAIGHT
    links = coo_array((np.ones(straight.sum()), (first[straight], second[straight])), shape=(count, count))
    number, side = connected_components(links, directed=False)
    _, one = np.unique(side, return_index=True)
    ends = np.stack([_extreme(p, facets, normals[one], side, number, sign) for sign in (-1, 1)], axis=1)
    return ends, normals[one]


def _extreme(p: np.ndarray, facets: np.ndarray, normals: np.ndarray, side: np.ndarray, number: int, sign: int) -> np.ndarray:
    """The last (+1) or first (-1) vertex of each side along its direction, shape ``(S, 2)``."""
    along = sign * np.stack([-normals[:, 1], normals[:, 0]], axis=1)
    vertices, owner = facets.ravel(), np.tile(side, 2)
    order = np.lexsort(((p[:, vertices].T * along[owner]).sum(axis=1), owner))
    return p.T[vertices[order[np.searchsorted(owner[order], np.arange(number), side="right") - 1]]]
