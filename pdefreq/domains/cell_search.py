"""Which cell of a mesh of simplices holds a point."""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree

_SLACK = 1e-10  # of barycentric coordinates: points on the boundary belong to the closed domain


class CellSearch:
    """Finds the cell of each point, among those whose circle about the centroid holds it, in classes of like size.

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
        self._classes = [(cells, KDTree(centroids[cells]), radii[cells].max() * (1 + _SLACK)) for cells in members]

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """The cell of each point, shape ``(n,)``: the first where several share it, -1 where none has it."""
        found = np.full(len(x), -1)
        for cells, tree, radius in self._classes:
            left = np.nonzero(found < 0)[0]
            near = tree.query_ball_point(x[left], radius)
            counts = [len(c) for c in near]
            points, candidates = np.repeat(left, counts), cells[np.concatenate([*near, []]).astype(int)]
            hit = self._barycentric(x[points], candidates).min(axis=1) >= -_SLACK
            # reversed: of several hits of one point the first stays
            found[points[hit][::-1]] = candidates[hit][::-1]
        return found

    def _barycentric(self, x: np.ndarray, cells: np.ndarray) -> np.ndarray:
        inner = np.einsum("nij,nj->ni", self._inverses[cells], x - self._origins[cells])
        return np.concatenate([1 - inner.sum(axis=1, keepdims=True), inner], axis=1)
