"""A reference solution for a problem whose exact one is unknown, with an estimate of its own error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pdefreq.errors import IncompatibleError

if TYPE_CHECKING:
    from pdefreq.fields import Field
    from pdefreq.problem import Problem

_ACCURATE = 1e-8  # good enough: below what any method here reaches on such a problem
_INTERVALS = {1: (1024, 2048, 4096, 8192, 16384), 2: (64, 128, 256, 512), 3: (16, 32, 64)}  # along an axis, of sine series
_MANY = 70_000  # unknowns beyond which the next refinement would take too long
_CELLS = {1: (256, 512, 1024, 2048), 2: (16, 32, 64, 128), 3: (4, 8, 16)}  # the same of P2 elements


def reference_solution(problem: Problem) -> tuple[Field, float] | None:
    """Refine a direct method until two solutions in a row agree.

    Args:
        problem: Any problem; its exact solution is not used.

    Returns:
        The finest solution and an estimate of its relative L2 error (the change of the last refinement), or None where
        no direct method here can do the problem.
    """
    import torch

    from pdefreq.probes.error import relative_error
    from pdefreq.solvers.galerkin import Fem
    from pdefreq.solvers.spectral import Sine
    from pdefreq.spaces.trial_space import SpaceField

    blind, cpu, dtype = problem.blind(), torch.device("cpu"), torch.float64

    def solved(solver: Fem | Sine) -> SpaceField:
        iteration = solver.prepare(blind, seed=0, device=cpu, dtype=dtype)
        state = iteration.init()
        while not state.done:
            state = iteration.step(state)
        return SpaceField(state.space, state.coefficients)

    methods = (lambda n: Sine(intervals=n), _INTERVALS), (lambda n: Fem(element="P2", cells=n), _CELLS)
    for method, sizes in methods:
        coarse: SpaceField | None = None
        change = float("nan")
        try:
            for size in sizes.get(problem.domain.dimension, ()):
                fine = solved(method(size))
                if coarse is not None:
                    change = relative_error(coarse, fine, problem, "l2")
                    if change < _ACCURATE:
                        return fine, change
                coarse = fine
                if fine.space.num_coefficients > _MANY:
                    break
        except IncompatibleError:
            continue
        if coarse is not None:
            return coarse, change
    return None
