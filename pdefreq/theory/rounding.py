"""Which eigenvalues and singular values are numbers, and which are rounding errors of larger ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


def rounding_level(values: Tensor, size: int) -> Tensor:
    """The largest value times n eps, a scalar: what backward stable algorithms leave of a zero.

    Args:
        values: Eigenvalues of a positive semi-definite matrix, or singular values, shape ``(k,)``, k >= 1, in any order.
        size: n, the larger side of the matrix.

    Source:
        The default of ``numpy.linalg.matrix_rank``, and its references.
    """
    return size * torch.finfo(values.dtype).eps * values.max()


def above_rounding(values: Tensor, size: int) -> Tensor:
    """Where a value lies above `rounding_level`, shape ``(k,)``; vectors that belong to the others are noise."""
    return values > rounding_level(values, size)
