"""The certificate of a Gauss-Newton step: a bound of every mode of the residual after it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor


@dataclass(frozen=True)
class Certificate:
    """The terms of ``|v_k . r+| <= q_k |r| + |r(c + d) - r - F d|`` for m modes v_k of unit length.

    Args:
        damped: q_k = |lambda (K + lambda)^-1 v_k|, the part of mode k that a step of a linear model leaves at most, ``(m,)``.
        remainder: |r(c + d) - r - F d| / |r|, zero for linear models.
        residual: |v_k . r+| / |r|, ``(m,)``.
    """

    damped: Tensor
    remainder: float
    residual: Tensor

    @classmethod
    def of(cls, left: Tensor, modes: Tensor, before: Tensor, linear: Tensor, after: Tensor) -> Certificate:
        """The certificate of a step.

        Args:
            left: lambda (K + lambda)^-1 v_k as columns, ``(n, m)``, see `damped_least_squares`.
            modes: v_k as columns of unit length, ``(n, m)``.
            before: r(c), ``(n,)``.
            linear: r + F d, ``(n,)``.
            after: r(c + d), ``(n,)``.
        """
        size = float(before.norm()) or 1.0
        return cls(left.norm(dim=0), float((after - linear).norm()) / size, (modes.T @ after).abs() / size)

    @property
    def holds(self) -> bool:
        """Whether the inequality holds for every mode, up to rounding."""
        return bool((self.residual <= self.damped + self.remainder + _ROUNDING).all())

    def columns(self) -> dict[str, np.ndarray | float]:
        """Columns of a history: ``certificate_damped``, ``certificate_residual`` and ``certificate_remainder``."""
        return {
            "certificate_damped": self.damped.numpy(force=True),
            "certificate_residual": self.residual.numpy(force=True),
            "certificate_remainder": self.remainder,
        }


_ROUNDING = 1e-10  # relative to |r|


def damped_least_squares(factor: Tensor, damping: float, right: Tensor) -> tuple[Tensor, Tensor]:
    """The x that minimize ``|F x - v|^2 + lambda |x|^2`` for vectors v, and what they leave, v - F x = lambda (K + lambda)^-1 v.

    With K = F F^T. Since lambda (K + lambda)^-1 is symmetric, its product with r has the component
    ``(lambda (K + lambda)^-1 v) . r`` along v, which is at most q |r|. The problems are solved by Householder reflections, since
    normal equations would square the condition.

    Args:
        factor: F, ``(n, P)``.
        damping: lambda > 0.
        right: The vectors v as columns, ``(n, k)``.

    Returns:
        x, ``(P, k)``, and the rest, ``(n, k)``.
    """
    count = factor.shape[1]
    below = math.sqrt(damping) * torch.eye(count, dtype=factor.dtype, device=factor.device)
    zeros = right.new_zeros(count, right.shape[1])
    x = torch.linalg.lstsq(torch.cat([factor, below]), torch.cat([right, zeros]), driver="gels").solution
    return x, right - factor @ x
