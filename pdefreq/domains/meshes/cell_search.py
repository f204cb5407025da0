"""Location of points in the cells of simplicial meshes."""

from __future__ import annotations

import functools

import numpy as np
from scipy.spatial import KDTree

_NEAREST = 4
_SLACK = 1e-10  # tolerance of barycentric coordinates, so that points on the boundary are included


class CellSearch:
    """A search for the cells that contain given points.

    It first tests the cells with the nearest centroids. For the few remaining points, it tests all cells whose bounding circle
    about the centroid contains the point, in classes of similar size.

    Args:
        corners: The vertices of the cells, shape ``(cells, d + 1, d)``.
    """

    def __init__(self, corners: np.ndarray) -> None:
        self._corners = corners
        self._inverses = np.empty((len(corners), corners.shape[2], corners.shape[2]))
        self._inverted = np.zeros(len(corners), bool)
        self._centroids = corners.mean(axis=1)
        # Without balancing, the tree of two million cells is built in a third of the time.
        self._tree = KDTree(self._centroids, balanced_tree=False, compact_nodes=False)

    @functools.cached_property
    def _classes(self) -> list[tuple[np.ndarray, KDTree, float]]:
        """Cells of similar size, a tree of their centroids, and the largest radius of their bounding circles."""
        radii = np.linalg.norm(self._corners - self._centroids[:, None], axis=2).max(axis=1)
        octaves = np.ceil(np.log2(radii / radii.max())).astype(int)
        members = [np.nonzero(octaves == k)[0] for k in np.unique(octaves)]
        return [(cells, KDTree(self._centroids[cells]), radii[cells].max() * (1 + _SLACK)) for cells in members]

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """A cell that contains each point, shape ``(n,)``; -1 for points outside all cells."""
        found = np.full(len(x), -1)
        _, nearest = self._tree.query(x, min(_NEAREST, len(self._corners)))
        for candidates in np.reshape(nearest, (len(x), -1)).T:
            self._try(x, np.arange(len(x)), candidates, found)
        for cells, tree, radius in self._classes if (found < 0).any() else ():
            left = np.nonzero(found < 0)[0]
            near = tree.query_ball_point(x[left], radius)
            self._try(x, np.repeat(left, [len(c) for c in near]), cells[np.concatenate([*near, []]).astype(int)], found)
        return found

    def _try(self, x: np.ndarray, points: np.ndarray, cells: np.ndarray, found: np.ndarray) -> None:
        """Set the entries of `found` that are still -1 to the cells that contain their points."""
        points, cells = points[found[points] < 0], cells[found[points] < 0]
        inner = np.einsum("nij,nj->ni", self._inverse(cells), x[points] - self._corners[cells, 0])
        hit = (inner.min(axis=1) >= -_SLACK) & (inner.sum(axis=1) <= 1 + _SLACK)
        found[points[hit]] = cells[hit]

    def _inverse(self, cells: np.ndarray) -> np.ndarray:
        """The inverse matrices of the affine maps of cells, each computed when it is first needed."""
        new = np.unique(cells[~self._inverted[cells]])
        corners = self._corners[new]
        self._inverses[new] = np.linalg.inv((corners[:, 1:] - corners[:, :1]).transpose(0, 2, 1))
        self._inverted[new] = True
        return self._inverses[cells]
