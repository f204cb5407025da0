"""Least squares over redundant families of functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

_BLOCK = 32  # columns that are eliminated together in a triangle
RIDGE = 1e-15
"""The weight of the coefficients, relative to columns of unit length, in float64. It is 4.5 times the rounding error."""


def least_ridge(dtype: torch.dtype, ridge: float = RIDGE) -> float:
    """A weight of the coefficients for float64, as the same multiple of the rounding error of another type."""
    return ridge * max(1.0, torch.finfo(dtype).eps / torch.finfo(torch.float64).eps)


def ridge_least_squares(matrix: Tensor, data: Tensor, ridge: float = RIDGE) -> Tensor:
    """The c that minimizes ``|A c - y|^2 + ridge^2 |D c|^2``, with the diagonal matrix D of the lengths of the columns of A.

    It is computed by Householder reflections of ``A D^-1`` with ``ridge I`` below it. Redundant families have columns that are
    linearly dependent up to rounding; the ridge bounds the coefficients. Normal equations would square the condition number, and
    the default driver of PyTorch for the CPU, ``gelsy``, returned errors of 1e-3 to 1e-10 where this driver gives 1e-14.

    Args:
        matrix: A, ``(n, m)``. It is scaled in place, to save memory.
        data: y, ``(n,)``, or several of them as columns, ``(n, k)``.
        ridge: The weight of the coefficients, at least `least_ridge`.

    Returns:
        The coefficients, ``(m,)`` or ``(m, k)``.

    Source:
        Adcock and Huybrechs (2019), Frames and numerical approximation, SIAM Review 61: the regularized problem is accurate up to
        ``ridge |D c|`` for any bounded representation c of the solution.
    """
    return RidgeFactorization(matrix, ridge).solve(data)[0]


class RidgeFactorization:
    """The factorization of `ridge_least_squares`, for data that are given one after the other.

    Args:
        matrix: A, ``(n, m)``, which is scaled in place to save memory, or a function that returns it. A matrix from a function is
            freed as soon as it is factorized.
        ridge: The weight of the coefficients, at least `least_ridge`: a smaller one is hidden by rounding errors of the factor.
    """

    def __init__(self, matrix: Tensor | Callable[[], Tensor], ridge: float = RIDGE) -> None:
        from scipy.linalg import get_lapack_funcs

        matrix = matrix() if callable(matrix) else matrix
        lengths = torch.linalg.vector_norm(matrix, dim=0)
        self._lengths = torch.where(lengths > 0, lengths, 1.0)
        matrix /= self._lengths
        self.ridge = max(ridge, least_ridge(matrix.dtype))
        self._reflections, self._factors = torch.geqrf(matrix)
        # The ridge is appended to the triangular factor. The zeros of two triangles save a quarter of the operations.
        count, self._rank = matrix.shape[1], min(matrix.shape)
        upper = np.zeros((count, count), dtype=matrix.new_zeros(0).cpu().numpy().dtype, order="F")
        del matrix
        upper[: self._rank] = self._reflections[: self._rank].triu().cpu().numpy()
        below = np.zeros_like(upper)
        np.fill_diagonal(below, self.ridge)
        factorize, self._turn = get_lapack_funcs(("tpqrt", "tpmqrt"), (upper,))
        upper, self._below, self._blocks, _ = factorize(count, min(_BLOCK, count), upper, below, overwrite_a=1, overwrite_b=1)
        self._triangle = torch.from_numpy(upper)

    @property
    def largest(self) -> float:
        """The largest length of a column of A."""
        return float(self._lengths.max())

    @property
    def weights(self) -> Tensor:
        """The diagonal of the matrix D of the lengths of the columns, ``(m,)``; 1 for columns of zeros."""
        return self._lengths

    def leading(self, data: Tensor, counts: Sequence[int]) -> list[Tensor]:
        """The coefficients for data y, ``(n,)``, of the first columns of A alone, one item ``(k,)`` for each number k of columns.

        The leading block of the triangular factor is that of these columns, with their ridge.
        """
        turned = torch.ormqr(self._reflections, self._factors, data[:, None], transpose=True)
        top = np.zeros((len(self._lengths), 1), dtype=self._below.dtype, order="F")
        top[: self._rank] = turned[: self._rank].cpu()
        top, _ = self._turned(top, np.zeros_like(top), "T")
        load = torch.from_numpy(top).to(self._lengths)
        return [self.unwhitened(load[:k])[:, 0] for k in counts]

    def solve(self, data: Tensor) -> tuple[Tensor, Tensor]:
        """The coefficients for data y, ``(n,)`` or ``(n, k)``, and what they leave of them, y - A c, of the same shape."""
        columns, count, rank = data.reshape(len(data), -1), len(self._lengths), self._rank
        turned = torch.ormqr(self._reflections, self._factors, columns, transpose=True)
        top = np.zeros((count, columns.shape[1]), dtype=self._below.dtype, order="F")
        top[:rank] = turned[:rank].cpu()
        top, rest = self._turned(top, np.zeros_like(top), "T")
        coefficients = self.unwhitened(torch.from_numpy(top).to(self._lengths))
        top, _ = self._turned(np.zeros_like(top), rest, "N")
        turned[:rank] = torch.from_numpy(top[:rank]).to(turned)
        left = torch.ormqr(self._reflections, self._factors, turned)
        return coefficients.reshape(count, *data.shape[1:]), left.reshape(data.shape)

    def inexactness(self, coefficients: Tensor, left: Tensor) -> float:
        """The norm of A (c - c*) for the coefficients c of `solve` and the minimizer c*: zero up to rounding."""
        return 0.0

    def normal(self, gradient: Tensor) -> Tensor:
        """The c with ``(A^T A + ridge^2 D^2) c = g``, for g ``(m,)``, from the triangular factor without the product A^T A."""
        return self.unwhitened(self.whitened(gradient[:, None]))[:, 0]

    def whitened(self, gradients: Tensor) -> Tensor:
        """T^-T D^-1 g for columns g, ``(m, k)``, with the triangular factor T: T^T T = D^-1 A^T A D^-1 + ridge^2."""
        scaled = (gradients / self._lengths[:, None]).cpu()
        return torch.linalg.solve_triangular(self._triangle.T, scaled, upper=False).to(self._lengths)

    def unwhitened(self, columns: Tensor) -> Tensor:
        """D^-1 T^-1 z for columns z, ``(m, k)``, or with the leading blocks of T and D for columns of fewer numbers."""
        count = len(columns)
        found = torch.linalg.solve_triangular(self._triangle[:count, :count], columns.cpu(), upper=True)
        return found.to(self._lengths) / self._lengths[:count, None]

    def _turned(self, top: np.ndarray, rest: np.ndarray, trans: str) -> tuple[np.ndarray, np.ndarray]:
        """The orthogonal matrix of the second factorization, or its transpose, times columns."""
        top, rest, _ = self._turn(len(top), self._below, self._blocks, top, rest, trans=trans)
        return top, rest
