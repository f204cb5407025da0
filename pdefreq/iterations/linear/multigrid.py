"""Algebraic multigrid on a grid, by PyAMG: one V-cycle a step."""

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
    """V-cycles over a Ruge-Stueben hierarchy, a symmetric Gauss-Seidel sweep before and after; float64 on the CPU.

    With convection they converge up to a mesh Peclet number of 1, where the matrix is an M-matrix, and may diverge above it.

    Args:
        problem: A linear problem.
        grid: Where the iterate lives.
        like: A tensor whose dtype and device the iterate takes.
        guess: Values of the unknowns to start from; zero by default.

    Raises:
        ProblemFileError: If a field is not finite, or the diffusion negative, where it is needed; if a boundary node is covered
            by no part; if the equations have no solution.

    Source:
        Bell, Olson, Schroder, Southworth (2023), PyAMG, JOSS 8(87), 5495.
    """

    def __init__(self, problem: Problem, grid: Grid, *, like: Tensor, guess: Field | None = None) -> None:
        import pyamg

        super().__init__(problem, grid, like=like, guess=guess)
        self._system = CondensedSystem(self._equations.system())
        # On the coarsest level constants are in the null space but for rounding, where they are on the finest.
        self._hierarchy = pyamg.ruge_stuben_solver(sp.csr_array(self._system.matrix), coarse_solver=("pinv", {"rtol": 1e-10}))

    def notes(self, state: State) -> list[str]:
        """Also what to use where cycles need not converge."""
        notes = super().notes(state)
        if not notes or self._equations.is_monotone:
            return notes
        return [*notes, "Above 1 V-cycles need not converge, and those of `gmres`, on an upwind hierarchy, do."]

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
        """By cycles, until rounding keeps the changes from getting smaller: a factorisation would take far longer.

        Where cycles need not converge it is found as for other methods.
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
