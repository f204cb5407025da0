"""Lagrange finite elements P1, P2 and Q1, assembled by scikit-fem."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import skfem
import torch
from scipy.spatial import KDTree
from skfem import BilinearForm, CellBasis, Dofs, FacetBasis, LinearForm
from skfem.helpers import dot

from pdefreq.core.validation import validated
from pdefreq.domains.meshes.cell_search import CellSearch
from pdefreq.domains.meshes.mesh_files import Cells, cells_of
from pdefreq.spaces.elements.boundary_parts import BoundaryParts
from pdefreq.spaces.elements.densities import Density, Slopes
from pdefreq.spaces.elements.identified import Identification
from pdefreq.spaces.elements.weak_form import GalerkinSpace, Rule
from pdefreq.spaces.trial_space import Evaluator, LinearEvaluator

if TYPE_CHECKING:
    from skfem import Element, Mesh
    from torch import Tensor

    from pdefreq.core.shapes import Coefficients, Gradients, Points, Values
    from pdefreq.domains.domain import Domain
    from pdefreq.problem.problem import Problem

_ELEMENTS: dict[tuple[type, int], type[Element]] = {
    (skfem.MeshLine1, 1): skfem.ElementLineP1,
    (skfem.MeshLine1, 2): skfem.ElementLineP2,
    (skfem.MeshTri1, 1): skfem.ElementTriP1,
    (skfem.MeshTri1, 2): skfem.ElementTriP2,
    (skfem.MeshQuad1, 1): skfem.ElementQuad1,
    (skfem.MeshTet1, 1): skfem.ElementTetP1,
    (skfem.MeshTet1, 2): skfem.ElementTetP2,
    (skfem.MeshTri2, 2): skfem.ElementTriP2,  # cells with curved sides
    (skfem.MeshTet2, 2): skfem.ElementTetP2,
    (skfem.MeshHex1, 1): skfem.ElementHex1,
}
_QUADRATIC = {skfem.MeshLine1: "line3", skfem.MeshTri1: "triangle6", skfem.MeshTet1: "tetra10"}  # names in mesh files
# Subdivision of cells into simplices for the location of points: vertices of each simplex in scikit-fem's numbering.
_SIMPLICES = {
    skfem.MeshQuad1: ((0, 1, 2), (0, 2, 3)),
    skfem.MeshHex1: ((0, 1, 5, 7), (0, 1, 4, 7), (0, 2, 4, 7), (0, 3, 5, 7), (0, 2, 6, 7), (0, 3, 6, 7)),
}


@dataclass(frozen=True, eq=False)
class Lagrange(GalerkinSpace):
    """Lagrange elements of degree 1 or 2; the coefficients are the values at the nodes.

    Args:
        mesh: A mesh of lines, triangles, quadrilaterals, tetrahedra or hexahedra with named ``boundaries``.
        quadrature: Polynomial degree up to which the Gauss rule integrates exactly over a cell.
        degree: Polynomial degree, total on simplices (P1, P2) and in each coordinate on other cells (Q1).
        periodic: Axes along which functions are periodic; if there are any, the domain is a box.

    Raises:
        IncompatibleError: If the nodes on opposite periodic sides do not match.
    """

    mesh: Mesh
    quadrature: int = 15
    degree: int = 1
    periodic: tuple[int, ...] = ()

    @property
    def num_coefficients(self) -> int:
        return int(self.dofs.N)

    @property
    def smoothness(self) -> float:
        return 1

    @property
    def mesh_width(self) -> float:
        return float(self.mesh.param())

    @functools.cached_property
    def nodes(self) -> Points:  # pyright: ignore[reportIncompatibleMethodOverride]
        nodes = self._mesh_nodes
        return torch.from_numpy(nodes[self._identification.first] if self.periodic else nodes.copy())

    @functools.cached_property
    def _mesh_nodes(self) -> np.ndarray:
        """The nodes of the mesh, including both sides of each periodic pair, ``(N, d)``."""
        if self.degree == 1:
            return self.mesh.p.T.copy()
        dofs: Any = Dofs(self.mesh, self.element)
        reference = np.asarray(self.element.doflocs).T
        x = np.empty((self.mesh.dim(), dofs.N))
        x[:, dofs.element_dofs] = np.swapaxes(self.mesh.mapping().F(reference), 1, 2)
        x[:, dofs.nodal_dofs[0]] = self.mesh.p[:, : self.mesh.nvertices]  # the vertices without rounding errors
        return x.T.copy()

    @functools.cached_property
    def _identification(self) -> Identification:
        return Identification.of(self._mesh_nodes, self.periodic)

    @property
    def cell_measures(self) -> np.ndarray:
        """The length, area or volume of each cell, shape ``(cells,)``."""
        return CellBasis(self.mesh, self.element, intorder=1).dx.sum(axis=1)

    def at(self, x: Points) -> Evaluator:
        return _Interpolation(self, x)

    def constant(self) -> np.ndarray:
        return np.ones(self.num_coefficients)

    def inside(self) -> Rule:
        return ElementRule(CellBasis(self.mesh, self.element, intorder=self.quadrature, dofs=self.dofs))

    def on_boundary(self, problem: Problem) -> list[tuple[int, Rule]]:
        return [(k, ElementRule(basis)) for k, basis in self._parts(problem).robin_bases()]

    def prescribed(self, problem: Problem) -> tuple[np.ndarray, np.ndarray]:
        values = np.full(self.num_coefficients, np.nan)
        for k, dofs in reversed(self._parts(problem).dirichlet_dofs()):  # where two parts meet, the first one applies
            values[dofs] = validated(problem.boundary[k].value, "[boundary] value", self.nodes[dofs]).numpy()
        fixed = np.flatnonzero(~np.isnan(values))
        return fixed, values[fixed]

    @functools.cached_property
    def cells(self) -> Cells:
        """The mesh with all its nodes, including the edge nodes of P2, in the form of mesh files."""
        linear = cells_of(self.mesh)
        if self.degree == 1:
            return linear
        turned: Any = self.mesh.oriented()  # pyright: ignore[reportAttributeAccessIssue]
        nodes = Dofs(turned, self.element).element_dofs.T  # edges are numbered by their ends, for any orientation of the cells
        return replace(linear, nodes=self._mesh_nodes, kind=_QUADRATIC[type(self.mesh)], cells=nodes)

    def dirichlet_nodes(self, problem: Problem) -> np.ndarray:
        """The indices of all coefficients on Dirichlet parts, ascending."""
        return np.unique(np.concatenate([np.empty(0, int), *(dofs for _, dofs in self._parts(problem).dirichlet_dofs())]))

    def locate(self, x: np.ndarray) -> np.ndarray:
        """The cell of each point ``(n, d)``; for points outside the mesh, the cell with the nearest center."""
        if x.shape[1] == 1:
            return self._intervals[1][(np.searchsorted(self._intervals[0], x[:, 0], side="right") - 1).clip(0)]
        cells = self._search(x)
        missed = cells < 0
        if missed.any():
            cells[missed] = KDTree(self.mesh.p[:, self.mesh.t].mean(axis=1).T).query(x[missed])[1]
        return cells % self.mesh.nelements

    @functools.cached_property
    def element(self) -> Element:
        """The element of scikit-fem."""
        return _ELEMENTS[type(self.mesh), self.degree]()

    @functools.cached_property
    def dofs(self) -> Any:
        """The numbering of the coefficients in scikit-fem."""
        dofs = Dofs(self.mesh, self.element)
        return self._identification.applied(dofs) if self.periodic else dofs

    @functools.cached_property
    def _intervals(self) -> tuple[np.ndarray, np.ndarray]:
        """The left ends of the cells of a 1-D mesh in increasing order, and the indices of these cells."""
        left = self.mesh.p[0][self.mesh.t].min(axis=0)
        order = np.argsort(left)
        return left[order], order

    @functools.cached_property
    def _search(self) -> CellSearch:
        corners = self.mesh.p.T[self.mesh.t.T]
        simplices = _SIMPLICES.get(type(self.mesh))
        return CellSearch(corners if simplices is None else np.concatenate([corners[:, list(s)] for s in simplices]))

    def boundary_facets(self, problem: Problem) -> tuple[np.ndarray, np.ndarray]:
        """The boundary facets, and the index of the problem's boundary part that contains the midpoint of each."""
        return self.mesh.boundary_facets(), self._parts(problem).at_midpoints

    def _parts(self, problem: Problem) -> BoundaryParts:
        return BoundaryParts(self.mesh, self.element, self.dofs, self.quadrature, problem)

    def built_in_parts(self, domain: Domain) -> np.ndarray:
        """The index of the domain's boundary part for each boundary facet."""
        return domain.parts_of_facets(self.mesh)


