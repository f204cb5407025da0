"""The boundary parts of a problem on the facets of a mesh: quadrature on Robin parts, coefficients on Dirichlet parts."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from skfem import FacetBasis, MeshHex

from pdefreq.domains.meshes.mesh_files import facets_of
from pdefreq.problem.boundary_extent import BoundaryExtent
from pdefreq.problem.boundary_pieces import Pieces, boundary_pieces
from pdefreq.problem.facet_pieces import divided_facets, square_centers, triangle_centers

if TYPE_CHECKING:
    from skfem import Element, Mesh

    from pdefreq.problem.boundary_conditions import BoundaryPart
    from pdefreq.problem.problem import Problem

_GAUSS = 20  # largest degree of the rule on a piece of a facet


class BoundaryParts:
    """The boundary parts of a problem on the facets of a mesh.

    In the plane, parts end where their conditions change, also inside a facet. In space, a facet that belongs to several parts is
    integrated by the midpoint rule on 64 pieces, and its nodes have the condition of its midpoint.

    Args:
        mesh: The mesh.
        element: The element of scikit-fem.
        dofs: Its numbering of the coefficients.
        quadrature: The degree of polynomials that are integrated exactly.
        problem: The problem.
    """

    def __init__(self, mesh: Mesh, element: Element, dofs: Any, quadrature: int, problem: Problem) -> None:
        self._mesh, self._element, self._dofs, self._quadrature, self._problem = mesh, element, dofs, quadrature, problem
        self._facets = mesh.boundary_facets()
        self._sides = torch.from_numpy(problem.domain.parts_of_facets(mesh))
        self._corners = torch.from_numpy(np.moveaxis(mesh.p[:, facets_of(mesh)[:, self._facets]], 0, 2).copy())

    @functools.cached_property
    def at_midpoints(self) -> np.ndarray:
        """The part that contains the midpoint of each boundary facet."""
        return self._problem.part_at(self._corners.mean(dim=0), self._sides).numpy()

    def robin_bases(self) -> list[tuple[int, FacetBasis]]:
        """For each Robin part, its index and bases of scikit-fem whose points and weights cover the part."""
        problem = self._problem
        robin = [k for k, condition in enumerate(problem.boundary) if condition.kind == "robin"]
        if not problem.has_regions or self._mesh.dim() == 1:
            return [(k, self._basis(self._facets[self.at_midpoints == k])) for k in robin if (self.at_midpoints == k).any()]
        return [*self._of_pieces(robin)] if self._pieces is not None else [*self._of_divisions(robin)]

    def dirichlet_dofs(self) -> list[tuple[int, np.ndarray]]:
        """Each Dirichlet part with the indices of the coefficients on it.

        Raises:
            IncompatibleError: If a part lies between the nodes; the message contains the mesh width that resolves it.
        """
        problem, found = self._problem, []
        for k, condition in enumerate(problem.boundary):
            if condition.kind == "dirichlet":
                dofs = self._dofs_of_facets(k)
                if condition.where is not None:
                    dofs = np.union1d(dofs, self._dofs_of_vertices(k)).astype(np.int64)
                    if not len(dofs) and not self._holds_at_vertices(condition):
                        width = 0.0 if self._pieces is None else self._pieces.widest(k)
                        BoundaryExtent(problem).require_resolved(k, width, float(self._mesh.param()))
                if len(dofs):
                    found.append((k, dofs))
        return found

    def _holds_at_vertices(self, part: BoundaryPart) -> bool:
        """Whether a part contains a vertex, which may belong to an earlier part."""
        return any(bool(self._problem.holds_at(part, x, self._sides).any()) for x in self._corners)

    @functools.cached_property
    def _pieces(self) -> Pieces | None:
        """The pieces of the facets in the plane, if a part may end inside a facet."""
        if self._mesh.dim() != 2 or not self._problem.has_regions:
            return None
        return boundary_pieces(self._problem, self._corners.transpose(0, 1), self._sides)

    def _of_pieces(self, robin: list[int]) -> Any:
        pieces = self._pieces
        assert pieces is not None
        x, w = np.polynomial.legendre.leggauss(min(self._quadrature, _GAUSS) // 2 + 1)
        for k in robin:
            whole, mine = pieces.is_whole & (pieces.part == k), ~pieces.is_whole & (pieces.part == k)
            if whole.any():
                yield k, self._basis(self._facets[pieces.segment[whole]])
            for facet, start, end in zip(pieces.segment[mine], pieces.start[mine], pieces.end[mine], strict=True):
                rule = (start + (end - start) * (x + 1) / 2)[None], (end - start) * w / 2
                yield k, self._basis(self._facets[[facet]], rule)

    def _of_divisions(self, robin: list[int]) -> Any:
        is_square = isinstance(self._mesh, MeshHex)
        points = (square_centers() if is_square else triangle_centers()).T.numpy()
        weights = np.full(points.shape[1], (1 if is_square else 1 / 2) / points.shape[1])
        basis: Any = self._basis(self._facets, (points, weights))
        x = torch.from_numpy(np.moveaxis(np.asarray(basis.global_coordinates()), 0, 2).copy())
        pieces = divided_facets(self._problem, x, torch.from_numpy(weights), self._sides)
        part = pieces.part.reshape(len(x), -1).numpy()
        mixed = (part != part[:, :1]).any(axis=1)
        for k in robin:
            whole, split = ~mixed & (part[:, 0] == k), mixed & (part == k).any(axis=1)
            if whole.any():
                yield k, self._basis(self._facets[whole])
            if split.any():
                divided: Any = self._basis(self._facets[split], (points, weights))
                divided.dx = divided.dx * (part[split] == k)
                yield k, divided

    def _basis(self, facets: np.ndarray, quadrature: Any = None) -> FacetBasis:
        rule: dict[str, Any] = {"intorder": self._quadrature} if quadrature is None else {"quadrature": quadrature}
        return FacetBasis(self._mesh, self._element, facets=facets, dofs=self._dofs, **rule)

    def _dofs_of_facets(self, k: int) -> np.ndarray:
        """The coefficients on facets of a part, or on the pieces of facets."""
        dofs, pieces = self._dofs, self._pieces
        if pieces is None:
            return dofs.get_facet_dofs(self._facets[self.at_midpoints == k]).all() if (self.at_midpoints == k).any() else _NONE
        whole, mine = pieces.is_whole & (pieces.part == k), ~pieces.is_whole & (pieces.part == k)
        found = [dofs.get_facet_dofs(self._facets[pieces.segment[whole]]).all() if whole.any() else _NONE]
        for facet, start, end in zip(self._facets[pieces.segment[mine]], pieces.start[mine], pieces.end[mine], strict=True):
            ends = facets_of(self._mesh)[:, facet]
            found += [dofs.nodal_dofs[0, ends[[number]]] for number, place in enumerate((0.0, 1.0)) if start <= place <= end]
            if self._dofs.facet_dofs.size and start <= 1 / 2 <= end:
                found.append(dofs.facet_dofs[0, [facet]])
        return np.concatenate(found)

    def _dofs_of_vertices(self, k: int) -> np.ndarray:
        """The coefficients of vertices at which the condition of a part holds, such as a part that is a single point."""
        vertices = facets_of(self._mesh)[:, self._facets]
        governed = [self._problem.part_at(x, self._sides).numpy() == k for x in self._corners]
        return np.concatenate([self._dofs.nodal_dofs[0, own[mine]] for own, mine in zip(vertices, governed, strict=True)])


_NONE = np.empty(0, dtype=np.int64)
