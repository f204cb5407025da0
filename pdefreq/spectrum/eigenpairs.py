"""The lowest eigenvalues of a large sparse symmetric matrix pencil, by spectrum slicing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from scipy.sparse import csc_array
from scipy.sparse.linalg import LinearOperator, SuperLU, eigsh, splu

SAME = 1e-4  # relative difference below which eigenvalues count as one multiple eigenvalue
_SLICE = 48  # number of eigenvalues per shift, a compromise between the cost of eigenvalues and of factorizations
_TOLERANCE = 1e-10  # relative accuracy of eigenvectors; that of eigenvalues is its square
_CLEAR = (
    1e-4  # smallest distance of an eigenvalue from the shift, relative to a slice, which limits rounding errors of the others
)
_PIVOTING = 0.1  # smallest pivot relative to its column, since the shifted matrix is not definite
_BELOW = 0.4  # fraction of these eigenvalues that is expected below the shift


@dataclass(frozen=True)
class Slice:
    """The eigenvalues of one slice, and the start of the next one.

    Args:
        kept: Number of previous eigenvalues that remain valid.
        values: New eigenvalues, ascending, shape ``(m,)``.
        vectors: Their eigenvectors, shape ``(n, m)``.
        edge: Upper end of the known spectrum.
        sure: Upper end of the spectrum that is verified by inertia counts.
        width: Distance of the next shift from the edge.
        size: Number of eigenvalues to compute near it.
    """

    kept: int
    values: np.ndarray
    vectors: np.ndarray
    edge: float
    sure: float
    width: float
    size: int

    def arrays(self) -> dict[str, np.ndarray]:
        """The slice as arrays by name."""
        return {name: np.asarray(value) for name, value in asdict(self).items()}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray], n: int) -> Self | None:
        """The inverse of `arrays`; None if they are not a slice of eigenvectors of length n."""
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
    """K v = lambda M v, solved from the lowest eigenvalue upward on request; multiple eigenvalues are never split.

    The spectrum is divided into slices, each of which is computed by Lanczos iteration near a shift. By Sylvester's law the signs
    of the pivots of K - shift M count the eigenvalues below the shift, so that none is missed.

    Args:
        stiffness: K, symmetric and positive semidefinite, ``(n, n)``.
        mass: M, symmetric and positive definite, ``(n, n)``.
        first: An estimate of about the tenth eigenvalue, which affects the cost only.
        kept: A cache: a function of the number of a slice and of the function that computes it; by default there is no cache.

    Attributes:
        values: Eigenvalues computed so far, ascending, shape ``(m,)``.
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
        self._start = np.linspace(1, 2, n)  # the default is random
        self._edge = self._sure = -np.finfo(
            float
        ).eps  # no eigenvalue is smaller; the ends of the known and of the verified spectrum
        self._width = first
        self._size = min(_SLICE, n - 1)

    def extend(self) -> None:
        """Add the next slice."""
        found = self._kept(self._number, self._next)
        self.values = np.append(self.values[: found.kept], found.values)
        self.vectors = np.concatenate([self.vectors[:, : found.kept], found.vectors], axis=1)
        self._edge, self._sure, self._width, self._size = found.edge, found.sure, found.width, found.size
        self._number += 1

    def _next(self) -> Slice:
        """Compute the next slice."""
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
            if known + np.count_nonzero(values[new] < shift) != below:  # the slice is too wide, or an eigenvalue below was missed
                known = int(np.count_nonzero(self.values[:known] < self._sure))
                edge, width = self._sure, width / 2
                continue
            end = _last_gap(values, shift)
            if end is None:  # all eigenvalues above the shift are one multiple eigenvalue
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
    # Symmetric mode prefers diagonal pivots, and orders by A + A^T.
    return splu(csc_array(matrix), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=pivoting, options={"SymmetricMode": True})


def _last_gap(values: np.ndarray, shift: float) -> float | None:
    """The middle of the last gap between two different eigenvalues above the shift; None if there is none."""
    upper = values[values > shift]
    gaps = np.flatnonzero(np.diff(upper) > 2 * SAME * upper[1:])
    return float(upper[gaps[-1] : gaps[-1] + 2].mean()) if len(gaps) else None


def multiplets(values: np.ndarray) -> np.ndarray:
    """The first index of each different eigenvalue in ascending order, where neighbors closer than `SAME` count as one."""
    return np.flatnonzero(np.diff(values, prepend=-np.inf) > SAME * np.abs(values))
