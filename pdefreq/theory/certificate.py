"""The certificate of a Gauss-Newton step, which is a bound on every mode of the residual after the step."""

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
        damped: q_k = |lambda (K + lambda)^-1 v_k|, ``(m,)``. For a linear model q_k |r| bounds mode k after the step.
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
    """The minimizers x of ``|F x - v|^2 + lambda |x|^2`` for vectors v, and the remainders v - F x.

    With K = F F^T the remainder is lambda (K + lambda)^-1 v. Since this matrix is symmetric, its product with r has the component
    ``(lambda (K + lambda)^-1 v) . r`` along v, which is at most q |r|. The problems are solved by Householder reflections,
    because normal equations would square the condition number. Since x is in the range of F^T, a basis Q of it with F^T = Q R
    leaves min(n, P) unknowns, and the cost is linear in the larger of n and P.

    Args:
        factor: F, ``(n, P)``.
        damping: lambda > 0.
        right: The vectors v as columns, ``(n, k)``.

    Returns:
        The minimizers, ``(P, k)``, and the remainders, ``(n, k)``.
    """
    q, r = torch.linalg.qr(factor.T)
    below = math.sqrt(damping) * torch.eye(len(r), dtype=factor.dtype, device=factor.device)
    zeros = right.new_zeros(len(r), right.shape[1])
    y = torch.linalg.lstsq(torch.cat([r.T, below]), torch.cat([right, zeros]), driver="gels").solution
    x = q @ y
    return x, right - factor @ x
