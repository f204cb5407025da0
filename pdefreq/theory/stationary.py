"""Errors of a stationary linear iteration at any step, from the matrix of one step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


def propagate(matrix: Tensor, start: Tensor, steps: Tensor) -> Tensor:
    """The error M^t e(0) after each number of steps, by repeated squaring: as many products as the last number has digits.

    Rounding is of the size of the slowest part of the error, as in the iteration itself.

    Args:
        matrix: M, what one step does to an error, shape ``(n, n)``.
        start: e(0), shape ``(n,)``.
        steps: Whole numbers, ascending, from 0 on, shape ``(T,)``.

    Returns:
        Errors, shape ``(T, n)``.

    Example:
        >>> half = torch.tensor([[0.5]], dtype=torch.float64)
        >>> propagate(half, torch.ones(1, dtype=torch.float64), torch.tensor([0, 1, 5])).flatten().tolist()
        [1.0, 0.5, 0.03125]
    """
    powers, error, now, errors = [matrix], start, 0, []
    for step in steps.tolist():
        left, digit = int(step) - now, 0
        while left:
            if digit == len(powers):
                powers.append(powers[-1] @ powers[-1])
            error = powers[digit] @ error if left & 1 else error
            left, digit = left >> 1, digit + 1
        now = int(step)
        errors.append(error)
    return torch.stack(errors)
