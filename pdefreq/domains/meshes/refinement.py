"""Local refinement of meshes of simplices, boundary names included."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.spatial import KDTree
from skfem import Mesh

from pdefreq.domains.meshes.files import facets_of

_CANDIDATES = 16  # old facets whose midpoints are nearest to that of a new one


def locally_refined(mesh: Mesh, cells: np.ndarray) -> Mesh:
    """A conforming mesh in which these cells are split, and others where that is needed; new vertices are midpoints of edges.

    Args:
        mesh: Of lines, triangles or tetrahedra.
        cells: Indices.
    """
    fine = replace(mesh, _boundaries=None).refined(cells)
    if not mesh.boundaries:
        return fine
    edge, origin = fine.boundary_facets(), _origins(mesh, fine)
    return fine.with_boundaries({name: edge[np.isin(origin, facets)] for name, facets in mesh.boundaries.items()})


def _origins(mesh: Mesh, fine: Mesh) -> np.ndarray:
    """The boundary facet of a mesh that each boundary facet of its refinement is a part of."""
    old = mesh.boundary_facets()
    corners = mesh.p.T[facets_of(mesh)[:, old].T]  # (facets, d, d)
    middle = fine.p[:, facets_of(fine)[:, fine.boundary_facets()]].mean(axis=1).T
    near = KDTree(corners.mean(axis=1)).query(middle, k=min(_CANDIDATES, len(old)))[1].reshape(len(middle), -1)
    edges = (corners[:, 1:] - corners[:, :1]).transpose(0, 2, 1)  # (facets, d, d - 1)
    offset = middle[:, None] - corners[near, 0]
    inner = np.einsum("fcij,fcj->fci", np.linalg.pinv(edges)[near], offset)
    barycentric = np.concatenate([1 - inner.sum(axis=2, keepdims=True), inner], axis=2)
    beside = np.linalg.norm(offset - np.einsum("fcij,fcj->fci", edges[near], inner), axis=2)
    size = np.linalg.norm(edges[near], axis=(2, 3)) + (mesh.dim() == 1)
    outside = np.maximum(-barycentric.min(axis=2), 0) + beside / size
    return old[near[np.arange(len(middle)), outside.argmin(axis=1)]]
