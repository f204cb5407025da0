"""A reference solution for a problem whose exact one is unknown, with an estimate of its own error."""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pdefreq.core.announcements import announce
from pdefreq.core.content import opaque_parts
from pdefreq.core.errors import IncompatibleError, UserError
from pdefreq.problem.problem import Spectrum

if TYPE_CHECKING:
    from pdefreq.core.fields import Field
    from pdefreq.problem.problem import Problem
    from pdefreq.solvers.solver import Solver

_ACCURATE = 1e-8  # good enough: below what any method here reaches on such a problem
_INTERVALS = {1: (1024, 2048, 4096, 8192, 16384), 2: (64, 128), 3: (16, 32)}  # along an axis, of sine series
_HARMONICS = {1: (256, 512, 1024, 2048, 4096), 2: (32, 64), 3: (8, 16)}  # the same of Fourier series
_CELLS = {1: (256, 512, 1024, 2048), 2: (16, 32, 64, 128), 3: (4, 8, 16)}  # the same of P2 elements
_MANY = 70_000  # unknowns beyond which a further refinement would take too long; of nonlinear problems:
_MANY_NONLINEAR = 10_000
_known: dict[str, tuple[Field, float] | None] = {}  # by the digest of the content
_of_objects: dict[int, tuple[Field, float] | None] = {}  # by the identity of a problem with Python functions, while it lives


def reference_solution(problem: Problem) -> tuple[Field, float] | None:
    """Refine direct methods until two solutions in a row agree: a sine or Fourier series, else P2 elements.

    These are the second choice, where a series does not exist or converges slowly.

    What was found is kept, for the next method that is tried on the same problem. A problem with Python functions is the same
    only if it is the same object: nobody can compare what functions compute.

    Args:
        problem: Any problem; its exact solution is not used.

    Returns:
        The better of the finest solutions and an estimate of its relative L2 error (the change of the last refinement), or
        None where no direct method here can do the problem.
    """
    if any(opaque_parts(problem.content())):
        if id(problem) not in _of_objects:
            _of_objects[id(problem)] = _computed(problem)
            weakref.finalize(problem, _of_objects.pop, id(problem), None)
        return _of_objects[id(problem)]
    key = replace(problem.blind(), spectrum=Spectrum()).digest  # neither the solution nor what is watched matters
    if key not in _known:
        _known[key] = _computed(problem)
    return _known[key]


def _computed(problem: Problem) -> tuple[Field, float] | None:
    from pdefreq.solvers.galerkin import Fem
    from pdefreq.solvers.spectral import Fourier, Sine

    best: tuple[Field, float] | None = None
    for solver, sizes in (
        (lambda n: Sine(intervals=n), _INTERVALS),
        (lambda n: Fourier(harmonics=n), _HARMONICS),
        (lambda n: Fem(element="P2", cells=n), _CELLS),
    ):
        found = _refined(problem.blind(), solver, sizes.get(problem.domain.dimension, ()))
        if found is not None and (best is None or not best[1] <= found[1]):
            best = found
        if best is not None and best[1] < _ACCURATE:
            break
    return best


def _refined(problem: Problem, solver: Callable[[int], Solver], sizes: tuple[int, ...]) -> tuple[Field, float] | None:
    """The last of a sequence of solutions and its change from the one before, or None where the method can't do the problem."""
    from pdefreq.probes.error import relative_error
    from pdefreq.probes.target import Target

    coarse: Any = None
    change = math.nan
    for size in sizes:
        announce(f"computing a reference solution, {size} cells along each axis")
        try:
            fine = _solved(problem, solver(size))
        except UserError:  # also a field that is infinite at a node: no reference is no reason to refuse a run
            break
        if coarse is not None and fine.space.num_coefficients == coarse.space.num_coefficients:
            continue  # a mesh from a file that is as fine already: solving twice on it shows nothing
        if coarse is not None:
            change = relative_error(coarse, Target(problem, fine))
        coarse = fine
        if change < _ACCURATE or fine.space.num_coefficients > (_MANY if problem.is_linear else _MANY_NONLINEAR):
            break
    return None if coarse is None else (coarse, change)


def _solved(problem: Problem, solver: Solver) -> Any:
    """The discrete solution of a method.

    Raises:
        UserError: If the method can't do the problem, or finds no solution.
    """
    import torch

    from pdefreq.iterations.defaults import final_status_of
    from pdefreq.spaces.trial_space import SpaceField

    iteration = solver.prepare(problem, seed=0, device=torch.device("cpu"), dtype=torch.float64)
    state = iteration.init()
    while not state.done:
        state = iteration.step(state)
    if (status := final_status_of(iteration, state)).exit_code:
        raise IncompatibleError(status.sentence)
    return SpaceField(state.space, state.coefficients)
