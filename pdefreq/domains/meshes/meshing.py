"""Generation and refinement of meshes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.spatial import KDTree
from skfem import Dofs, Mesh, MeshTet, MeshTet2, MeshTri2

from pdefreq.core.errors import IncompatibleError, OptionError, TooLargeError
from pdefreq.domains.meshes.fitting import fitted
from pdefreq.domains.meshes.mesh_files import facets_of

if TYPE_CHECKING:
    from pdefreq.core.fields import Field
    from pdefreq.domains.domain import Domain

_MOST_CELLS = 5e7
_CUT = 0.05  # part of the range of a level set function on both sides of an interface that cuts a cell
_CANDIDATES = 16  # old facets with midpoints nearest to that of a new one


def mesh_of(domain: Domain, h: float) -> Mesh:
    """A mesh with cells of width about `h`, whose ``boundaries`` have the names of the domain's parts.

    It is created by `Domain.meshed`. A domain that is given as a mesh keeps it, refined until no edge is longer than `h`.

    Args:
        domain: A domain in one to three dimensions.
        h: The length of edges.

    Raises:
        OptionError: If `h` is not positive, or requires too many cells for a computer.
        IncompatibleError: If the domain has more than three dimensions, needs gmsh and it is missing, or has no CAD form.
    """
    d = domain.dimension
    if not 0 < h < math.inf:
        raise OptionError(f"the mesh width h must be above zero, got {h:g}")
    if d > 3:
        raise IncompatibleError(f"meshes have at most three dimensions, but this domain has {d}: use a method without a mesh")
    cells = (1, 2, 6)[d - 1] * domain.measure / h**d
    if cells > _MOST_CELLS:
        raise TooLargeError(
            f"the mesh width h = {h:g} requires about {cells:.1g} cells, more than the limit of {_MOST_CELLS:.1g}; use a larger h"
        )
    mesh = domain.own_mesh
    if mesh is None:
        return domain.meshed(h)
    while mesh.param() > h:
        mesh = refined(mesh, domain)
    return mesh


def refined(mesh: Mesh, domain: Domain) -> Mesh:
    """The mesh with every cell split into 2^d cells.

    Boundary names are kept, and vertices on curved parts are moved onto the true boundary.

    Args:
        mesh: A mesh of the domain, with boundaries named as the domain's parts.
        domain: The domain.
    """
    if isinstance(mesh, MeshTet):  # scikit-fem does not preserve their boundary names
        fine = replace(mesh, _boundaries=None).refined()
        fine = replace(fine, _boundaries=_refined_names(mesh, fine))
    else:
        fine = mesh.refined()
    return fitted(fine, domain)


def curved(mesh: Mesh, domain: Domain) -> Mesh:
    """The mesh with quadratic cells, where midpoints of edges on curved parts are moved onto the true boundary.

    Args:
        mesh: A mesh of lines, triangles or tetrahedra, with boundaries named as the domain's parts.
        domain: The domain.
    """
    if mesh.dim() == 1:
        return mesh
    kind = MeshTri2 if mesh.dim() == 2 else MeshTet2
    quadratic, dofs = kind.from_mesh(mesh), Dofs(mesh, kind.elem())
    p = quadratic.doflocs.copy()
    for name, facets in (mesh.boundaries or {}).items():
        nodes = dofs.get_facet_dofs(facets).all()
        p[:, nodes] = domain.onto_boundary(name, p[:, nodes].T).T
    return replace(quadratic, doflocs=p, _boundaries=mesh.boundaries)


def _refined_names(mesh: MeshTet, fine: MeshTet) -> dict[str, np.ndarray] | None:
    """The boundary names of a refined mesh of tetrahedra.

    A vertex of the fine mesh is an old vertex or the midpoint of an old edge. A fine facet touches the three old vertices of
    the facet from which it came, and no others.
    """
    if mesh.boundaries is None:
        return None
    parents = np.concatenate([np.tile(np.arange(mesh.nvertices), (2, 1)), np.asarray(mesh.edges)], axis=1)
    name_of = {tuple(sorted(facets_of(mesh)[:, f].tolist())): name for name, facets in mesh.boundaries.items() for f in facets}
    found: dict[str, list[int]] = {name: [] for name in mesh.boundaries}
    for f in fine.boundary_facets():
        name = name_of.get(tuple(sorted({*parents[:, facets_of(fine)[:, f]].ravel().tolist()})))
        if name is not None:
            found[name].append(int(f))
    return {name: np.array(facets, dtype=np.int32) for name, facets in found.items()}


def cut_cells(mesh: Mesh, level_sets: Sequence[Field]) -> np.ndarray:
    """The indices of the cells in which a level set function changes its sign between vertices and midpoints of edges.

    Args:
        mesh: A mesh of lines, triangles or tetrahedra.
        level_sets: The functions. Both signs must reach a twentieth of the range in the cell, since a side that is the chord of
            an interface is not cut.
    """
    corners = mesh.p.T[mesh.t.T]  # (cells, d + 1, d)
    middles = [(corners[:, i] + corners[:, j]) / 2 for i, j in itertools.combinations(range(corners.shape[1]), 2)]
    x = np.concatenate([corners, np.stack(middles, axis=1)], axis=1)
    cut = np.zeros(len(x), dtype=bool)
    for level_set in level_sets:
        value = np.nan_to_num(level_set(torch.from_numpy(x.reshape(-1, x.shape[2]))).numpy().reshape(x.shape[:2]))
        low, high = value.min(axis=1), value.max(axis=1)
        least = _CUT * (high - low)
        cut |= (low < -least) & (high > least)
    return np.flatnonzero(cut)


def locally_refined(mesh: Mesh, cells: np.ndarray) -> Mesh:
    """A conforming mesh in which the given cells, and others as necessary, are split; new vertices are midpoints of edges.

    Args:
        mesh: A mesh of lines, triangles or tetrahedra.
        cells: Indices of the cells.
    """
    return renamed(mesh, replace(mesh, _boundaries=None).refined(cells))


def renamed(mesh: Mesh, fine: Mesh) -> Mesh:
    """A finer mesh with the boundary names of the coarse mesh whose boundary facets it divides.

    Args:
        mesh: The coarse mesh.
        fine: The finer mesh.
    """
    if not mesh.boundaries:
        return fine
    edge, origin = fine.boundary_facets(), _origins(mesh, fine)
    return fine.with_boundaries({name: edge[np.isin(origin, facets)] for name, facets in mesh.boundaries.items()})


def _origins(mesh: Mesh, fine: Mesh) -> np.ndarray:
    """The boundary facet of the coarse mesh that contains each boundary facet of the fine mesh."""
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


def mesh_for(domain: Domain, cells: int | None, *, simplices: bool = True) -> Mesh:
    """A mesh of a domain in one to three dimensions.

    Args:
        domain: The domain. The mesh of a box is structured, with uniformly divided sides.
        cells: The number of cells along each axis of a box. For other domains, it sets the mesh width to that of a cube of the
            same measure divided in this way. None takes the mesh of a mesh domain unchanged.
        simplices: Whether boxes are cut into triangles and tetrahedra, or into quadrilaterals and hexahedra.

    Raises:
        OptionError: If there would be too many cells for a computer.
        IncompatibleError: If the domain needs a mesh generator that is not installed.
    """
    if cells is None:
        mesh = domain.own_mesh
        assert mesh is not None
        return mesh
    mesh = domain.divided(cells, simplices=simplices)
    return mesh_of(domain, domain.measure ** (1 / domain.dimension) / cells) if mesh is None else mesh
