"""Cycles of the generalized minimal residual method for difference equations, preconditioned by multigrid; by PyAMG."""

from __future__ import annotations

import functools
import warnings
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp

from pdefreq.core.errors import NotConvergedError
from pdefreq.iterations.linear.sparse import CondensedSystem

if TYPE_CHECKING:
    from pdefreq.spaces.grids.stencil import Stencil

FLOOR = 1e-13
"""A residual below this fraction of the load is rounding."""

PROGRESS = 0.99
"""A cycle that leaves more than this fraction of the residual has stagnated; all further cycles do the same."""

_SOLVED = 1e-11
_CYCLES = 100


class PreconditionedGmres:
    """Restarted flexible GMRES with a V-cycle of Ruge-Stueben multigrid as the preconditioner.

    A cycle minimizes the residual over a Krylov space of dimension `restart`, or less if the residual reaches the level of
    rounding, and does not depend on previous cycles. The multigrid hierarchy is that of `Stencil.monotone`, for which V-cycles
    converge: without negative reactions, and with upwind differences if convection dominates on the scale of the grid.

    Args:
        equations: The equations, in float64.
        restart: The dimension of the Krylov spaces.

    Source:
        Saad (2003), Iterative Methods for Sparse Linear Systems, algorithm 9.6; PyAMG: Bell, Olson, Schroder, Southworth (2023),
        JOSS 8(87), 5495.
    """

    def __init__(self, equations: Stencil, restart: int) -> None:
        self.system = CondensedSystem(equations.system())
        self._equations = equations
        self._matrix = sp.csr_array(self.system.matrix)
        self.restart = min(restart, len(self.system.free))

    def cycle(self, free: np.ndarray) -> np.ndarray:
        """The unknowns after a cycle that starts from `free`."""
        from pyamg.krylov import fgmres

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # rounding in the last columns of a space that contains the solution
            solved, _ = fgmres(
                self._matrix, self.system.load, x0=free, tol=FLOOR, restart=self.restart, maxiter=1, M=self._preconditioner
            )
        return np.asarray(solved)

    def solve(self) -> np.ndarray:
        """All coefficients of the solution, by cycles until the residual reaches the level of rounding.

        Raises:
            NotConvergedError: If it stagnates before it is below 1e-11 of the load.
        """
        free, before = np.zeros(len(self.system.free)), float(np.linalg.norm(self.system.load))
        size = before
        for _ in range(_CYCLES):
            found = self.cycle(free)
            after = float(np.linalg.norm(self.system.load - self._matrix @ found))
            if not after <= PROGRESS * before:
                break
            free, before = found, after
        if not before <= _SOLVED * size:
            raise NotConvergedError(f"GMRES reached a residual of {before / size:.1g} only")
        return self.system.extend(free)

    @functools.cached_property
    def _preconditioner(self) -> object:
        import pyamg

        positive = self._matrix
        if not self._equations.is_monotone:
            positive = sp.csr_array(CondensedSystem(self._equations.monotone().system()).matrix)
        # If constants are in the null space on the finest level, they are on the coarsest level up to rounding.
        return pyamg.ruge_stuben_solver(positive, coarse_solver=("pinv", {"rtol": 1e-10})).aspreconditioner()
