"""Capabilities of methods with a discretization: refinement, and a predicted error of the discrete solution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, cast, runtime_checkable

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from torch import Tensor

    from pdefreq.domains.domain import Domain
    from pdefreq.problem.problem import Problem
    from pdefreq.solvers.solver import Solver
    from pdefreq.spaces.trial_space import TrialSpace

_LEVELS = {1: 6, 2: 6}  # number of levels by dimension; 4 in other dimensions
_COARSEST = {1: 16}  # size of the first level by dimension; 4 in other dimensions


@runtime_checkable
class Refines(Protocol):
    """The method computes its discrete solution for any mesh width, so that it can be compared on a sequence of meshes."""

    refines: ClassVar[str]
    """The option that sets the size of the discretization."""

    def refined(self, domain: Domain, *, start: int | None = None, levels: int | None = None) -> Sequence[Solver]:
        """The method on a sequence of discretizations, coarsest first; a single entry for a method that refines during the run.

        Args:
            domain: The domain of the problem.
            start: The first size, a value of the option that `refines` names; the method has a default.
            levels: The number of discretizations; the method has a default.
        """
        ...


@runtime_checkable
class HasDegree(Protocol):
    """The trial functions are polynomials in each cell of a mesh, so that the order of convergence is known."""

    @property
    def degree(self) -> int | None:
        """The degree of these polynomials; None for a method without cells."""
        ...


@runtime_checkable
class PredictsModeError(Protocol):
    """Theory gives the error of each mode in the discrete solution, for some problems."""

    def predicted_mode_error(self, problem: Problem, space: TrialSpace, wavevectors: ArrayLike) -> Tensor | None:
        """The relative error of each sine mode in the discrete solution, shape ``(m,)``; None if it is not known.

        Args:
            problem: On a box, with constant coefficients that sine modes diagonalize, and u = 0 on the boundary.
            space: The trial space of the method, at one level.
            wavevectors: Angular, shape ``(m, d)``.
        """
        ...


def degree_of(solver: Solver) -> int | None:
    """The degree of the trial functions in each cell; None for a method without cells."""
    return solver.degree if isinstance(solver, HasDegree) else None


class DoublesSize:
    """Implements `Refines` for a dataclass: each level has twice the size of the one before.

    The size is the option that `refines` names. The first level has the value that is set, by default `coarsest`.
    """

    refines: ClassVar[str]

    def coarsest(self, domain: Domain) -> int:
        """The default of the first size."""
        return _COARSEST.get(domain.dimension, 4)

    def refined(self, domain: Domain, *, start: int | None = None, levels: int | None = None) -> Sequence[Solver]:
        first = start or getattr(self, self.refines) or self.coarsest(domain)
        count = levels or _LEVELS.get(domain.dimension, 4)
        return [replace(cast("Any", self), **{self.refines: first * 2**k}) for k in range(count)]
