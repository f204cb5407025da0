"""Minimum-norm interpolation by waves: the interpolant of the data with the smallest sum_j |c_j|^2 / gamma_j^2.

Models of training in the linear regime reduce to this problem: frequencies with a small gamma_j are learned slowly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from pdefreq.core.errors import OptionError

if TYPE_CHECKING:
    from torch import Tensor

_ENTRIES = 2**24  # largest number of waves times points that are evaluated at once


def half_space_wavevectors(dimension: int, spacing: float, cutoff: int) -> Tensor:
    """Half of the grid of wavevectors ``spacing * j``, |j_a| <= cutoff: one of each pair xi and -xi, zero first.

    Args:
        dimension: d.
        spacing: The distance of adjacent wavenumbers, angular.
        cutoff: The largest integer.

    Returns:
        Shape ``(((2 cutoff + 1)^d + 1) / 2, d)``, float64.

    Example:
        >>> half_space_wavevectors(1, 0.5, 3).flatten().tolist()
        [0.0, 0.5, 1.0, 1.5]
    """
    integers = torch.arange(-cutoff, cutoff + 1, dtype=torch.float64)
    grid = torch.cartesian_prod(*[integers] * dimension).reshape(-1, dimension)
    return spacing * grid[len(grid) // 2 :]  # in lexicographic order -j lies as far before zero as j behind it


@dataclass(frozen=True)
class FourierKernel:
    """K(x, x') = sum_j gamma_j^2 cos(xi_j . (x - x')): the kernel of the waves cos and sin, each weighted by gamma_j.

    The zero wavevector contributes the constant function only.

    Args:
        wavevectors: Angular, one of each pair of opposites, shape ``(M, d)``.
        weights: gamma_j^2, shape ``(M,)``.
    """

    wavevectors: Tensor
    weights: Tensor

    def __call__(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """K between points ``(n, d)`` and ``(n', d)``, shape ``(n, n')``; `y` defaults to `x`."""
        right = self._waves(x if y is None else y)
        parts = x.split(max(1, _ENTRIES // right.shape[1]))  # the waves at all points of a picture may exceed the memory
        return torch.cat([self._waves(part) @ right.T for part in parts])

    def fit(self, x: Tensor, y: Tensor, ridge: float = 0.0) -> FourierFit:
        """The minimizer of |h(x) - y|^2 + ridge sum_j |c_j|^2 / gamma_j^2, or the minimum-norm interpolant for ridge = 0.

        The unknowns are the n multipliers of the data, not the 2 M amplitudes: (K + ridge) lambda = y, and
        c = gamma^2 (waves at x)^T lambda.

        Args:
            x: Points ``(n, d)``.
            y: Values ``(n,)``.
            ridge: epsilon >= 0.

        Raises:
            OptionError: If ridge = 0 and two points coincide, or there are more points than waves.
        """
        matrix = self(x) + ridge * torch.eye(len(x)).to(x)
        factor, failed = torch.linalg.cholesky_ex(matrix)
        pivots = factor.diagonal().square()
        if failed or pivots.min() <= len(x) * torch.finfo(x.dtype).eps * matrix.diagonal().max():
            raise OptionError(
                f"the waves of this model cannot distinguish {len(x)} points: leave out points that coincide, or use more "
                "waves or a larger ridge"
            )
        return FourierFit(self, x, torch.cholesky_solve(y[:, None], factor)[:, 0])

    def _waves(self, x: Tensor) -> Tensor:
        """Weighted waves at points, shape ``(n, 2 M)``."""
        phase = x @ self.wavevectors.to(x).T
        return torch.cat([phase.cos(), phase.sin()], dim=1) * self.weights.to(x).sqrt().repeat(2)


@dataclass(frozen=True)
class FourierFit:
    """The fitted function h(x) = K(x, X) lambda.

    Args:
        kernel: The waves and their weights.
        data: X, shape ``(n, d)``.
        multipliers: lambda, shape ``(n,)``.
    """

    kernel: FourierKernel
    data: Tensor
    multipliers: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        """Values at points ``(n, d)``, shape ``(n,)``."""
        return self.kernel(x, self.data) @ self.multipliers

    def amplitudes(self) -> Tensor:
        """Complex c_j with h = Re sum_j c_j exp(i xi_j . x), shape ``(M,)``."""
        phase = self.data @ self.kernel.wavevectors.to(self.data).T
        return self.kernel.weights.to(self.data) * (torch.exp(-1j * phase) * self.multipliers[:, None]).sum(dim=0)
