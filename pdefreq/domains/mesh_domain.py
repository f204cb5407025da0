"""Domains that are given by a mesh."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import torch
from skfem import Mesh, MeshLine1, MeshQuad1, MeshTet1, MeshTri1

from pdefreq.core.errors import DomainError, IncompatibleError, UnknownNameError
from pdefreq.core.fields import ConstantField, Field
from pdefreq.core.number_kinds import Number
from pdefreq.core.registry import nearest
from pdefreq.core.table_keys import Key
from pdefreq.core.text_kinds import FileName
from pdefreq.domains.domain import Domain
from pdefreq.domains.frame import Frame
from pdefreq.domains.geometry.lifting import FromFacets
from pdefreq.domains.geometry.mean_value import MeanValueDistance
from pdefreq.domains.geometry.rules import unit_cube
from pdefreq.domains.geometry.sides import sides
from pdefreq.domains.meshes.cad_files import CAD_SUFFIXES, mesh_of_cad
from pdefreq.domains.meshes.cell_search import CellSearch
from pdefreq.domains.meshes.mesh_files import facets_of, read_mesh, require_neighbors, require_shapes
from pdefreq.domains.meshes.simplices import gauss, measures_of, random
from pdefreq.domains.samples import Samples

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Points
    from pdefreq.problem.toml_tables import DomainTable


_SAME = 1e-9  # distance of vertices at the same place, relative to the size of the domain
_MESHES = {"line": MeshLine1, "triangle": MeshTri1, "quad": MeshQuad1, "tetra": MeshTet1}


@dataclass(frozen=True)
class MeshDomain(Domain):
    """The union of the cells of a mesh: an interval, a polygon or a polyhedron. Domains with equal meshes are equal.

    Its parts are the named boundaries of the mesh in alphabetical order, then ``rest`` if there are facets without a name. A
    facet with several names belongs to the first of them.

    Args:
        mesh: A scikit-fem mesh of lines, triangles, quadrilaterals or tetrahedra.

    Raises:
        DomainError: If the cells are of another kind.
    """

    keys: ClassVar[tuple[str, ...]] = (
        Key(
            "file",
            FileName((".msh", ".vtu", ".xdmf", *CAD_SUFFIXES)),
            "the mesh, with named boundaries; or a solid, which gmsh meshes: its boundaries are face-1, face-2, ...",
            examples=("my_mesh.msh",),
        ),
        Key(
            "size",
            Number(above=0),
            "length of the edges of the mesh of a solid",
            otherwise="a tenth of the longest side",
            examples=(0.1,),
        ),
    )
    example: ClassVar[Mapping[str, Any]] = {"file": "meshes/l-shape.msh"}
    brings_mesh = True
    is_straight: ClassVar[bool] = True
    mesh: Mesh = field(compare=False, repr=False)
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        if type(self.mesh) not in _MESHES.values():  # subclasses of these have curved cells
            raise DomainError(
                f"a mesh must have first-order lines, triangles, quadrilaterals or tetrahedra, got {type(self.mesh).__name__}"
            )
        content = hashlib.sha256(type(self.mesh).__name__.encode())
        for array in (self.mesh.p, self.mesh.t, self._part_of_facet):
            content.update(np.ascontiguousarray(array).tobytes())
        content.update(repr(self.part_names).encode())
        object.__setattr__(self, "digest", content.hexdigest()[:16])

    def content(self) -> Any:
        """The vertices, the cells, and the boundary facets by name."""
        kind = next(name for name, mesh in _MESHES.items() if type(self.mesh) is mesh)
        marked = {name: self.mesh.boundaries[name] for name in self._named}  # pyright: ignore[reportOptionalSubscript]
        boundaries = {name: np.asarray(facets)[np.isin(facets, self._boundary_facets)] for name, facets in marked.items()}
        return {"type": "mesh", "cells": kind, "p": self.mesh.p, "t": self.mesh.t, "boundaries": boundaries}

    @classmethod
    def from_content(cls, arguments: dict[str, Any]) -> Self:
        p, t, boundaries = arguments["p"], arguments["t"], arguments["boundaries"]
        if p.dtype.kind != "f" or not np.isfinite(p).all() or t.dtype.kind not in "iu" or t.min() < 0:
            raise ValueError("the vertices must be finite, and the cells indices of vertices")
        mesh = _MESHES[arguments["cells"]](p, t)
        require_shapes(mesh.p.T[mesh.t.T], arguments["cells"], "the mesh")
        require_neighbors(mesh, "the mesh")
        count = facets_of(mesh).shape[1]
        for name, facets in boundaries.items():
            if facets.dtype.kind not in "iu" or facets.ndim != 1 or ((facets < 0) | (facets >= count)).any():
                raise ValueError(f"the boundary {name[:40]!r} must be indices of facets")
        return cls(mesh.with_boundaries(boundaries) if boundaries else mesh)

    @classmethod
    def from_table(cls, table: DomainTable) -> Self:
        path, size = table.read("file"), table.read("size") if table.has("size") else None
        if path.suffix.lower() in CAD_SUFFIXES:
            return cls(mesh_of_cad(path, size))
        if size is not None:
            raise DomainError(
                f"[domain] size belongs to {', '.join(CAD_SUFFIXES)} files, but {path.name} is a mesh: leave it out"
            )
        return cls.read(path)

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """The domain that a mesh file describes.

        Raises:
            ProblemFileError: As for `read_mesh`.
        """
        return cls(read_mesh(path))

    @property
    def remarks(self) -> tuple[str, ...]:
        return self._seams

    @cached_property
    def _seams(self) -> tuple[str, ...]:
        """A sentence on vertices of the boundary at the same place, which separate cells that look connected."""
        from scipy.spatial import KDTree

        vertices = np.unique(facets_of(self.mesh)[:, self._boundary_facets])
        x = self.mesh.p[:, vertices].T
        pairs = KDTree(x).query_pairs(_SAME * float(np.ptp(x, axis=0).max()), output_type="ndarray")
        if not len(pairs):
            return ()
        at = ", ".join(f"{v:g}" for v in x[pairs[0, 0]])
        return (
            f"The mesh has {len(pairs)} pairs of vertices of the boundary at the same place, one of them at ({at}). Boundary "
            "conditions hold on both sides of such a seam: merge these vertices unless the seam is intended.",
        )

    @property
    def dimension(self) -> int:
        return self.mesh.dim()

    @property
    def measure(self) -> float:
        return float(self._cell_measures.sum())

    @property
    def bounds(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        return tuple(self.mesh.p.min(axis=1).tolist()), tuple(self.mesh.p.max(axis=1).tolist())

    @property
    def title(self) -> str:
        kind = {MeshLine1: "intervals", MeshTri1: "triangles", MeshQuad1: "quadrilaterals"}.get(type(self.mesh), "tetrahedra")
        return f"mesh of {self.mesh.nelements} {kind}"

    @cached_property
    def part_names(self) -> tuple[str, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return (*self._named, *(["rest"] if (self._part_of_facet == len(self._named)).any() else []))

    def facets(self, name: str) -> np.ndarray:
        """The facets of a part, as indices into ``mesh.facets``.

        Raises:
            UnknownNameError: If the mesh has no such part; the message suggests the nearest name.
        """
        if name not in self.part_names:
            raise UnknownNameError(f"the mesh has no boundary '{name}': {nearest(name, self.part_names)}", name=name)
        return self._boundary_facets[self._part_of_facet == self.part_names.index(name)]

    def vertices(self, name: str) -> np.ndarray:
        """The vertices of a part, shape ``(n, d)``.

        Raises:
            UnknownNameError: As for `facets`.
        """
        return self.mesh.p[:, np.unique(facets_of(self.mesh)[:, self.facets(name)])].T

    def contains(self, x: Points) -> Tensor:
        return torch.from_numpy(self._search(x.detach().cpu().double().numpy()) >= 0).to(x.device)

    def quadrature(self, n: int) -> Samples:
        """The same Gauss rule on every cell, hence at least one point per cell."""
        return Samples(*gauss(self._corners, self._cell_measures, n))

    def interior(self, n: int, stream: torch.Generator, *, sobol: bool = False) -> Samples:
        unit = unit_cube(n, self.dimension + 1, stream, sobol=sobol).numpy()
        x, _ = random(self._corners, self._cell_measures, unit)
        return Samples(x, torch.full((n,), self.measure / n, dtype=torch.float64))

    def boundary(self, n: int, stream: torch.Generator | None = None) -> Samples:
        corners, areas = self._facet_corners, self._facet_measures
        if stream is None or self.dimension == 1:
            x, weights = gauss(corners, areas, n)
            facets = np.repeat(np.arange(len(corners)), len(x) // len(corners))
        else:
            x, facets = random(corners, areas, unit_cube(n, self.dimension, stream).numpy())
            weights = torch.full((n,), float(areas.sum()) / n, dtype=torch.float64)
        return Samples(x, weights, torch.from_numpy(self._normals[facets]), torch.from_numpy(self._part_of_facet[facets]))

    def distance(self) -> Field:
        """The mean value distance in units of length of the domain, which is smooth inside; see `MeanValueDistance`."""
        return MeanValueDistance(*self._sides, slope=1 / max(Frame.of(self).units))

    def lifting(self, g: Field) -> Field:
        """A weighted mean of the values at the nearest point of each side; see `FromFacets`.

        Raises:
            IncompatibleError: If the values vary on a mesh of tetrahedra.
        """
        if g.constant is not None:
            return ConstantField(g.constant)
        if self.dimension > 2:
            raise IncompatibleError(
                "boundary values that vary can't be built in on a mesh of tetrahedra: use `--set boundary=penalty`"
            )
        return FromFacets(g, self._sides[0])

    @property
    def own_mesh(self) -> Mesh:
        return self.mesh

    @property
    def straight_sides(self) -> Tensor | None:
        return self._sides[0] if self.dimension == 2 else None

    @cached_property
    def _corners(self) -> np.ndarray:
        """The vertices of the cells, shape ``(cells, d + 1, d)``; quadrilaterals are split into two triangles."""
        t = self.mesh.t
        if isinstance(self.mesh, MeshQuad1):
            t = np.concatenate([t[[0, 1, 2]], t[[0, 2, 3]]], axis=1)
        return self.mesh.p.T[t.T]

    @cached_property
    def _cell_measures(self) -> np.ndarray:
        return measures_of(self._corners)

    @cached_property
    def _search(self) -> CellSearch:
        return CellSearch(self._corners)

    @cached_property
    def _boundary_facets(self) -> np.ndarray:
        return self.mesh.boundary_facets()

    @cached_property
    def _named(self) -> list[str]:
        boundaries = self.mesh.boundaries or {}
        return sorted(name for name, facets in boundaries.items() if np.isin(facets, self._boundary_facets).any())

    @cached_property
    def _part_of_facet(self) -> np.ndarray:
        """The index of the part of each boundary facet."""
        part = np.full(len(self._boundary_facets), len(self._named), dtype=np.int64)
        for k in reversed(range(len(self._named))):
            part[np.isin(self._boundary_facets, self.mesh.boundaries[self._named[k]])] = k  # pyright: ignore[reportOptionalSubscript]
        return part

    @cached_property
    def _facet_corners(self) -> np.ndarray:
        """The vertices of the boundary facets, shape ``(facets, d, d)``."""
        return self.mesh.p.T[facets_of(self.mesh)[:, self._boundary_facets].T]

    @cached_property
    def _sides(self) -> tuple[Tensor, Tensor]:
        """Vertices and normals of the sides of a polygon; in other dimensions, of the boundary facets."""
        corners, normals = self._facet_corners, self._normals
        if self.dimension == 2:
            corners, normals = sides(self.mesh.p, facets_of(self.mesh)[:, self._boundary_facets], normals)
        return torch.from_numpy(corners), torch.from_numpy(normals)

    @cached_property
    def _facet_measures(self) -> np.ndarray:
        return np.linalg.norm(self._area_vectors, axis=1)

    @cached_property
    def _normals(self) -> np.ndarray:
        """The outward unit normals of the boundary facets."""
        normals = self._area_vectors / self._facet_measures[:, None]
        cells = np.asarray(self.mesh.f2t)[0, self._boundary_facets]
        inner = self.mesh.p.T[self.mesh.t[:, cells].T].mean(axis=1)
        outward = ((self._facet_corners[:, 0] - inner) * normals).sum(axis=1)
        return normals * np.sign(outward)[:, None]

    @cached_property
    def _area_vectors(self) -> np.ndarray:
        """A normal to each boundary facet whose length is the measure of the facet."""
        edges = self._facet_corners[:, 1:] - self._facet_corners[:, :1]
        match self.dimension:
            case 1:
                return np.ones((len(edges), 1))
            case 2:
                return np.stack([edges[:, 0, 1], -edges[:, 0, 0]], axis=1)
            case _:
                return np.cross(edges[:, 0], edges[:, 1]) / 2
