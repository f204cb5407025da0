"""Least squares over redundant families of functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

_BLOCK = 32  # columns that are eliminated together in a triangle
RIDGE = 1e-15
"""The weight of the coefficients, relative to columns of unit length."""


def ridge_least_squares(matrix: Tensor, data: Tensor, ridge: float = RIDGE) -> Tensor:
    """The c that minimizes ``|A c - y|^2 + ridge^2 |D c|^2``, with the diagonal matrix D of the lengths of the columns of A.

    It is computed by Householder reflections of ``A D^-1`` with ``ridge I`` below it. Redundant families have columns that are
    linearly dependent up to rounding; the ridge bounds the coefficients. Normal equations would square the condition number, and
    the default driver of PyTorch for the CPU, ``gelsy``, returned errors of 1e-3 to 1e-10 where this driver gives 1e-14.

    Args:
        matrix: A, ``(n, m)``. It is scaled in place, to save memory.
        data: y, ``(n,)``, or several of them as columns, ``(n, k)``.
        ridge: The weight of the coefficients.

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
        matrix: A, ``(n, m)``. It is scaled in place, to save memory.
        ridge: The weight of the coefficients.
    """

    def __init__(self, matrix: Tensor, ridge: float = RIDGE) -> None:
        from scipy.linalg import get_lapack_funcs

        lengths = torch.linalg.vector_norm(matrix, dim=0)
        self._lengths = torch.where(lengths > 0, lengths, 1.0)
        matrix /= self._lengths
        self._reflections, self._factors = torch.geqrf(matrix)
        # The ridge is appended to the triangular factor. The zeros of two triangles save a quarter of the operations.
        count = matrix.shape[1]
        self._rank = min(matrix.shape)
        upper = torch.zeros(count, count, dtype=matrix.dtype)
        upper[: self._rank] = self._reflections[: self._rank].triu().cpu()
        upper, below = np.asfortranarray(upper.numpy()), np.asfortranarray(ridge * np.eye(count, dtype=upper.numpy().dtype))
        factorize, self._turn = get_lapack_funcs(("tpqrt", "tpmqrt"), (upper,))
        self._upper, self._below, self._blocks, _ = factorize(count, min(_BLOCK, count), upper, below)

    @property
    def largest(self) -> float:
        """The largest length of a column of A."""
        return float(self._lengths.max())

    def leading(self, data: Tensor, counts: Sequence[int]) -> list[Tensor]:
        """The coefficients for data y, ``(n,)``, of the first columns of A alone, one item ``(k,)`` for each number k of columns.

        The leading block of the triangular factor is that of these columns, with their ridge.
        """
        turned = torch.ormqr(self._reflections, self._factors, data[:, None], transpose=True)
        top = np.zeros((len(self._lengths), 1), dtype=self._upper.dtype, order="F")
        top[: self._rank] = turned[: self._rank].cpu()
        top, _ = self._turned(top, np.zeros_like(top), "T")
        upper, load = torch.from_numpy(self._upper).triu(), torch.from_numpy(top)
        found = [torch.linalg.solve_triangular(upper[:k, :k], load[:k], upper=True)[:, 0] for k in counts]
        return [each.to(self._lengths) / self._lengths[: len(each)] for each in found]

    def solve(self, data: Tensor) -> tuple[Tensor, Tensor]:
        """The coefficients for data y, ``(n,)`` or ``(n, k)``, and what they leave of them, y - A c, of the same shape."""
        columns, count, rank = data.reshape(len(data), -1), len(self._lengths), self._rank
        turned = torch.ormqr(self._reflections, self._factors, columns, transpose=True)
        top = np.zeros((count, columns.shape[1]), dtype=self._upper.dtype, order="F")
        top[:rank] = turned[:rank].cpu()
        top, rest = self._turned(top, np.zeros_like(top), "T")
        scaled = torch.linalg.solve_triangular(torch.from_numpy(self._upper).triu(), torch.from_numpy(top), upper=True)
        top, _ = self._turned(np.zeros_like(top), rest, "N")
        turned[:rank] = torch.from_numpy(top[:rank]).to(turned)
        left = torch.ormqr(self._reflections, self._factors, turned)
        coefficients = scaled.to(self._lengths) / self._lengths[:, None]
        return coefficients.reshape(count, *data.shape[1:]), left.reshape(data.shape)

    def normal(self, gradient: Tensor) -> Tensor:
        """The c with ``(A^T A + ridge^2 D^2) c = g``, for g ``(m,)``, from the triangular factor without the product A^T A."""
        upper, load = torch.from_numpy(self._upper).triu(), (gradient / self._lengths).cpu()[:, None]
        half = torch.linalg.solve_triangular(upper.T, load, upper=False)
        return torch.linalg.solve_triangular(upper, half, upper=True)[:, 0].to(self._lengths) / self._lengths

    def _turned(self, top: np.ndarray, rest: np.ndarray, trans: str) -> tuple[np.ndarray, np.ndarray]:
        """The orthogonal matrix of the second factorization, or its transpose, times columns."""
        top, rest, _ = self._turn(len(top), self._below, self._blocks, top, rest, trans=trans)
        return top, rest
