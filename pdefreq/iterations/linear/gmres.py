"""The generalized minimal residual method on a grid, by PyAMG: for equations that are not symmetric, or indefinite."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch

from pdefreq.core.errors import NotPredictedError
from pdefreq.core.history import Status
from pdefreq.iterations.iteration import State
from pdefreq.iterations.linear.grid_iteration import GridIteration
from pdefreq.iterations.linear.preconditioned_gmres import FLOOR, PROGRESS, PreconditionedGmres

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.fields import Field
    from pdefreq.core.shapes import Coefficients, Values
    from pdefreq.iterations.protocols import Prediction
    from pdefreq.problem.problem import Problem
    from pdefreq.spaces.grids.grid import Grid
    from pdefreq.spectrum.modes import Modes


class Gmres(GridIteration):
    """One cycle of `PreconditionedGmres` per step.

    Cycles run in float64 on the CPU; the iterate keeps its own dtype and device.

    Args:
        problem: A linear problem.
        grid: The grid of the iterate.
        restart: Number of iterations in a cycle.
        like: A tensor with the dtype and device of the iterate.
        guess: Initial values of the unknowns; by default zero.

    Raises:
        ProblemFileError: If a field is not finite, or the diffusion is negative; if a boundary node belongs to no
            boundary part; or if the equations have no solution.
    """

    def __init__(self, problem: Problem, grid: Grid, *, restart: int, like: Tensor, guess: Field | None = None) -> None:
        super().__init__(problem, grid, like=like, guess=guess)
        self._method = PreconditionedGmres(self._equations, restart)

    def init(self) -> State:
        return self._state(super().init().coefficients, done=False)

    def step(self, state: State) -> State:
        if state.done:
            return state
        system = self._method.system
        c = state.coefficients.double().numpy(force=True)
        before = np.linalg.norm(system.residual(c))
        c[system.free] = self._method.cycle(c[system.free])
        after = np.linalg.norm(system.residual(c))
        done = not after <= PROGRESS * before or after <= FLOOR * self._norm * self._unit
        return self._state(self._settle(torch.from_numpy(c).to(state.coefficients)), done=bool(done))

    def restore(self, coefficients: Coefficients, memory: Mapping[str, Tensor]) -> State:
        return self._state(super().restore(coefficients, memory).coefficients, done=bool(memory["done"]))

    def _state(self, u: Coefficients, *, done: bool) -> State:
        return State(self._grid, u, {"done": torch.tensor(done)}, done=done)

    def final_status(self, state: State) -> Status:
        return self._reason(state)

    def notes(self, state: State) -> list[str]:
        """Notes, with advice if the cycles stagnate."""
        notes = super().notes(state)
        full = self._method.restart == len(self._method.system.free)
        if not state.done or full or self.final_status(state) is not Status.STALLED:
            return notes
        return [*notes, f"GMRES with restart={self._method.restart} stagnates: use a larger `restart`, or use `fem`."]

    def predict(self, modes: Modes, steps: Tensor, target: Values | None = None, *, cheap: bool = False) -> Prediction:
        """Raise an error: a step depends on all errors at once.

        Raises:
            NotPredictedError: Always.
        """
        raise NotPredictedError("no theory of modes for GMRES, whose steps depend on all errors at once")
