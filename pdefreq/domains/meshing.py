"""Meshes of domains: structured where the shape allows it, else by gmsh; and their refinement."""

from __future__ import annotations

import math
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from skfem import Dofs, Mesh, MeshLine, MeshTet, MeshTet2, MeshTri, MeshTri2
from skfem.mesh.mesh_simplex import MeshSimplex

from pdefreq.domains.ball import Ball
from pdefreq.domains.box import Box
from pdefreq.domains.domain import Domain
from pdefreq.domains.ellipse import Ellipse
from pdefreq.domains.holes import WithHoles
from pdefreq.domains.mesh_domain import MeshDomain
from pdefreq.domains.ring import Ring
from pdefreq.errors import IncompatibleError, OptionError
from pdefreq.mesh_io import facets_of, read_mesh

_MOST_CELLS = 5e7


def mesh_of(domain: Domain, h: float) -> Mesh:
    """A mesh whose cells are about `h` wide; its ``boundaries`` carry the names of the domain's parts.

    Structured meshes of boxes, balls, ellipses and plane rings; gmsh for shells and holes. A mesh domain, and holes that bring a
    mesh, keep their own, refined until no edge is longer than `h`.

    Args:
        domain: In one to three dimensions.
        h: Length of edges.

    Raises:
        OptionError: If `h` is not positive, or asks for more cells than a computer holds.
        IncompatibleError: If the domain has more than three dimensions, or needs gmsh and there is none.
    """
    d = domain.dimension
    if not 0 < h < math.inf:
        raise OptionError(f"the mesh width h must be above zero, got {h:g}")
    if d > 3:
        raise IncompatibleError(f"meshes have at most three dimensions, and this domain has {d}: use a method without a mesh")
    cells = (1, 2, 6)[d - 1] * domain.measure / h**d
    if cells > _MOST_CELLS:
        raise OptionError(
            f"the mesh width h = {h:g} asks for about {cells:.1g} cells, at most {_MOST_CELLS:.1g} do; use a larger h"
        )
    match domain:
        case Box():
            return _box(domain, h)
        case Ball(midpoint, radius) if d == 1:
            return _box(Box((midpoint[0] - radius,), (midpoint[0] + radius,)), h, ("outer", "outer"))
        case Ball(midpoint, radius) if d == 2:
            return _disk(midpoint, (radius, radius), h)
        case Ball(midpoint, radius):
            return _solid_ball(midpoint, radius, h)
        case Ellipse(midpoint, half_axes):
            return _disk(midpoint, half_axes, h)
        case Ring() if d == 2:
            return _ring(domain, h)
        case MeshDomain(mesh) | WithHoles(triangulation=MeshDomain(mesh)):
            while mesh.param() > h:
                mesh = refined(mesh, domain)
            return mesh
        case _:
            return _by_gmsh(domain, h)


def own_mesh(domain: Domain) -> Mesh | None:
    """The mesh that a domain brings, where it does."""
    match domain:
        case MeshDomain(mesh) | WithHoles(triangulation=MeshDomain(mesh)):
            return mesh
        case _:
            return None


def refined(mesh: Mesh, domain: Domain) -> Mesh:
    """Every cell split into 2^d, with its boundary names, and the vertices of curved parts moved onto the true boundary.

    Args:
        mesh: A mesh of the domain, its boundaries named as the domain's parts.
        domain: The domain.
    """
    if isinstance(mesh, MeshTet):  # scikit-fem forgets their names
        fine = replace(mesh, _boundaries=None).refined()
        fine = replace(fine, _boundaries=_refined_names(mesh, fine))
    else:
        fine = mesh.refined()
    return fitted(fine, domain)


