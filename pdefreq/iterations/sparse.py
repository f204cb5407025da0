"""Sparse direct solution, with the prescribed coefficients eliminated."""

from __future__ import annotations

import numpy as np
from scipy.sparse.linalg import splu

from pdefreq.errors import IncompatibleError
from pdefreq.spaces.trial_space import LinearSystem


class CondensedSystem:
    """The equations of the free coefficients, ``A_ff c_f = b_f - A_fd v``; A_ff is symmetric and positive definite.

    Args:
        system: All equations, with the indices and values of the prescribed coefficients.
    """

    def __init__(self, system: LinearSystem) -> None:
        self.size = system.matrix.shape[0]
        self.free = np.setdiff1d(np.arange(self.size), system.fixed)
        self._fixed, self._values = system.fixed, system.values
        rows = system.matrix.tocsr()[self.free]
        self.matrix = rows[:, self.free].tocsc()
        self.load = system.load[self.free] - rows[:, system.fixed] @ system.values

    def extend(self, free: np.ndarray | float) -> np.ndarray:
        """All coefficients, shape ``(P,)``, from the free ones."""
        c = np.zeros(self.size)
        c[self.free], c[self._fixed] = free, self._values
        return c

    def residual(self, c: np.ndarray) -> np.ndarray:
        """What the free equations lack at `c`, shape ``(number of free coefficients,)``."""
        return self.load - self.matrix @ c[self.free]

    def solve(self) -> np.ndarray:
        """The solution, shape ``(P,)``: by sparse factorisation.

        Raises:
            IncompatibleError: If the matrix is singular.
        """
        try:
            # Symmetric mode needs no pivoting here and orders by A + A^T: 4 times faster than the default in 3-D.
            factors = splu(self.matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
        except RuntimeError as error:
            raise IncompatibleError(
                "the linear system is singular, so the problem has no unique solution: "
                "prescribe values on a part of the boundary, or give a reaction"
            ) from error
        return self.extend(factors.solve(self.load))
