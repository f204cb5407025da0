"""Meshes of triangles whose edges follow the zero sets of level set functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from pdefreq.domains.meshes.mesh_files import facets_of
from pdefreq.domains.meshes.meshing import renamed

if TYPE_CHECKING:
    from skfem import Mesh

    from pdefreq.core.fields import Field

_ROUNDING = 1e-12  # relative to the largest value: smaller values are zero
_MOVED = 0.3  # fraction of an edge within which a vertex moves onto the crossing of the edge with the interface
_ONTO = 1e-3  # the same for vertices that cannot move: they count as points of the interface
_FLAT = 0.2  # fraction of its area that a cell must keep when its vertices move
_STRAIGHT = 1e-9  # sine of the angle between boundary edges below which a vertex can move along them
_HALVINGS = 52


def with_interfaces(mesh: Mesh, level_sets: Sequence[Field]) -> Mesh:
    """A conforming mesh of triangles that follows the interfaces on which level set functions vanish.

    Where an interface crosses an edge near a vertex, the vertex moves onto the crossing. Other crossings become vertices, and
    the cells are divided between them. Lines are then represented exactly, and curves up to h^2 / (8 R) with the radius R of
    curvature. Crossings are found from the signs at the vertices, so that an interface which enters and leaves a cell through the
    same edge is not followed.

    Args:
        mesh: A mesh of triangles with straight sides.
        level_sets: The functions.
    """
    kept = np.zeros(mesh.nvertices, dtype=bool)
    for level_set in level_sets:
        mesh, kept = _following(mesh, level_set, kept)
    return mesh


def _following(mesh: Mesh, level_set: Field, kept: np.ndarray) -> tuple[Mesh, np.ndarray]:
    """The mesh that follows one interface, and whether each vertex lies on this or an earlier interface."""
    value = _values(level_set, mesh.p)
    facets = facets_of(mesh)
    _round(value, facets)
    if not _changes(value, facets).any():
        return mesh, kept | (value == 0)
    p, value = _moved(mesh, level_set, value, kept)
    mesh = replace(mesh, doflocs=p)
    fine, count = _divided(mesh, level_set, value)
    return fine, np.append(kept | (value == 0), np.ones(count, dtype=bool))


def _changes(value: np.ndarray, facets: np.ndarray) -> np.ndarray:
    """Whether the sign changes along each facet."""
    return np.sign(value[facets[0]]) * np.sign(value[facets[1]]) < 0


def _round(value: np.ndarray, facets: np.ndarray) -> None:
    """Set values to zero that are rounding errors of the smallest value at the other ends of their facets."""
    other = np.full(len(value), np.inf)
    for one, two in (facets[:2], facets[1::-1]):
        size = np.abs(value[two])
        np.minimum.at(other, one, np.where(size > 0, size, np.inf))
    value[(np.abs(value) <= _ROUNDING * other) & np.isfinite(other)] = 0


def _moved(mesh: Mesh, level_set: Field, value: np.ndarray, kept: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The vertices after those near the interface moved onto it, and the level set function there."""
    facets = facets_of(mesh)
    cut = np.flatnonzero(_changes(value, facets))
    first, second = facets[:, cut]
    x = _crossings(level_set, mesh.p[:, first], mesh.p[:, second])
    gaps = np.stack([np.linalg.norm(x - mesh.p[:, end], axis=0) for end in (first, second)])
    nearest, length = gaps.argmin(axis=0), gaps.sum(axis=0)
    vertex, gap = np.where(nearest == 0, first, second), gaps.min(axis=0)
    free = ~kept[vertex] & (_inner(mesh)[vertex] | (_sliding(mesh)[vertex] & np.isin(cut, mesh.boundary_facets())))
    moves = np.flatnonzero(free & (gap <= _MOVED * length))
    moves = moves[np.argsort(gap[moves], kind="stable")]
    moves = moves[np.unique(vertex[moves], return_index=True)[1]]  # the nearest crossing of each vertex
    before, left = _areas(mesh.p, mesh.t), np.ones(len(moves), dtype=bool)
    while True:
        p = mesh.p.copy()
        p[:, vertex[moves[left]]] = x[:, moves[left]]
        flat = _areas(p, mesh.t) * np.sign(before) < _FLAT * np.abs(before)
        spoiling = left & np.isin(vertex[moves], mesh.t[:, flat])
        if not spoiling.any():
            break
        left &= ~spoiling
    value = value.copy()
    value[vertex[moves[left]]] = 0
    value[vertex[gap <= _ONTO * length]] = 0
    return p, value