def fitted(mesh: Mesh, domain: Domain) -> Mesh:
    """A mesh whose vertices on curved parts of the boundary are moved onto the true boundary; straight parts stay.

    Args:
        mesh: Near the domain, its boundaries named as the domain's parts.
        domain: The domain.

    Raises:
        IncompatibleError: If that turns a cell over.
    """
    p = mesh.p.copy()
    for name, facets in (mesh.boundaries or {}).items():
        vertices = np.unique(facets_of(mesh)[:, facets])
        p[:, vertices] = _onto(domain, name, p[:, vertices].T).T
    moved = replace(mesh, doflocs=p)
    if isinstance(mesh, MeshSimplex) and (_turns(mesh) * _turns(moved) <= 0).any():
        raise IncompatibleError("a cell turns over as its vertices are moved onto the curved boundary: use more `cells`")
    return moved


def _turns(mesh: Mesh) -> np.ndarray:
    """Determinants of the edges of simplices, shape ``(cells,)``: twice or six times the signed measure."""
    corners = mesh.p.T[mesh.t.T]
    return np.linalg.det(corners[:, 1:] - corners[:, :1])


def curved(mesh: Mesh, domain: Domain) -> Mesh:
    """Quadratic cells: the middles of edges on curved parts are moved onto the true boundary.

    Args:
        mesh: Lines, triangles or tetrahedra, their boundaries named as the domain's parts.
        domain: The domain.
    """
    if mesh.dim() == 1:
        return mesh
    kind = MeshTri2 if mesh.dim() == 2 else MeshTet2
    quadratic, dofs = kind.from_mesh(mesh), Dofs(mesh, kind.elem())
    p = quadratic.doflocs.copy()
    for name, facets in (mesh.boundaries or {}).items():
        nodes = dofs.get_facet_dofs(facets).all()
        p[:, nodes] = _onto(domain, name, p[:, nodes].T).T
    return replace(quadratic, doflocs=p, _boundaries=mesh.boundaries)


def _onto(domain: Domain, part: str, x: np.ndarray) -> np.ndarray:
    """Points near a part of the boundary moved onto it, along rays from the midpoint of the curve."""
    match domain:
        case WithHoles(base, holes):
            shape = holes[int(part.removeprefix("hole-")) - 1] if part.startswith("hole-") else base
            return _onto(shape, part, x)
        case Ball(midpoint, radius):
            half = np.full(len(midpoint), radius)
        case Ring(midpoint, inner, outer):
            half = np.full(len(midpoint), inner if part == "inner" else outer)
        case Ellipse(midpoint, half_axes):
            half = np.array(half_axes)
        case _:
            return x
    y = (x - midpoint) / half
    return midpoint + half * y / np.linalg.norm(y, axis=1, keepdims=True)


