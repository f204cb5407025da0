"""Galerkin methods: finite elements, and Ritz-Galerkin with global or local basis functions."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

from pdefreq.errors import IncompatibleError, OptionError
from pdefreq.history import Stop
from pdefreq.memory import require_memory
from pdefreq.needs import BOX, EQUATION, PLANE_OR_SPACE, Need
from pdefreq.solvers.refinable import DoublesSize
from pdefreq.solvers.requirements import require, require_box, require_precision
from pdefreq.solvers.solver import Solver

if TYPE_CHECKING:
    import torch
    from numpy.typing import ArrayLike
    from torch import Tensor

    from pdefreq.domains.domain import Domain
    from pdefreq.fields import Field
    from pdefreq.iterations.iteration import Iteration
    from pdefreq.problem import Problem
    from pdefreq.spaces.trial_space import TrialSpace
    from pdefreq.spaces.weak_form import GalerkinSpace, WeakForm

_STEPS = 300  # linear problems take one step, nonlinear ones about 100 at most
_CELLS = {1: 1000, 2: 128, 3: 24}  # along each axis, by dimension
_FUNCTIONS = {1: 64, 2: 32, 3: 12}
_COARSE = 4  # the same before refinement
_LARGEST_DIRECT = 20_000  # unknowns in two dimensions, above which multigrid is faster
_HIGHEST_DEGREE = {"P1": (60, 19, 8), "P2": (60, 19, 8), "Q1": (60, 60, 60)}  # of quadrature, by dimension


@dataclass(frozen=True)
class Fem(DoublesSize, Solver):
    """Finite elements: P1, P2 or Q1 on intervals, polygons and polyhedra, boxes with a structured mesh.

    Linear problems take one step. Nonlinear ones, 1 < p <= 20, take Newton steps on the energy with continuation in p; for
    large p the weights |grad u|^(p-2) may span more than double precision holds, which leaves few digits of u.
    In one dimension with constant diffusion and no reaction the values at the vertices are exact, up to the quadrature of f.

    Args:
        element: ``"P1"``, ``"P2"``: linear and quadratic on simplices; ``"Q1"``: multilinear on quadrilaterals and hexahedra.
        cells: Along each axis of a box, elsewhere a mesh as fine; null is 1000 in one dimension, 128 in two, 24 in three,
            4 before refinement, and the file's own mesh where there is one.
        quadrature: Polynomial degree up to which integrals over a cell are exact; null is 15 in one dimension, else twice the
            degree of the elements.
        solver: ``"direct"``, by factorisation, or ``"amg"``, conjugate gradients with multigrid; null takes the faster.
        refinement: ``"uniform"`` or ``"adaptive"`` (residual estimator, Doerfler marking): one level a step; null keeps the mesh.
        levels: Refinements, where there are any; null is 5 uniform or 12 adaptive ones.

    Raises:
        OptionError: If an option lies outside its range.
    """

    element: Literal["P1", "P2", "Q1"] = "P1"
    cells: int | None = None
    quadrature: int | None = None
    solver: Literal["direct", "amg"] | None = None
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
            raise OptionError("`levels` counts refinements, and there are none: set refinement=uniform or adaptive, too")

    @property
    def degree(self) -> int:
        return 2 if self.element == "P2" else 1

    @property
    def budget(self) -> Stop:
        return Stop(steps=_STEPS)

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

        from pdefreq.spaces.lagrange import Lagrange
        from pdefreq.spaces.meshes import mesh_for

        mesh = mesh_for(problem.domain, self._cells(problem), simplices=self.element != "Q1")
        fitting = "P1 or P2" if isinstance(mesh, MeshSimplex) else "Q1"
        if self.element not in fitting and problem.domain.dimension > 1:
            raise IncompatibleError(f"element={self.element} does not fit the mesh of this domain: use element={fitting}")
        space = Lagrange(mesh, self._degree(problem), degree=2 if self.element == "P2" else 1)
        if self.refinement is None:
            return _iteration(space, problem, self.solver, dtype=dtype, device=device, guess=guess)
        self._require_refinable(problem)
        adaptive = self.refinement == "adaptive"
        levels = self.levels or (12 if adaptive else 5)
        if not adaptive:  # adaptive levels grow as they please
            self._require_memory(problem, levels, "levels", mesh.nelements * 2 ** (problem.domain.dimension * levels))

        import torch

        from pdefreq.iterations.galerkin_system import GalerkinSystem
        from pdefreq.iterations.refinement import Refinement

        def condense(form: WeakForm) -> GalerkinSystem:
            return GalerkinSystem(form.system(), by=self.solver or _faster(form.space, problem), mean=form.mean)

        like = torch.empty(0, dtype=dtype, device=device)
        return Refinement(space, problem, levels=levels, adaptive=adaptive, condense=condense, like=like)

    def coarsest(self, domain: Domain) -> int:
        """Where the domain brings a mesh: so many cells that the first level is this mesh."""
        from pdefreq.domains.meshing import own_mesh

        mesh = own_mesh(domain)
        return super().coarsest(domain) if mesh is None else max(1, int(domain.measure ** (1 / domain.dimension) / mesh.param()))

    def refined(self, domain: Domain, *, start: int | None = None, levels: int | None = None) -> Sequence[Solver]:
        if self.refinement is None:
            return super().refined(domain, start=start, levels=levels)
        return [replace(self, cells=start or self.cells, levels=self.levels if levels is None else levels - 1)]

    def predicted_mode_error(self, problem: Problem, space: TrialSpace, wavevectors: ArrayLike) -> Tensor | None:
        from pdefreq.domains.box import Box
        from pdefreq.spaces.lagrange import Lagrange
        from pdefreq.spectrum.box_modes import grid_intervals
        from pdefreq.theory.refinement import multilinear_element_error

        box, d = problem.domain, problem.domain.dimension
        if self.degree > 1 or self.refinement == "adaptive" or (d > 1 and self.element != "Q1"):
            return None
        assert isinstance(box, Box)
        assert isinstance(space, Lagrange)
        a, c, cells = problem.diffusion.constant, problem.reaction.constant, round(space.mesh.nelements ** (1 / d))
        assert a is not None
        assert c is not None
        h, points = [length / cells for length in box.lengths], grid_intervals(box)[0]
        delta = [length / points for length in box.lengths]
        sampling = delta if points % cells == 0 else h if cells % points == 0 else None  # else nearly integrals
        return multilinear_element_error(wavevectors, h, diffusion=a, reaction=c, sampling=sampling)

    def _cells(self, problem: Problem) -> int | None:
        """Along each axis; None for the mesh that a domain brings."""
        from pdefreq.domains.mesh_domain import MeshDomain

        if self.cells is not None or isinstance(problem.domain, MeshDomain):
            return self.cells
        return _COARSE if self.refinement is not None else _CELLS[problem.domain.dimension]

    def _require_refinable(self, problem: Problem) -> None:
        """What the residual estimator and the refinement of cells can do.

        Raises:
            IncompatibleError: Otherwise.
        """
        if problem.exponent != 2:
            raise IncompatibleError(f"refinement is for linear problems, exponent = 2, got {problem.exponent:g}: leave it out")
        if problem.data is not None:
            raise IncompatibleError(
                "refinement needs the source everywhere and this problem gives it at points only: leave it out"
            )
        if self.element == "Q1":
            raise IncompatibleError("refinement estimates errors on simplices: use element=P1 or P2")

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
        require_memory(value, option, 8 * cells * (points * (local * (d + 1) + 3 * d + 6) + 3 * local**2))


@dataclass(frozen=True)
class RitzGalerkin(DoublesSize, Solver):
    """Ritz-Galerkin with few functions on a box: Legendre polynomials, with spectral accuracy for smooth u, or hat functions.

    With the source known at n points only ([data]), more and more functions tend to the sum of Green's functions.

    Args:
        basis: ``"legendre"``, integrated Legendre polynomials, or ``"hat"``, P1 elements.
        number: Basis functions along each axis that vanish at its ends; null is 64 in one dimension, 32 in two, 12 in three.
        quadrature: Gauss points along each axis; null is twice the number of functions. For hat functions, those of a cell.

    Raises:
        OptionError: If an option lies outside its range.

    Source:
        Wang, Xu, Zhang, Zhang (2020), Implicit bias with Ritz-Galerkin method, arXiv 2002.07989.
    """

    basis: Literal["legendre", "hat"] = "legendre"
    number: int | None = None
    quadrature: int | None = None

    refines: ClassVar[str] = "number"

    def __post_init__(self) -> None:
        for name in ("number", "quadrature"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise OptionError(f"`{name}` must be at least 1, got {value}")

    @property
    def degree(self) -> int | None:
        return 1 if self.basis == "hat" else None

    def coarsest(self, domain: Domain) -> int:
        return 4 if domain.dimension == 1 else 2

    @property
    def budget(self) -> Stop:
        return Stop(steps=_STEPS)

    @property
    def needs(self) -> Sequence[Need]:
        return EQUATION, PLANE_OR_SPACE, BOX

    def prepare(
        self, problem: Problem, *, seed: int, device: torch.device, dtype: torch.dtype, guess: Field | None = None
    ) -> Iteration:
        box = require_box(problem, "ritz-galerkin", self.needs)
        require_precision(problem.equation, dtype)
        number = self.number or _FUNCTIONS[box.dimension]
        if self.basis == "hat":
            degree = None if self.quadrature is None else 2 * self.quadrature - 1
            fem = Fem(cells=number + 1, quadrature=degree)
            return fem.prepare(problem, seed=seed, device=device, dtype=dtype, guess=guess)
        points = self.quadrature or 2 * (number + 2)
        unknowns = (number + 2) ** box.dimension
        require_memory(number, "number", 8 * (4 * unknowns**2 + 10 * points**box.dimension))

        from pdefreq.spaces.legendre import Legendre

        return _iteration(Legendre(box, number, points), problem, "direct", dtype=dtype, device=device, guess=guess)


def _iteration(
    space: GalerkinSpace,
    problem: Problem,
    by: Literal["direct", "amg"] | None,
    *,
    dtype: torch.dtype,
    device: torch.device,
    guess: Field | None,
) -> Iteration:
    """What solves a problem in a space: one linear system, or Newton's method."""
    import torch

    from pdefreq.functionals.sampling import data_samples
    from pdefreq.iterations.direct import DirectSolve
    from pdefreq.iterations.galerkin_system import GalerkinSystem
    from pdefreq.iterations.newton import Newton
    from pdefreq.spaces.weak_form import WeakForm

    like = torch.empty(0, dtype=dtype, device=device)
    form = WeakForm(space, problem, data_samples(problem) if problem.data is not None else None)
    condense = functools.partial(GalerkinSystem, by=by or _faster(space, problem), mean=form.mean)
    if problem.exponent == 2:
        return DirectSolve(space, form.system(), like=like, guess=guess, condense=condense)
    return Newton(form, problem.exponent, like=like, guess=guess, condense=condense)


def _faster(space: GalerkinSpace, problem: Problem) -> Literal["direct", "amg"]:
    d = problem.domain.dimension
    many = d == 2 and problem.exponent == 2 and space.num_coefficients > _LARGEST_DIRECT
    return "amg" if d == 3 or many else "direct"
