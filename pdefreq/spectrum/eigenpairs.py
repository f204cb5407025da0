"""The lowest eigenvalues of a large sparse symmetric pair of matrices, and how many there are below a number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from scipy.sparse import csc_array
from scipy.sparse.linalg import LinearOperator, SuperLU, eigsh, splu

SAME = 1e-4  # eigenvalues that agree to this part of themselves count as one, multiple eigenvalue
_SLICE = 48  # eigenvalues found about a shift: the cost of one grows with their number, that of a factorization does not
_TOLERANCE = 1e-10  # of eigenvectors, relative; their eigenvalues are good to its square
_CLEAR = 1e-4  # an eigenvalue nearer to the shift than this part of a slice would drown the others in its rounding errors
_PIVOTING = 0.1  # least pivot beside the largest of its column: the shifted matrix is not definite
_BELOW = 0.4  # the part of them that is meant to lie below the shift


@dataclass(frozen=True)
class Slice:
    """The eigenvalues that one step upward has found, and where the next one starts.

    Args:
        kept: How many of the eigenvalues before still count.
        values: New eigenvalues, ascending, shape ``(m,)``.
        vectors: Their eigenvectors, shape ``(n, m)``.
        edge: How far the spectrum is known.
        sure: How far it is known for sure.
        width: How far the next shift is beyond the edge.
        size: How many eigenvalues are found about it.
    """

    kept: int
    values: np.ndarray
    vectors: np.ndarray
    edge: float
    sure: float
    width: float
    size: int

    def arrays(self) -> dict[str, np.ndarray]:
        """The same as arrays by name."""
        return {name: np.asarray(value) for name, value in asdict(self).items()}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray], n: int) -> Self | None:
        """The inverse of `arrays`; None where they are no slice of eigenvectors of length n."""
        try:
            edge, sure, width = (float(arrays[name]) for name in ("edge", "sure", "width"))
            kept, size = (int(arrays[name]) for name in ("kept", "size"))
            found = cls(kept, arrays["values"], arrays["vectors"], edge=edge, sure=sure, width=width, size=size)
        except (KeyError, TypeError, ValueError):
            return None
        fits = found.values.ndim == 1 and found.vectors.shape == (n, len(found.values))
        numeric = all(a.dtype == np.float64 and np.isfinite(a).all() for a in (found.values, found.vectors))
        return found if fits and numeric else None


class EigenSolver:
    """K v = lambda M v, solved upward from the lowest eigenvalue as far as is asked for, and no multiple eigenvalue in part.

    The spectrum is cut into slices, each found by Lanczos iteration about a shift in it. By Sylvester's law the signs of the
    pivots of K - shift M tell how many eigenvalues lie below the shift, so that none is missed.

    Args:
        stiffness: K, symmetric and positive semidefinite, ``(n, n)``.
        mass: M, symmetric and positive definite, ``(n, n)``.
        first: A guess of the tenth or so eigenvalue; a wrong one costs time.
        kept: Asked for each slice by its number, with a function that computes it; by default all are computed.

    Attributes:
        values: Eigenvalues so far, ascending, shape ``(m,)``.
        vectors: Eigenvectors, orthonormal in M, shape ``(n, m)``.

    Source:
        Grimes, Lewis, Simon (1994), A shifted block Lanczos algorithm for solving sparse symmetric generalized eigenproblems,
        SIAM J. Matrix Anal. Appl. 15, 228-272.
    """

    def __init__(
        self,
        stiffness: csc_array,
        mass: csc_array,
        *,
        first: float,
        kept: Callable[[int, Callable[[], Slice]], Slice] = lambda _, compute: compute(),
    ) -> None:
        self._stiffness, self._mass, self._kept, self._number = stiffness, mass, kept, 0
        n = mass.diagonal().size
        self.values, self.vectors = np.empty(0), np.empty((n, 0))
        self._start = np.linspace(1, 2, n)  # by default it is random
        self._edge = self._sure = -np.finfo(float).eps  # nothing lies below; how far the spectrum is known, and known for sure
        self._width = first
        self._size = min(_SLICE, n - 1)

    def extend(self) -> None:
        """Take the next slice."""
        found = self._kept(self._number, self._next)
        self.values = np.append(self.values[: found.kept], found.values)
        self.vectors = np.concatenate([self.vectors[:, : found.kept], found.vectors], axis=1)
        self._edge, self._sure, self._width, self._size = found.edge, found.sure, found.width, found.size
        self._number += 1

    def _next(self) -> Slice:
        """Find the next slice."""
        known, edge, width, size = len(self.values), self._edge, self._width, self._size
        while True:
            shift = edge + width
            shifted = self._stiffness - shift * self._mass
            below = int(np.count_nonzero(factorized(shifted).U.diagonal() < 0))
            values, vectors = self._about(shift, size, factorized(shifted, pivoting=_PIVOTING))
            if np.abs(values - shift).min() < _CLEAR * width:
                width *= 0.9
                continue
            new = values > edge
            if known + np.count_nonzero(values[new] < shift) != below:  # too wide, or one was missed further down
                known = int(np.count_nonzero(self.values[:known] < self._sure))
                edge, width = self._sure, width / 2
                continue
            end = _last_gap(values, shift)
            if end is None:  # all that was found above the shift is one eigenvalue
                size = min(2 * size, len(self._start) - 1)
                continue
            new &= values < end
            width = (end - edge) * _BELOW * size / max(1, np.count_nonzero(new))
            return Slice(known, values[new], vectors[:, new], edge=end, sure=shift, width=width, size=size)

    def _about(self, shift: float, size: int, factors: SuperLU) -> tuple[np.ndarray, np.ndarray]:
        """The eigenvalues nearest to a shift, ascending, and their vectors."""
        inverse = LinearOperator(self._stiffness.shape, factors.solve)  # pyright: ignore[reportCallIssue]
        options: dict[str, Any] = {"sigma": shift, "OPinv": inverse, "v0": self._start, "tol": _TOLERANCE}
        values, vectors = eigsh(self._stiffness, size, M=self._mass, **options)
        order = np.argsort(values)
        return values[order], vectors[:, order]


def factorized(matrix: csc_array, *, pivoting: float = 0.0) -> SuperLU:
    """L U of a symmetric matrix; without pivoting the signs of the diagonal of ``U`` are those of the eigenvalues."""
    # Symmetric mode prefers pivots on the diagonal, and orders by A + A^T.
    return splu(csc_array(matrix), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=pivoting, options={"SymmetricMode": True})


def _last_gap(values: np.ndarray, shift: float) -> float | None:
    """The middle of the last gap above the shift that parts two different eigenvalues; None if there is none."""
    upper = values[values > shift]
    gaps = np.flatnonzero(np.diff(upper) > 2 * SAME * upper[1:])
    return float(upper[gaps[-1] : gaps[-1] + 2].mean()) if len(gaps) else None


def multiplets(values: np.ndarray) -> np.ndarray:
    """Where each different eigenvalue starts among ascending ones, of which neighbours closer than `SAME` count as one."""
    return np.flatnonzero(np.diff(values, prepend=-np.inf) > SAME * np.abs(values))
