"""Which cell of a mesh of simplices holds a point."""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree

_NEAREST = 4
_SLACK = 1e-10  # of barycentric coordinates: points on the boundary belong to the closed domain


class CellSearch:
    """Finds the cell of each point.

    First among the cells with the nearest centroids; then, for the few points that are left, among all whose circle about the
    centroid holds the point, in classes of like size.

    Args:
        corners: Corners of the cells, shape ``(cells, d + 1, d)``.
    """

    def __init__(self, corners: np.ndarray) -> None:
        self._origins = corners[:, 0]
        self._inverses = np.linalg.inv((corners[:, 1:] - corners[:, :1]).transpose(0, 2, 1))
        centroids = corners.mean(axis=1)
        radii = np.linalg.norm(corners - centroids[:, None], axis=2).max(axis=1)
        octaves = np.ceil(np.log2(radii / radii.max())).astype(int)
        members = [np.nonzero(octaves == k)[0] for k in np.unique(octaves)]
        self._tree = KDTree(centroids)
        self._classes = [(cells, KDTree(centroids[cells]), radii[cells].max() * (1 + _SLACK)) for cells in members]

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """A cell that holds each point, shape ``(n,)``; -1 where none does."""
        found = np.full(len(x), -1)
        _, nearest = self._tree.query(x, min(_NEAREST, len(self._origins)))
        for candidates in np.reshape(nearest, (len(x), -1)).T:
            self._try(x, np.arange(len(x)), candidates, found)
        for cells, tree, radius in self._classes:
            left = np.nonzero(found < 0)[0]
            near = tree.query_ball_point(x[left], radius)
            self._try(x, np.repeat(left, [len(c) for c in near]), cells[np.concatenate([*near, []]).astype(int)], found)
        return found

    def _try(self, x: np.ndarray, points: np.ndarray, cells: np.ndarray, found: np.ndarray) -> None:
        """Note the cells that hold their points, where `found` has none yet."""
        points, cells = points[found[points] < 0], cells[found[points] < 0]
        inner = np.einsum("nij,nj->ni", self._inverses[cells], x[points] - self._origins[cells])
        hit = (inner.min(axis=1) >= -_SLACK) & (inner.sum(axis=1) <= 1 + _SLACK)
        found[points[hit]] = cells[hit]