def _box(box: Box, h: float, names: tuple[str, ...] | None = None) -> Mesh:
    ticks = [np.linspace(a, b, max(1, math.ceil((b - a) / h)) + 1) for a, b in zip(box.lower, box.upper, strict=True)]
    mesh = (MeshLine, MeshTri, MeshTet)[box.dimension - 1].init_tensor(*ticks)
    edge = mesh.boundary_facets()
    at = mesh.p[:, facets_of(mesh)[:, edge]].mean(axis=1)
    found: dict[str, np.ndarray] = {}
    for k, name in enumerate(names or box.part_names):
        end = box.upper[k // 2] if k % 2 else box.lower[k // 2]
        found[name] = np.append(found.get(name, []), edge[np.isclose(at[k // 2], end, rtol=0, atol=1e-9 * box.lengths[k // 2])])
    return mesh.with_boundaries({name: facets.astype(np.int32) for name, facets in found.items()})


def _disk(midpoint: tuple[float, ...], half_axes: tuple[float, ...], h: float) -> Mesh:
    """Six sectors, each a triangle cut into m^2 equal ones and bent: on circle k of m there are 6k vertices."""
    m = max(1, math.ceil(max(half_axes) / h))
    k = np.repeat(np.arange(1, m + 1), 6 * np.arange(1, m + 1))
    angle = 2 * np.pi * (np.arange(len(k)) - 3 * k * (k - 1)) / (6 * k)
    unit = np.concatenate([[[0.0], [0.0]], k / m * np.stack([np.cos(angle), np.sin(angle)])], axis=1)

    def vertex(circle: np.ndarray, sector: np.ndarray, j: np.ndarray) -> np.ndarray:
        place = (sector * circle + j) % np.maximum(6 * circle, 1)
        return np.where(circle == 0, 0, 1 + 3 * circle * (circle - 1) + place)

    inner, sector, j = (a.ravel() for a in np.meshgrid(np.arange(m), np.arange(6), np.arange(m), indexing="ij"))
    up, down = j <= inner, j < inner
    corners = [
        [vertex(inner, sector, j)[up], vertex(inner + 1, sector, j)[up], vertex(inner + 1, sector, j + 1)[up]],
        [vertex(inner, sector, j)[down], vertex(inner + 1, sector, j + 1)[down], vertex(inner, sector, j + 1)[down]],
    ]
    t = np.concatenate([np.stack(corner) for corner in corners], axis=1).astype(np.int32)
    mesh = MeshTri(np.array(midpoint)[:, None] + np.array(half_axes)[:, None] * unit, t)
    return mesh.with_boundaries({"outer": mesh.boundary_facets()})


def _ring(ring: Ring, h: float) -> Mesh:
    """The image of a rectangle under the complex exponential, which keeps angles: cells grow with the radius up to `h`."""
    around = max(6, math.ceil(2 * math.pi * ring.outer / h))
    across = max(1, round(around * math.log(ring.outer / ring.inner) / (2 * math.pi)))
    radii = np.geomspace(ring.inner, ring.outer, across + 1)
    angles = 2 * np.pi * np.arange(around) / around
    x = radii[:, None, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    i, j = (a.ravel() for a in np.meshgrid(np.arange(across), np.arange(around), indexing="ij"))
    a, b = i * around + j, i * around + (j + 1) % around
    t = np.concatenate([np.stack([a, a + around, b]), np.stack([b, a + around, b + around])], axis=1)
    mesh = MeshTri((x.reshape(-1, 2) + ring.midpoint).T.copy(), t.astype(np.int32))
    edge = mesh.boundary_facets()
    outside = (facets_of(mesh)[:, edge] >= around * across).all(axis=0)
    return mesh.with_boundaries({"inner": edge[~outside], "outer": edge[outside]})


def _solid_ball(midpoint: tuple[float, ...], radius: float, h: float) -> Mesh:
    """An octahedron refined and blown up: the octahedra |x|_1 = s become the spheres |x|_2 = s."""
    corners = np.concatenate([np.zeros((3, 1)), np.eye(3), -np.eye(3)], axis=1)
    t = np.array([[0, x, y, z] for x in (1, 4) for y in (2, 5) for z in (3, 6)]).T
    levels = max(0, math.ceil(math.log2(math.pi / 2 * radius / h)))  # a quarter of a great circle becomes 2^levels edges
    mesh = MeshTet(corners, t).refined(levels)
    scale = abs(mesh.p).sum(axis=0) / np.maximum(np.linalg.norm(mesh.p, axis=0), 1e-300)
    mesh = replace(mesh, doflocs=np.array(midpoint)[:, None] + radius * scale * mesh.p)
    return mesh.with_boundaries({"outer": mesh.boundary_facets()})


def _by_gmsh(domain: Domain, h: float) -> Mesh:
    from pdefreq.domains.gmsh_mesh import write_gmsh

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "domain.msh"
        write_gmsh(path, domain, h)
        return read_mesh(path)


def _refined_names(mesh: MeshTet, fine: MeshTet) -> dict[str, np.ndarray] | None:
    """Boundary names of a refined mesh of tetrahedra.

    A vertex of the fine mesh is an old vertex, or the middle of an old edge; a small facet touches the three old vertices of
    the one that it came from, and no other.
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
