"""The sharpness of an objective: the largest eigenvalue of its Gauss-Newton matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

_ROUNDS, _TOLERANCE = 300, 1e-4


def largest_eigenvalue(factor: Tensor) -> float:
    """The largest eigenvalue of F F^T by power iteration, for a factor F of shape ``(rows, P)``; a lower bound."""
    v = torch.ones(factor.shape[0], dtype=factor.dtype) + 0.1 * torch.arange(factor.shape[0], dtype=factor.dtype).sin()
    found = 0.0
    for _ in range(_ROUNDS):
        v = factor @ (factor.T @ v)
        before, found = found, float(v.norm())
        if not found:
            return 0.0
        v /= found
        if abs(found - before) < _TOLERANCE * found:
            break
    return found
