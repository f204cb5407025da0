"""Algebraic multigrid on a grid, by PyAMG: one V-cycle per step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp
import torch

from pdefreq.iterations.iteration import State
from pdefreq.iterations.linear.sparse import CondensedSystem
from pdefreq.iterations.linear.stationary import StationaryIteration

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.fields import Field
    from pdefreq.core.shapes import Coefficients
    from pdefreq.problem.problem import Problem
    from pdefreq.spaces.grids.grid import Grid


class Multigrid(StationaryIteration):
    """V-cycles over a Ruge-Stueben hierarchy with symmetric Gauss-Seidel sweeps; float64 on the CPU.

    With convection they converge up to a mesh Peclet number of 1, where the matrix is an M-matrix, and may diverge above it.

    Args:
        problem: A linear problem.
        grid: The grid of the iterate.
        like: A tensor with the dtype and device of the iterate.
        guess: Initial values of the unknowns; by default zero.

    Raises:
        ProblemFileError: If a field is not finite, or the diffusion is negative; if a boundary node belongs to no
            boundary part; or if the equations have no solution.

    Source:
        Bell, Olson, Schroder, Southworth (2023), PyAMG, JOSS 8(87), 5495.
    """

    def __init__(self, problem: Problem, grid: Grid, *, like: Tensor, guess: Field | None = None) -> None:
        import pyamg

        super().__init__(problem, grid, like=like, guess=guess)
        self._system = CondensedSystem(self._equations.system())
        # If constants are in the null space on the finest level, they are on the coarsest level up to rounding.
        self._hierarchy = pyamg.ruge_stuben_solver(sp.csr_array(self._system.matrix), coarse_solver=("pinv", {"rtol": 1e-10}))

    def notes(self, state: State) -> list[str]:
        """Notes, with advice if the cycles may diverge."""
        notes = super().notes(state)
        if not notes or self._equations.is_monotone:
            return notes
        return [*notes, "Above 1 V-cycles may diverge; use `gmres`, whose V-cycles on an upwind hierarchy converge."]

    def step(self, state: State) -> State:
        free = self._system.free
        c = state.coefficients.double().numpy(force=True)
        c[free] = self._cycle(c[free])
        return State(self._grid, self._settle(torch.from_numpy(c).to(state.coefficients)))

    def _after(self, error: Coefficients) -> Coefficients:
        u, free = error.clone(), self._system.free
        u[free] = torch.from_numpy(self._cycle(u[free].numpy(), load=np.zeros(len(free))))
        return self._settle(u)

    def _cycle(self, free: np.ndarray, load: np.ndarray | None = None) -> np.ndarray:
        load = self._system.load if load is None else load
        return np.asarray(self._hierarchy.solve(load, x0=free, maxiter=1, tol=0.0))

    def _solve(self) -> Coefficients:
        """The discrete solution by cycles, down to the level of rounding, which is much faster than a factorization.

        If cycles may diverge, it is computed as for other methods.
        """
        if not self._equations.is_monotone:
            return super()._solve()
        free, change = np.zeros(len(self._system.free)), np.inf
        while True:
            before, last = free, change
            free = self._cycle(free)
            change = np.linalg.norm(free - before)
            if not change < last:
                return self._settle(torch.from_numpy(self._system.extend(free)))
