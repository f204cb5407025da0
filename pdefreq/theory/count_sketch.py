"""Count sketches: random matrices with a few nonzero entries in each column, which reduce the number of rows of a matrix."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

_HASHES = 4  # nonzero entries in each column of a count sketch


def count_sketch(matrix: Tensor, rows: int, stream: torch.Generator, out: Tensor | None = None) -> Tensor:
    """The product of C and a matrix ``(n, ...)``: each row is added with random signs to `_HASHES` new rows; E C^T C = 1.

    The columns of C are independent. The sketch of a matrix is therefore the sum of sketches of its blocks of rows.

    Args:
        matrix: The matrix.
        rows: The number of rows of C.
        stream: The random numbers.
        out: A tensor ``(rows, ...)`` to which the product is added.

    Source:
        Clarkson and Woodruff (2013), Low rank approximation and regression in input sparsity time, arXiv 1207.6365.
    """
    out = matrix.new_zeros(rows, *matrix.shape[1:]) if out is None else out
    for _ in range(_HASHES):
        target = torch.randint(rows, (len(matrix),), generator=stream).to(matrix.device)
        sign = (2.0 * torch.randint(2, (len(matrix),), generator=stream) - 1).to(matrix) / math.sqrt(_HASHES)
        out.index_add_(0, target, matrix * sign.reshape(-1, *[1] * (matrix.ndim - 1)))
    return out