def _divided(mesh: Mesh, level_set: Field, value: np.ndarray) -> tuple[Mesh, int]:
    """The mesh with a vertex at each remaining crossing, and the number of these vertices."""
    facets = facets_of(mesh)
    cut = _changes(value, facets)
    first, second = facets[:, cut]
    x = _crossings(level_set, mesh.p[:, first], mesh.p[:, second])
    p, new = np.concatenate([mesh.p, x], axis=1), np.full(mesh.nfacets, -1)
    new[cut] = mesh.nvertices + np.arange(x.shape[1])
    edge = dict(zip(((0, 1), (1, 2), (0, 2)), new[mesh.t2f], strict=True))  # the new vertex on each side of each cell
    count = (new[mesh.t2f] >= 0).sum(axis=0)
    cells = [mesh.t[:, count == 0]]
    for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        own, one = edge[min(i, j), max(i, j)], edge[min(i, k), max(i, k)]
        a, b, c = mesh.t[[i, j, k]]
        halved = (count == 1) & (own >= 0)  # the interface passes through the vertex c
        cells += [np.stack([a, own, c])[:, halved], np.stack([own, b, c])[:, halved]]
        cornered = (count == 2) & (own >= 0) & (one >= 0)  # the interface separates the vertex a from b and c
        a, b, c, own, one = (array[cornered] for array in (a, b, c, own, one))
        across = np.linalg.norm(p[:, own] - p[:, c], axis=0) < np.linalg.norm(p[:, one] - p[:, b], axis=0)
        cells += [np.stack([a, own, one]), np.where(across, [own, b, c], [own, b, one])]
        cells += [np.where(across, [own, c, one], [b, c, one])]
    t = np.concatenate(cells, axis=1).astype(mesh.t.dtype)
    return renamed(mesh, replace(mesh, doflocs=p, t=t, _boundaries=None)), x.shape[1]


def _crossings(level_set: Field, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """The points at which a function changes its sign between pairs of points ``(2, n)``, by bisection."""
    start = np.sign(_values(level_set, low))
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        left = np.sign(_values(level_set, middle)) == start
        low, high = np.where(left, middle, low), np.where(left, high, middle)
    return high


def _inner(mesh: Mesh) -> np.ndarray:
    """Whether each vertex lies inside the domain."""
    inner = np.ones(mesh.nvertices, dtype=bool)
    inner[mesh.boundary_nodes()] = False
    return inner


def _sliding(mesh: Mesh) -> np.ndarray:
    """Whether each vertex lies on a straight part of the boundary, along which it can move."""
    ends = facets_of(mesh)[:, mesh.boundary_facets()]
    along = mesh.p[:, ends[1]] - mesh.p[:, ends[0]]
    twice = (along[0] + 1j * along[1]) ** 2  # the direction without its sign
    twice /= np.abs(twice)
    total, number = np.zeros(mesh.nvertices, dtype=complex), np.zeros(mesh.nvertices)
    for end in ends:
        np.add.at(total, end, twice)
        np.add.at(number, end, 1)
    return (number == 2) & (np.abs(total) > 2 - _STRAIGHT)


def _areas(p: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Twice the signed areas of the cells."""
    a, b, c = p[:, t[0]], p[:, t[1]], p[:, t[2]]
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _values(level_set: Field, p: np.ndarray) -> np.ndarray:
    """The values at points ``(2, n)``; zero where they are undefined."""
    with torch.no_grad():
        return np.nan_to_num(level_set(torch.from_numpy(p.T.copy())).numpy(), nan=0.0)
