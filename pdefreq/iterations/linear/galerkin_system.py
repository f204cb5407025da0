"""The equations of a Galerkin method and their solution by factorization or multigrid, also up to a constant."""

from __future__ import annotations

import functools
import warnings
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import scipy.sparse as sp
from scipy.linalg import LinAlgWarning, cho_factor, cho_solve, lu_factor, lu_solve

from pdefreq.core.errors import IncompatibleError, NotConvergedError
from pdefreq.iterations.linear.sparse import CondensedSystem, Inverse, verified

if TYPE_CHECKING:
    from pdefreq.spaces.elements.weak_form import ConstantNullSpace
    from pdefreq.spaces.trial_space import LinearSystem

_TOLERANCE = 1e-12
_MOST = 300
_STRONG = ("classical", {"theta": 0.4})  # with the usual 0.25, cycles for P2 elements in 2-D do not converge
_DENSE = 0.1  # fraction of nonzero entries above which a dense factorization is faster


class GalerkinSystem(CondensedSystem):
    """Condensed equations with the choice of a linear solver.

    Args:
        system: All equations, with the indices and values of the prescribed coefficients.
        by: ``"direct"``: factorization, sparse or dense; ``"amg"``: conjugate gradients with classical (Ruge-Stueben)
            multigrid, to a residual of 1e-12 of the load.
        null_space: The null space of constants, if u is determined up to a constant; one coefficient is then prescribed, and the
            mean of the solution is set to zero.

    Raises:
        IncompatibleError: If multigrid is requested and the matrix is not known to be symmetric and positive definite.
    """

    def __init__(
        self, system: LinearSystem, *, by: Literal["direct", "amg"] = "direct", null_space: ConstantNullSpace | None = None
    ) -> None:
        if by == "amg" and not system.definite:
            raise IncompatibleError(
                "multigrid (linear_solver=amg) needs equations that are symmetric and positive definite, and these are not known "
                "to be: use `--set linear_solver=direct`"
            )
        self._by, self._null_space = by, null_space
        super().__init__(system)

    def extend(self, free: np.ndarray | float) -> np.ndarray:
        c = super().extend(free)
        return c if self._null_space is None else self._null_space.without_mean(c)

    def residual(self, c: np.ndarray) -> np.ndarray:
        return super().residual(c if self._null_space is None else self._null_space.pinned(c))

    def inverse(self) -> Inverse:
        """The inverse of the matrix: by multigrid, or by a sparse or dense factorization.

        Raises:
            IncompatibleError: If the matrix is singular. The returned function raises it if multigrid does not converge.
        """
        if self._by == "amg":
            return self._by_multigrid()
        if self.matrix.nnz > _DENSE * len(self.load) ** 2:
            return _dense_inverse(self.matrix.toarray(), definite=self._definite)
        return super().inverse()

    def _by_multigrid(self) -> Inverse:
        import pyamg

        hierarchy = pyamg.ruge_stuben_solver(
            sp.csr_array(self.matrix.T), strength=_STRONG, interpolation="direct"
        )  # symmetric, so that rows and columns are the same; the default interpolation fails for large jumps of the diffusion

        def solve(load: np.ndarray) -> np.ndarray:
            size = float(np.linalg.norm(load))
            if size == 0:
                return np.zeros(len(load))
            residuals: list[float] = []
            try:
                free: Any = hierarchy.solve(load, tol=_TOLERANCE, maxiter=_MOST, accel="cg", residuals=residuals)
            except ValueError:  # the coarsest matrix is not finite
                raise NotConvergedError(
                    "multigrid found no hierarchy for these equations: use `--set linear_solver=direct`"
                ) from None
            if not residuals[-1] <= 10 * _TOLERANCE * size:
                raise NotConvergedError(
                    f"multigrid reached a residual of {residuals[-1] / size:.1g} only in {_MOST} iterations: "
                    "use `--set linear_solver=direct`"
                )
            return free

        return solve


def _dense_inverse(matrix: np.ndarray, *, definite: bool) -> Inverse:
    if definite:
        factors = cho_factor(matrix, overwrite_a=True)
        return lambda load: cho_solve(factors, load)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LinAlgWarning)  # a zero pivot, which `verified` detects
        factors = lu_factor(matrix)

    def solve(load: np.ndarray, transposed: int = 0) -> np.ndarray:
        return lu_solve(factors, load, trans=transposed, check_finite=False)

    return verified(matrix, solve, functools.partial(solve, transposed=1))
