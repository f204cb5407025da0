"""The level below which eigenvalues and singular values are rounding errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


def rounding_level(values: Tensor, size: int) -> Tensor:
    """The largest value times n eps, a scalar: the error of a zero eigenvalue in backward stable algorithms.

    Args:
        values: Eigenvalues of a positive semi-definite matrix, or singular values, shape ``(k,)``, k >= 1, in any order.
        size: n, the larger side of the matrix.

    Source:
        The default of ``numpy.linalg.matrix_rank``, and its references.
    """
    return size * torch.finfo(values.dtype).eps * values.max()


def above_rounding(values: Tensor, size: int) -> Tensor:
    """Whether each value lies above `rounding_level`, shape ``(k,)``; the vectors of the other values are noise."""
    return values > rounding_level(values, size)
