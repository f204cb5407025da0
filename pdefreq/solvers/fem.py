"""Finite elements."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

from pdefreq.core.devices import require_memory
from pdefreq.core.errors import IncompatibleError, OptionError
from pdefreq.core.history import Stop
from pdefreq.problem.needs import EQUATION, PLANE_OR_SPACE, Need
from pdefreq.solvers.galerkin import GALERKIN_STEPS, condensing, galerkin_iteration
from pdefreq.solvers.refinable import DoublesSize
from pdefreq.solvers.requirements import instead, require, require_precision
from pdefreq.solvers.solver import Solver

if TYPE_CHECKING:
    import torch
    from numpy.typing import ArrayLike
    from torch import Tensor

    from pdefreq.core.fields import Field
    from pdefreq.domains.domain import Domain
    from pdefreq.iterations.iteration import Iteration
    from pdefreq.iterations.linear.galerkin_system import GalerkinSystem
    from pdefreq.problem.problem import Problem
    from pdefreq.spaces.elements.lagrange import Lagrange
    from pdefreq.spaces.elements.weak_form import WeakForm
    from pdefreq.spaces.trial_space import TrialSpace

_CELLS = {1: 1000, 2: 128, 3: 24}  # along each axis, by dimension
_COARSE = 4  # the same before refinement
_HIGHEST_DEGREE = {"P1": (60, 19, 8), "P2": (60, 19, 8), "Q1": (60, 60, 60)}  # of quadrature, by dimension


@dataclass(frozen=True)
class Fem(DoublesSize, Solver):
    """Finite elements: P1, P2 or Q1 on intervals, polygons and polyhedra, boxes with a structured mesh.

    A linear problem takes one step. A nonlinear problem takes Newton steps, with continuation in p for 1 < p <= 20. For large p
    the range of the weights |grad u|^(p-2) may exceed double precision, and u then has few correct digits.
    In one dimension with constant diffusion and no other term, the values at the vertices are exact up to the quadrature of f.
    There, points at which the formulas of the equation may jump (`Problem.interfaces`) are nodes in addition to the uniform ones.

    Equations need not be symmetric or definite. Systems with convection or with a negative reaction are factorized with row
    exchanges, and a system that is numerically singular is refused. A note reports a mesh Peclet number above 1.

    Args:
        element: ``"P1"``, ``"P2"``: linear and quadratic on simplices; ``"Q1"``: multilinear on quadrilaterals and hexahedra.
        cells: Number of cells along each axis of a box; on other domains, a mesh of the same mesh width. Null means 1000 in one
            dimension, 128 in two, 24 in three, 4 before refinement, and the mesh of the file for a mesh domain.
        quadrature: Polynomial degree up to which integrals over a cell are exact; null means 15 in one dimension, otherwise twice
            the degree of the elements.
        linear_solver: ``"direct"``, a sparse factorization, or ``"amg"``, conjugate gradients with algebraic multigrid, for
            symmetric positive definite systems; null selects the faster one.
        refinement: ``"uniform"`` or ``"adaptive"`` (residual estimator, Doerfler marking): one level per step; null keeps the
            mesh. Adaptive meshes of triangles follow the interfaces that the formulas of the equation define
            (`Problem.level_sets`), and cells that such an interface cuts are refined.
        levels: Number of refinements; null means 5 uniform or 12 adaptive refinements.

    Raises:
        OptionError: If an option lies outside its range.
    """

    element: Literal["P1", "P2", "Q1"] = "P1"
    cells: int | None = None
    quadrature: int | None = None
    linear_solver: Literal["direct", "amg"] | None = None
    refinement: Literal["uniform", "adaptive"] | None = None
    levels: int | None = None

    refines: ClassVar[str] = "cells"

    def __post_init__(self) -> None:
        if self.cells is not None and self.cells < 1:
            raise OptionError(f"`cells` must be at least 1, got {self.cells}")
        if self.quadrature is not None and not 1 <= self.quadrature <= 60:
            raise OptionError(f"`quadrature` must be a degree from 1 to 60, got {self.quadrature}")
        if self.levels is not None and self.levels < 1:
            raise OptionError(f"`levels` must be at least 1, got {self.levels}")
        if self.levels is not None and self.refinement is None:
            raise OptionError("`levels` is the number of refinements: set refinement=uniform or adaptive, or leave `levels` out")

    @property
    def degree(self) -> int:
        return 2 if self.element == "P2" else 1

    @property
    def budget(self) -> Stop:
        return Stop(steps=GALERKIN_STEPS)

    @property
    def needs(self) -> Sequence[Need]:
        return EQUATION, PLANE_OR_SPACE

    def prepare(
        self, problem: Problem, *, seed: int, device: torch.device, dtype: torch.dtype, guess: Field | None = None
    ) -> Iteration:
        require(problem, "fem", self.needs)
        require_precision(problem.equation, dtype)
        self._require_room(problem)

        from skfem.mesh.mesh_simplex import MeshSimplex

        from pdefreq.domains.meshes.interval_mesh import with_nodes
        from pdefreq.domains.meshes.meshing import mesh_for
        from pdefreq.spaces.elements.lagrange import Lagrange

        try:
            mesh = mesh_for(problem.domain, self._cells(problem), simplices=self.element != "Q1")
        except IncompatibleError as error:  # no mesh generator, or no CAD form
            raise IncompatibleError(f"{error}, or {instead(problem, 'fem')}") from None
        if problem.domain.dimension == 1:
            mesh = with_nodes(mesh, problem.interfaces)
        fitting = ("P1", "P2") if isinstance(mesh, MeshSimplex) else ("Q1",)
        if self.element not in fitting and problem.domain.dimension > 1:
            able = " or ".join(f"`--set element={element}`" for element in fitting)
            raise IncompatibleError(f"element={self.element} does not fit the mesh of this domain: use {able}")
        degree = 2 if self.element == "P2" else 1
        space = Lagrange(mesh, self._degree(problem), degree=degree, periodic=problem.periodic_axes)
        if self.refinement is None:
            remarks = _remarks(problem, space, self._cells(problem))
            return galerkin_iteration(
                space, problem, self.linear_solver, dtype=dtype, device=device, guess=guess, remarks=remarks
            )
        self._require_refinable(problem)
        adaptive = self.refinement == "adaptive"
        levels = self.levels or (12 if adaptive else 5)
        if not adaptive:  # the sizes of adaptive levels are not known in advance
            self._require_memory(problem, levels, "levels", mesh.nelements * 2 ** (problem.domain.dimension * levels))

        import torch

        from pdefreq.iterations.mesh_refinement import Refinement

        def condense(form: WeakForm) -> GalerkinSystem:
            return condensing(form, self.linear_solver)(form.system())

        remarks = functools.partial(_remarks, problem)
        like = torch.empty(0, dtype=dtype, device=device)
        return Refinement(space, problem, levels=levels, adaptive=adaptive, condense=condense, like=like, remarks=remarks)

    def coarsest(self, domain: Domain) -> int:
        """For a domain with a mesh of its own: the number of cells for which the first level is this mesh."""
        mesh = domain.own_mesh
        return super().coarsest(domain) if mesh is None else max(1, int(domain.measure ** (1 / domain.dimension) / mesh.param()))

    def refined(self, domain: Domain, *, start: int | None = None, levels: int | None = None) -> Sequence[Solver]:
        if self.refinement is None:
            return super().refined(domain, start=start, levels=levels)
        return [replace(self, cells=start or self.cells, levels=self.levels if levels is None else levels - 1)]

    def predicted_mode_error(self, problem: Problem, space: TrialSpace, wavevectors: ArrayLike) -> Tensor | None:
        from pdefreq.domains.box import Box
        from pdefreq.problem.terms.constants import constants_of
        from pdefreq.spaces.elements.lagrange import Lagrange
        from pdefreq.spectrum.sampling_grid import grid_intervals
        from pdefreq.theory.discretization import multilinear_element_error

        box, d = problem.domain, problem.domain.dimension
        if self.degree > 1 or self.refinement == "adaptive" or (d > 1 and self.element != "Q1"):
            return None
        if d == 1 and problem.interfaces:
            return None  # the mesh is not uniform
        assert isinstance(box, Box)
        assert isinstance(space, Lagrange)
        constants = constants_of(problem.equation, d)
        assert constants is not None
        (a, _, c), cells = constants, round(space.mesh.nelements ** (1 / d))
        h, points = [length / cells for length in box.lengths], grid_intervals(box)[0]
        delta = [length / points for length in box.lengths]
        sampling = delta if points % cells == 0 else h if cells % points == 0 else None  # else nearly integrals
        return multilinear_element_error(wavevectors, h, diffusion=a, reaction=c, sampling=sampling)

    def _cells(self, problem: Problem) -> int | None:
        """Number of cells along each axis; None for the mesh of a mesh domain."""
        from pdefreq.domains.mesh_domain import MeshDomain

        if self.cells is not None or isinstance(problem.domain, MeshDomain):
            return self.cells
        return _COARSE if self.refinement is not None else _CELLS[problem.domain.dimension]

    def _require_refinable(self, problem: Problem) -> None:
        """Check that the problem suits the residual estimator and the refinement of cells.

        Raises:
            IncompatibleError: If it does not.
        """
        if not problem.is_linear:
            term = next(term for term in problem.equation if not term.linear)
            raise IncompatibleError(
                f"refinement needs a linear problem, and the {term.name} term {term.text} is nonlinear: leave `refinement` out"
            )
        if problem.data is not None:
            raise IncompatibleError(
                "refinement needs the source everywhere and this problem gives it at points only: leave it out"
            )
        if problem.periodic_axes:
            raise IncompatibleError(
                "the error estimator of refinement does not include flux jumps across periodic sides: leave `refinement` out, "
                "and set `cells`"
            )
        if self.element == "Q1":
            raise IncompatibleError("refinement estimates errors on simplices: use `--set element=P1` or `--set element=P2`")

    def _degree(self, problem: Problem) -> int:
        d = problem.domain.dimension
        highest = _HIGHEST_DEGREE[self.element][d - 1]
        degree = self.quadrature or (15 if d == 1 else 4 if self.element == "P2" else 2)
        if degree > highest:
            raise OptionError(f"`quadrature` is at most {highest} for {self.element} in {d} dimensions, got {degree}")
        return degree

    def _require_room(self, problem: Problem) -> None:
        d, per_axis = problem.domain.dimension, self._cells(problem) or 1
        cells = per_axis**d * (1 if self.element == "Q1" else (1, 2, 6)[d - 1])
        self._require_memory(problem, per_axis, "cells", cells)

    def _require_memory(self, problem: Problem, value: int, option: str, cells: int) -> None:
        d, degree = problem.domain.dimension, self._degree(problem)
        local = {"P1": d + 1, "P2": (d + 1) * (d + 2) // 2, "Q1": 2**d}[self.element]
        points = (degree // 2 + 1) ** d
        # basis functions and their gradients at the points, element matrices and their indices
        needed = 8 * cells * (points * (local * (d + 1) + 3 * d + 6) + 3 * local**2)
        if d == 3 and not (problem.equation.is_symmetric and problem.equation.is_coercive is not False):
            needed += _factor_bytes(cells / (1 if self.element == "Q1" else 6) * (8 if self.element == "P2" else 1))
        require_memory(value, option, needed)


def _factor_bytes(unknowns: float) -> int:
    """Memory of a factorization with row exchanges in three dimensions, as measured: 0.8 GiB for 40,000 unknowns."""
    return int(80 * unknowns**1.53)


def _remarks(problem: Problem, space: Lagrange, cells: int | None = None) -> list[str]:
    """A note if the mesh is too coarse for the convection.

    Args:
        problem: The problem.
        space: Elements on a mesh.
        cells: Number of cells along each axis, if the mesh was made from it.
    """
    import torch
    from skfem.mesh.mesh_simplex import MeshSimplex

    from pdefreq.spaces.elements.peclet import mesh_peclet_number, peclet_remark

    if problem.equation.is_symmetric:
        return []
    mesh, d = space.mesh, space.mesh.dim()
    parts = math.factorial(d) if isinstance(mesh, MeshSimplex) else 1  # simplices in a cube: h is the side of that
    h = (parts * space.cell_measures) ** (1 / d) / space.degree
    centers = torch.from_numpy(mesh.p[:, mesh.t].mean(axis=1).T.copy())
    return peclet_remark(mesh_peclet_number(problem.equation, centers, h[:, None]), "cells", cells)
