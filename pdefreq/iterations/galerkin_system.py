"""The equations of a Galerkin method: solved by factorisation or multigrid, and determined up to a constant or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import scipy.sparse as sp
from scipy.linalg import cho_factor, cho_solve

from pdefreq.errors import IncompatibleError
from pdefreq.iterations.sparse import CondensedSystem

if TYPE_CHECKING:
    from pdefreq.spaces.trial_space import LinearSystem
    from pdefreq.spaces.weak_form import Mean

_TOLERANCE = 1e-12
_MOST = 300
_STRONG = ("classical", {"theta": 0.4})  # with the usual 0.25 P2 elements in two dimensions do not converge
_DENSE = 0.1  # part of the entries that are not zero, above which a dense factorisation is faster


class GalerkinSystem(CondensedSystem):
    """Condensed equations that know how they are to be solved.

    Args:
        system: All equations, with the indices and values of the prescribed coefficients.
        by: ``"direct"``: factorisation, sparse or dense; ``"amg"``: conjugate gradients with classical (Ruge-Stueben)
            multigrid, to a residual of 1e-12 of the load.
        mean: Where a constant can be added to the solution: how to make its mean zero. One coefficient is prescribed then.
    """

    def __init__(self, system: LinearSystem, *, by: Literal["direct", "amg"] = "direct", mean: Mean | None = None) -> None:
        self._by, self._mean = by, mean
        super().__init__(system)

    def extend(self, free: np.ndarray | float) -> np.ndarray:
        c = super().extend(free)
        return c if self._mean is None else self._mean.removed(c)

    def residual(self, c: np.ndarray) -> np.ndarray:
        return super().residual(c if self._mean is None else self._mean.pinned(c))

    def solve(self) -> np.ndarray:
        """The solution, shape ``(P,)``.

        Raises:
            IncompatibleError: If the matrix is singular, or multigrid does not converge.
        """
        if self._by == "amg":
            return self.extend(self._by_multigrid())
        if self.matrix.nnz > _DENSE * len(self.load) ** 2:
            return self.extend(cho_solve(cho_factor(self.matrix.toarray(), overwrite_a=True), self.load))
        return super().solve()

    def _by_multigrid(self) -> np.ndarray:
        import pyamg

        size = float(np.linalg.norm(self.load))
        if size == 0:
            return np.zeros(len(self.load))
        residuals: list[float] = []
        hierarchy = pyamg.ruge_stuben_solver(sp.csr_array(self.matrix.T), strength=_STRONG)  # symmetric: by rows, by columns
        free: Any = hierarchy.solve(self.load, tol=_TOLERANCE, maxiter=_MOST, accel="cg", residuals=residuals)
        if not residuals[-1] <= 10 * _TOLERANCE * size:
            raise IncompatibleError(
                f"multigrid came down to a residual of {residuals[-1] / size:.1g} only, in {_MOST} iterations: use solver=direct"
            )
        return free
