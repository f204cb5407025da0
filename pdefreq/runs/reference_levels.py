"""Sequences of discrete solutions of a problem by direct methods, from which reference solutions are chosen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import torch

from pdefreq.core.announcements import announce
from pdefreq.core.errors import NotConvergedError
from pdefreq.domains.mesh_domain import MeshDomain
from pdefreq.iterations.defaults import final_status_of
from pdefreq.spaces.trial_space import SpaceField

if TYPE_CHECKING:
    from pdefreq.iterations.iteration import Iteration
    from pdefreq.problem.problem import Problem
    from pdefreq.solvers.solver import Solver

# Sizes along an axis by dimension. They are not powers of two and, for elements, not multiples of each other: an interface that
# is not in the mesh then lies at another fraction of a cell on each of them, and no level is a run with usual options.
_INTERVALS = {1: (120, 250, 540, 1080, 2250, 4500, 9000, 18000), 2: (30, 60, 125, 160, 250), 3: (8, 16, 27)}
_HARMONICS = {1: (60, 121, 242, 485, 970, 1940, 3880), 2: (12, 24, 48, 96), 3: (5, 10, 20)}
_CELLS = {1: (95, 191, 383, 767, 1535, 3071, 6143), 2: (7, 15, 31, 63, 127), 3: (3, 7, 15)}
_FIRST = {1: 95, 2: 31, 3: 7}  # cells along an axis before adaptive refinement
_MANY = {1: 50_000, 2: 30_000, 3: 20_000}  # numbers of unknowns beyond which a further refinement takes too long
_MANY_NONLINEAR = 10_000
_WORK = 500_000  # largest number of unknowns of all adaptive levels together, if each level adds only a few
_LEAST, _MOST = 3, 1000  # levels of adaptive refinement, of which the first ones may have more unknowns


def sequences(problem: Problem) -> dict[str, Callable[[], Iterator[SpaceField]]]:
    """The methods by name, each with a function that starts its sequence of solutions, coarsest first.

    Starting or continuing a sequence raises a `UserError` if the method can't solve the problem.

    Args:
        problem: A problem without its exact solution.
    """
    from pdefreq.solvers.fem import Fem
    from pdefreq.solvers.spectral import Fourier, Sine

    d = problem.domain.dimension

    def elements(problem: Problem) -> Iterator[SpaceField]:
        if _refinable(problem) and d > 1:
            return _adapted(problem)
        if _refinable(problem) and problem.interfaces:
            return _halved(problem)
        return _each(problem, lambda n: Fem("P2", n), _CELLS.get(d, ()))

    return {
        "sine series": lambda: _each(problem, lambda n: Sine(n), _INTERVALS.get(d, ())),
        "Fourier series": lambda: _each(problem, lambda n: Fourier(n), _HARMONICS.get(d, ())),
        "P2 elements": lambda: elements(problem),
    }


def _refinable(problem: Problem) -> bool:
    """Whether meshes can be refined level by level."""
    return problem.is_linear and problem.data is None and not problem.periodic_axes


def _each(problem: Problem, solver: Callable[[int], Solver], sizes: tuple[int, ...]) -> Iterator[SpaceField]:
    """The discrete solution of each size, until there are too many unknowns."""
    for size in sizes:
        announce(f"computing a reference solution, {size} cells along each axis")
        u = _solved(solver(size).prepare(problem, seed=0, device=torch.device("cpu"), dtype=torch.float64))
        yield u
        if u.space.num_coefficients > (_MANY[problem.domain.dimension] if problem.is_linear else _MANY_NONLINEAR):
            return


def _solved(iteration: Iteration) -> SpaceField:
    """The last state of an iteration.

    Raises:
        UserError: If the method can't solve the problem.
    """
    state = iteration.init()
    while not state.done:
        state = iteration.step(state)
    if (status := final_status_of(iteration, state)).exit_code:
        raise NotConvergedError(status.sentence, status=status)
    return SpaceField(state.space, state.coefficients)


def _halved(problem: Problem) -> Iterator[SpaceField]:
    """P2 solutions on an interval whose cells are halved, also those at interfaces.

    On uniform meshes with additional nodes, the size of the cells at a singular point of a coefficient would vary irregularly.
    """
    from pdefreq.solvers.fem import Fem

    first, *finer = _CELLS[1]
    iteration = Fem("P2", first, refinement="uniform", levels=len(finer)).prepare(
        problem, seed=0, device=torch.device("cpu"), dtype=torch.float64
    )
    state = iteration.init()
    for level in range(len(finer) + 1):
        announce(f"computing a reference solution, {first * 2**level} cells and the interfaces")
        state = iteration.step(state)
        yield SpaceField(state.space, state.coefficients)


def _adapted(problem: Problem) -> Iterator[SpaceField]:
    """P2 solutions on adaptively refined meshes, whose indicators add up to half of the total in the refined cells."""
    from pdefreq.solvers.fem import Fem

    d = problem.domain.dimension
    cells = None if isinstance(problem.domain, MeshDomain) else _FIRST.get(d)
    by = "direct" if d < 3 else None  # multigrid fails for large jumps of the diffusion
    solver = Fem("P2", cells, linear_solver=by, refinement="adaptive", levels=_MOST)
    iteration = solver.prepare(problem, seed=0, device=torch.device("cpu"), dtype=torch.float64)
    state, unknowns, total, level = iteration.init(), 0, 0, 0
    while (unknowns <= _MANY[d] and total <= _WORK) or level < _LEAST:
        state, level = iteration.step(state), level + 1
        unknowns = state.space.num_coefficients
        total += unknowns
        announce(f"computing a reference solution, {unknowns:,} unknowns")
        yield SpaceField(state.space, state.coefficients)
