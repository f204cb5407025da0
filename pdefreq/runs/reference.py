"""Reference solutions of problems with unknown exact solutions, and estimates of their errors."""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from pdefreq.core.content import opaque_parts
from pdefreq.core.errors import UserError
from pdefreq.problem.spectrum import Spectrum
from pdefreq.runs.sequence_error import sequence_error

if TYPE_CHECKING:
    from pdefreq.core.fields import Field
    from pdefreq.domains.samples import Samples
    from pdefreq.probes.target import Accuracy, Target
    from pdefreq.problem.problem import Problem
    from pdefreq.spaces.trial_space import SpaceField

_NORMS = ("l2", "h1", "max")
_ACCURATE = 1e-8  # accurate enough: smaller than the errors of the methods on such problems
_ENOUGH = 1e-4  # for the second method, which only has to confirm the first
_ROUNDING = 2e-17  # rounding error relative to h^-2, the condition of the equations, as measured in one and two dimensions
_SERIES = 50.0  # in place of h^-2 for series, whose equations are diagonal
_APART = 0.1  # difference of two methods above which they contradict each other
_LARGEST = 1.0  # relative L2 error from which on a reference solution says nothing
_KEPT = 5  # number of last solutions that are stored, for errors of derived quantities
_known: dict[str, Reference] = {}  # by the digest of the content
_of_objects: dict[int, Reference] = {}  # by the identity of a problem with Python functions, while it lives


@dataclass(frozen=True, eq=False)
class Reference:
    """A reference solution with its accuracy, or the reason why there is none.

    Args:
        levels: Solutions by one method on refined discretizations, coarsest first; the last one is the reference solution.
        accuracy: The estimated errors of the last one; None without levels.
        reason: Why there is no reference solution; otherwise empty.
    """

    levels: tuple[SpaceField, ...] = ()
    accuracy: Accuracy | None = None
    reason: str = ""

    @property
    def solution(self) -> Field | None:
        """The reference solution; None if there is none."""
        return self.levels[-1] if self.levels else None

    def target(self, problem: Problem) -> Target:
        """A problem with its reference solution.

        Args:
            problem: The problem; only its modes may differ from that of the reference solution.
        """
        from pdefreq.probes.target import Target

        if self.accuracy is None:
            return Target(problem, reason=self.reason)
        return Target(problem, self.solution, self.accuracy, coarser=self.levels[:-1])


def reference_solution(problem: Problem) -> Reference:
    """A solution by refinement of direct methods, whose error is estimated from the changes in the refinement.

    The methods are a sine or Fourier series and P2 elements. In one dimension the interfaces of the equation are nodes of the
    mesh. For linear problems in two and three dimensions the mesh is refined where the residual estimator is large; triangles
    follow the interfaces, and tetrahedra are refined towards them. The error of each method is that of `sequence_error` in each
    norm, and the method with the smallest error gives the reference solution. Where a second method can solve the problem, the
    two must agree: if they differ by more than the sum of their errors, the difference is taken as the error, and above 10 %
    there is no reference solution.

    This takes below 1 s in one dimension, 2 to 5 s for linear problems in two and three dimensions, and up to 15 s for nonlinear
    ones. Reference solutions are cached for further runs on the same problem. A problem with Python functions is the same only if
    it is the same object.

    Args:
        problem: Any problem; its exact solution is not used.
    """
    if any(opaque_parts(problem.content())):
        if id(problem) not in _of_objects:
            _of_objects[id(problem)] = _computed(problem)
            weakref.finalize(problem, _of_objects.pop, id(problem), None)
        return _of_objects[id(problem)]
    key = replace(problem.blind(), spectrum=Spectrum()).digest  # the exact solution and the watched modes do not matter
    if key not in _known:
        _known[key] = _computed(problem)
    return _known[key]


def _computed(problem: Problem) -> Reference:
    from pdefreq.runs.reference_levels import sequences

    problem, found, reason = problem.blind(), [], ""
    if problem.is_fit_of_points:
        return Reference(reason="the function to fit is known only at the points of [data]")
    for name, start in sequences(problem).items():
        is_second = any(other.accuracy.l2 < _ACCURATE for other in found)
        candidate, refusal = _followed(problem, name, start, accurate=_ENOUGH if is_second else _ACCURATE)
        found += [] if candidate is None else [candidate]
        reason = refusal or reason
    if not found:
        return Reference(reason=reason or "no direct method can solve the problem")
    best, *others = sorted(found, key=lambda candidate: candidate.accuracy.l2)
    return best.checked(problem, others[0] if others else None)


