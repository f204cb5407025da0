"""Least squares with a small ridge, for matrices whose columns are nearly dependent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

RIDGE = 1e-15
"""The ridge relative to columns of unit length."""


def ridge_least_squares(matrix: Tensor, right: Tensor, ridge: float = RIDGE) -> Tensor:
    """The minimizer c of ``|A c - y|^2 + ridge^2 |D c|^2``, where D are the lengths of the columns of A, shape ``(P,)``.

    It is computed by a Householder QR factorization of A D^-1 above ridge times the identity. Normal equations would lose half of
    the digits, and rank-revealing factorizations cut off directions that the solution needs.

    Args:
        matrix: A, shape ``(rows, P)``.
        right: y, shape ``(rows,)``.
        ridge: The ridge.

    Source:
        Adcock, Huybrechs (2019), Frames and numerical approximation, SIAM Rev. 61: the error of regularized least squares in
        redundant families is the error of the best approximation with moderate coefficients.
    """
    size = matrix.norm(dim=0)
    size = torch.where(size > 0, size, 1.0)
    columns = matrix.shape[1]
    stacked = matrix.new_zeros(len(matrix) + columns, columns)
    torch.div(matrix, size, out=stacked[: len(matrix)])
    stacked[len(matrix) :].diagonal().fill_(ridge)
    values = torch.cat([right, right.new_zeros(columns)])
    return torch.linalg.lstsq(stacked, values[:, None], driver="gels").solution[:, 0] / size
