"""Vertices of meshes on curved boundaries."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

import numpy as np
from skfem import Mesh
from skfem.mesh.mesh_simplex import MeshSimplex

from pdefreq.core.errors import IncompatibleError
from pdefreq.domains.meshes.mesh_files import facets_of


class HasBoundary(Protocol):
    """The interface of domains whose boundary parts may be curved; see `Domain`."""

    @property
    def part_names(self) -> tuple[str, ...]: ...

    def onto_boundary(self, part: str, x: np.ndarray) -> np.ndarray: ...


def fitted(mesh: Mesh, domain: HasBoundary) -> Mesh:
    """The mesh with the vertices on curved parts of the boundary moved onto the true boundary.

    Args:
        mesh: A mesh near the domain, with boundaries named as the domain's parts.
        domain: The domain.

    Raises:
        IncompatibleError: If this inverts a cell.
    """
    p = mesh.p.copy()
    for name, facets in (mesh.boundaries or {}).items():
        vertices = np.unique(facets_of(mesh)[:, facets])
        p[:, vertices] = domain.onto_boundary(name, p[:, vertices].T).T
    moved = replace(mesh, doflocs=p)
    if isinstance(mesh, MeshSimplex) and (_turns(mesh) * _turns(moved) <= 0).any():
        raise IncompatibleError("a cell is inverted when its vertices are moved onto the curved boundary: use more `cells`")
    return moved


def _turns(mesh: Mesh) -> np.ndarray:
    """The determinants of the edges of simplices, shape ``(cells,)``: twice (2-D) or six times (3-D) the signed measure."""
    corners = mesh.p.T[mesh.t.T]
    return np.linalg.det(corners[:, 1:] - corners[:, :1])