class ElementRule(Rule):
    """The Gauss rule on every cell, or on every facet; the shape is (cells, points per cell)."""

    def __init__(self, basis: CellBasis | FacetBasis) -> None:
        self._basis: Any = basis  # the declared types of scikit-fem are wider than the actual ones

    @functools.cached_property
    def x(self) -> Points:  # pyright: ignore[reportIncompatibleMethodOverride]
        points = np.asarray(self._basis.global_coordinates())
        return torch.from_numpy(points.reshape(len(points), -1).T.copy())

    @property
    def weights(self) -> np.ndarray:
        return self._basis.dx

    def value(self, c: np.ndarray) -> np.ndarray:
        return np.asarray(self._basis.interpolate(c))

    def gradient(self, c: np.ndarray) -> np.ndarray:
        return np.asarray(self._basis.interpolate(c).grad)

    def vector(self, density: Density, flux: np.ndarray | None = None) -> np.ndarray:
        if flux is None:
            return LinearForm(lambda v, _: density * v).assemble(self._basis)
        return LinearForm(lambda v, _: density * v + dot(flux, v.grad)).assemble(self._basis)

    def matrix(self, slopes: Slopes) -> Any:
        value_u, value_q, isotropic, directed, matrix = slopes
        stiff, massive = bool(np.any(isotropic)), bool(np.any(value_u))
        drifts = _present(value_q)
        tensor = [(i, j, a) for i, row in enumerate(matrix) for j, a in _present(row)]

        def form(u: Any, v: Any, _: Any) -> Any:
            total = isotropic * dot(u.grad, v.grad) if stiff else 0.0
            if massive:
                total = total + value_u * u * v
            for strength, n in directed:
                total = total + strength * dot(n, u.grad) * dot(n, v.grad)
            for i, j, a in tensor:
                total = total + a * u.grad[j] * v.grad[i]
            for k, b in drifts:
                total = total + b * u.grad[k] * v
            return total

        return BilinearForm(form).assemble(self._basis)