@dataclass(frozen=True, eq=False)
class _Candidate:
    """The solutions of one method, with the accuracy of the last one, whose target stores its values."""

    name: str
    last: Target
    levels: tuple[SpaceField, ...]
    accuracy: Accuracy

    def checked(self, problem: Problem, other: _Candidate | None) -> Reference:
        """The reference solution, if the error is small enough and another method agrees in L2.

        In each norm in which the two differ by more than the sum of their errors, the difference is taken as the error.
        """
        accuracy, name = self.accuracy, self.name
        if other is not None:
            apart = _differences(other.last, self.last)
            if not apart["l2"] <= max(_APART, accuracy.l2 + other.accuracy.l2):
                return Reference(reason=f"{name} and {other.name} differ by {apart['l2']:.2g} in relative L2")
            both = {norm: getattr(accuracy, norm) + getattr(other.accuracy, norm) for norm in _NORMS}
            worse = {norm: apart[norm] for norm in _NORMS if not apart[norm] <= both[norm]}
            accuracy = replace(accuracy, **{norm: max(gap, getattr(accuracy, norm)) for norm, gap in worse.items()})
        if not accuracy.l2 < _LARGEST:
            return Reference(reason=f"the solution by {name} has an estimated relative L2 error of {accuracy.l2:.2g}")
        return Reference(self.levels, replace(accuracy, energy=_energy_error(problem, self.levels[-1])))


def _followed(
    problem: Problem, name: str, start: Callable[[], Iterator[SpaceField]], *, accurate: float
) -> tuple[_Candidate | None, str]:
    """The solutions of a method until they are accurate enough, or None and the reason."""
    from pdefreq.probes.target import Accuracy, Target

    fields: list[SpaceField] = []
    target: Target | None = None
    changes: dict[str, list[float]] = {norm: [] for norm in _NORMS}
    reason = ""
    try:
        for u in start():
            if fields and u.space.num_coefficients == fields[-1].space.num_coefficients:
                continue  # the mesh of a file is as fine already
            before, target = target, Target(problem, u)
            fields.append(u)
            if before is not None:
                for norm, change in _differences(before, target).items():
                    changes[norm].append(change)
            if len(fields) > 2 and sequence_error(changes["l2"]) < accurate:
                break
    except UserError as error:  # including a field that is infinite at a node; a run without a reference solution is allowed
        reason = str(error)
    estimates = [sequence_error(changes[norm]) for norm in _NORMS]
    if target is None or target.solution is None or math.isnan(estimates[0]):
        undefined = "relative errors are not defined for the solution, which is zero" if len(fields) > 1 else ""
        return None, undefined or reason or f"{name} on a single mesh give no estimate of their error"
    space = fields[-1].space
    condition = _SERIES if space.mesh_width is None else space.num_coefficients ** (2 / problem.domain.dimension)
    rounding = _ROUNDING * condition
    floors = (rounding, rounding, rounding * float(np.abs(target.solution.values(_points(target).x)).max()))
    accuracy = Accuracy(*map(max, estimates, floors))
    return _Candidate(name, target, tuple(fields[-_KEPT:]), accuracy), reason


def _points(target: Target) -> Samples:
    """The points at which solutions are compared, about 20,000 in several dimensions."""
    return target.test_points if target.problem.domain.dimension == 1 else target.recorded_points


def _differences(u: Target, v: Target) -> dict[str, float]:
    """The norms of the difference of two solutions, relative to the second one in L2 and H1."""
    from pdefreq.probes.error import Errors

    assert u.solution is not None
    errors = Errors(u.solution, v, _points(v))
    return {norm: errors.norm(norm) for norm in _NORMS}


def _energy_error(problem: Problem, u: SpaceField) -> float:
    """The residual estimator relative to the energy norm of u; nan if it does not apply."""
    from skfem.mesh.mesh_simplex import MeshSimplex

    from pdefreq.spaces.elements.estimator import energy_norm, estimate
    from pdefreq.spaces.elements.lagrange import Lagrange

    space, applies = u.space, problem.is_linear and problem.equation.is_symmetric and not problem.periodic_axes
    if not (applies and isinstance(space, Lagrange) and isinstance(space.mesh, MeshSimplex)) or problem.data is not None:
        return math.nan
    c = u.coefficients.double().numpy(force=True)
    size = energy_norm(space, problem, c)
    return math.sqrt(estimate(space, problem, c).sum()) / size if size > 0 else math.nan
