"""Reference solutions of problems with unknown exact solutions, and estimates of their errors."""

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

_ACCURATE = 1e-8  # accurate enough: smaller than the errors of the methods on such problems
_INTERVALS = {1: (1024, 2048, 4096, 8192, 16384), 2: (64, 128), 3: (16, 32)}  # along an axis, for sine series
_HARMONICS = {1: (256, 512, 1024, 2048, 4096), 2: (32, 64), 3: (8, 16)}  # the same for Fourier series
_CELLS = {1: (256, 512, 1024, 2048), 2: (16, 32, 64, 128), 3: (4, 8, 16)}  # the same for P2 elements
_MANY = 70_000  # number of unknowns beyond which a further refinement takes too long; for nonlinear problems:
_MANY_NONLINEAR = 10_000
_known: dict[str, tuple[Field, float] | None] = {}  # by the digest of the content
_of_objects: dict[int, tuple[Field, float] | None] = {}  # by the identity of a problem with Python functions, while it lives


def reference_solution(problem: Problem) -> tuple[Field, float] | None:
    """A solution by refinement of a direct method until two successive solutions agree.

    The method is a sine or Fourier series, or P2 elements if a series does not exist or converges slowly. Solutions are cached
    for further runs on the same problem. A problem with Python functions is the same only if it is the same object.

    Args:
        problem: Any problem; its exact solution is not used.

    Returns:
        The best of the finest solutions and an estimate of its relative L2 error (the change in the last refinement), or
        None if no direct method can solve the problem.
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
    """The last of a sequence of solutions and its change in the last refinement, or None if the problem can't be solved."""
    from pdefreq.probes.error import relative_error
    from pdefreq.probes.target import Target

    coarse: Any = None
    change = math.nan
    for size in sizes:
        announce(f"computing a reference solution, {size} cells along each axis")
        try:
            fine = _solved(problem, solver(size))
        except UserError:  # including a field that is infinite at a node; a run without a reference solution is allowed
            break
        if coarse is not None and fine.space.num_coefficients == coarse.space.num_coefficients:
            continue  # the mesh of a file is as fine already: a second solution on it gives no estimate
        if coarse is not None:
            change = relative_error(coarse, Target(problem, fine))
        coarse = fine
        if change < _ACCURATE or fine.space.num_coefficients > (_MANY if problem.is_linear else _MANY_NONLINEAR):
            break
    return None if coarse is None else (coarse, change)


def _solved(problem: Problem, solver: Solver) -> Any:
    """The discrete solution of a method.

    Raises:
        UserError: If the method can't solve the problem.
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