def _present(densities: Sequence[Density]) -> list[tuple[int, Density]]:
    """The nonzero densities, with their axes."""
    return [(k, density) for k, density in enumerate(densities) if np.any(density)]


class _Interpolation(LinearEvaluator):
    """The evaluation by fixed indices and weights of the basis functions on each point's cell: a gather and a product."""

    def __init__(self, space: Lagrange, x: Points) -> None:
        points = x.detach().double().numpy(force=True)
        cells = space.locate(points)
        local = space.mesh.mapping().invF(points.T[:, :, None], tind=cells)
        mapping, element, n = space.mesh.mapping(), space.element, space.dofs.element_dofs.shape[0]
        functions = [element.gbasis(mapping, local, k, tind=cells)[0] for k in range(n)]
        self._index = torch.from_numpy(space.dofs.element_dofs[:, cells].T.astype(np.int64)).to(x.device)
        self._weights = _stacked([np.asarray(f)[:, 0] for f in functions], x)  # (n, local)
        self._slopes = _stacked([np.asarray(f.grad)[:, :, 0].T for f in functions], x)  # (n, d, local)

    def value(self, c: Coefficients) -> Values:
        return (c[self._index] * self._weights).sum(dim=-1)

    def gradient(self, c: Coefficients) -> Gradients:
        return (c[self._index][:, None] * self._slopes).sum(dim=-1)


def _stacked(arrays: list[np.ndarray], like: Tensor) -> Tensor:
    return torch.from_numpy(np.stack(arrays, axis=-1)).to(like)
