"""Refinement of meshes near features that contain no vertices, such as a disk or a peak smaller than a cell."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from pdefreq.domains.meshes.fitting import fitted
from pdefreq.domains.meshes.meshing import locally_refined

if TYPE_CHECKING:
    from skfem import Mesh

    from pdefreq.core.fields import Field
    from pdefreq.domains.domain import Domain

_LATTICE = 4  # intervals along the edges of the lattice of points in a cell
_ROUNDS, _SHRINK = 60, 0.7  # of the search: its last lattice is 1e-9 times the cell
_LEVELS = 120  # of refinement: a level halves cells, and 60 of them in a plane reach 1e-9 of a cell
_ROUNDING = 1e-9  # of barycentric coordinates
_MANY = 20_000  # number of cells beyond which the interfaces are too many to be resolved


def with_visible_interfaces(mesh: Mesh, level_sets: Sequence[Field], domain: Domain) -> Mesh:
    """The mesh, refined until vertices lie on both sides of each interface on which a level set function vanishes.

    A cell is refined if a function has the same sign at its vertices and the opposite sign at a point inside, which a
    search for the minimum finds. Cells that touch a cell with both signs at its vertices are left out, because the mesh
    resolves the interface there. The refinement ends at 20,000 cells.

    Args:
        mesh: A mesh of lines, triangles or tetrahedra.
        level_sets: The functions.
        domain: The domain of the mesh.
    """
    for _ in range(_LEVELS):
        hidden = np.unique(np.concatenate([np.zeros(0, dtype=int), *(_hidden_cells(mesh, g) for g in level_sets)]))
        if not len(hidden) or mesh.nelements > _MANY:
            return mesh
        mesh = fitted(locally_refined(mesh, hidden), domain)
    return mesh


def with_fine_places(mesh: Mesh, places: Iterable[tuple[Sequence[float], float]], domain: Domain) -> Mesh:
    """The mesh, refined until the cell that contains each place is not longer than the given length.

    Places outside the mesh are left out. The refinement ends at 20,000 cells.

    Args:
        mesh: A mesh of lines, triangles or tetrahedra.
        places: Points, shape ``(d,)``, each with a length.
        domain: The domain of the mesh.
    """
    for x, length in places:
        for _ in range(_LEVELS):
            cell = _cell_at(mesh, np.asarray(x))
            if cell is None or np.ptp(mesh.p[:, mesh.t[:, cell]], axis=1).max() <= length or mesh.nelements > _MANY:
                break
            mesh = fitted(locally_refined(mesh, np.array([cell])), domain)
    return mesh


def _cell_at(mesh: Mesh, x: np.ndarray) -> int | None:
    """The index of a cell that contains a point up to rounding errors, or None."""
    near = np.flatnonzero(((x >= mesh.p[:, mesh.t].min(axis=1).T) & (x <= mesh.p[:, mesh.t].max(axis=1).T)).all(axis=1))
    if not len(near):
        return None
    corners = mesh.p.T[mesh.t.T[near]]
    edges = (corners[:, 1:] - corners[:, :1]).transpose(0, 2, 1)
    inner = np.linalg.solve(edges, (x - corners[:, 0])[:, :, None])[:, :, 0]
    inside = np.minimum(inner.min(axis=1), 1 - inner.sum(axis=1))
    return int(near[inside.argmax()]) if inside.max() >= -_ROUNDING else None


def _hidden_cells(mesh: Mesh, level_set: Field) -> np.ndarray:
    """The indices of the cells inside which a function has a sign that it does not have at the vertices."""
    value = np.sign(_values(level_set, mesh.p.T))[mesh.t]  # (d + 1, cells)
    seen = np.unique(mesh.t[:, value.min(axis=0) < value.max(axis=0)])
    cells = np.flatnonzero((np.abs(value.sum(axis=0)) == len(value)) & ~np.isin(mesh.t, seen).any(axis=0))
    corners, sign = mesh.p.T[mesh.t.T[cells]], value[0, cells]
    lattice = _lattice(mesh.dim())
    center, size, found = np.full((len(cells), mesh.dim() + 1), 1 / (mesh.dim() + 1)), 1.0, []
    for _ in range(_ROUNDS):
        weights = np.maximum(center[:, None, :] + size * (lattice - lattice.mean(axis=0)), 0)
        weights /= weights.sum(axis=2, keepdims=True)  # points outside the cell move to its boundary
        x = weights @ corners
        g = sign[:, None] * _values(level_set, x.reshape(-1, mesh.dim())).reshape(x.shape[:2])
        low, high = g.min(axis=1), g.max(axis=1)
        found.append(cells[low < 0])
        left = (low > 0) & (low <= high - low)  # elsewhere the function varies too little to vanish
        if not left.any():
            break
        center = weights[np.arange(len(cells)), g.argmin(axis=1)][left]
        cells, corners, sign, size = cells[left], corners[left], sign[left], size * _SHRINK
    return np.concatenate(found)


def _lattice(dimension: int) -> np.ndarray:
    """Barycentric coordinates of a regular lattice in a simplex, shape ``(points, dimension + 1)``."""
    steps = itertools.product(range(_LATTICE + 1), repeat=dimension)
    return np.array([(*k, _LATTICE - sum(k)) for k in steps if sum(k) <= _LATTICE]) / _LATTICE


def _values(level_set: Field, x: np.ndarray) -> np.ndarray:
    """The values at points ``(n, d)``; zero where they are undefined."""
    with torch.no_grad():
        return np.nan_to_num(level_set(torch.from_numpy(np.ascontiguousarray(x))).numpy(), nan=0.0)
