"""The Levenberg-Marquardt method with a schedule of dampings: g_t = prod_(i < t) lambda_i / (kappa + lambda_i)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from pdefreq.theory.dynamics import SpectralFilter

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class DampingScheduleFilter(SpectralFilter):
    """Gauss-Newton steps with the dampings lambda_0, lambda_1, ..., of which the last one is kept.

    Args:
        dampings: lambda_i > 0, at least one.

    Source:
        Hanke (1997), A regularizing Levenberg-Marquardt scheme, Inverse Problems 13, for the products of filter functions.
    """

    dampings: tuple[float, ...]

    def log_residual_polynomial(self, kappa: Tensor) -> Tensor:
        return -torch.log1p(kappa / self.dampings[-1])

    def slope(self, kappa: Tensor) -> Tensor:
        return 1 / (kappa + self.dampings[0])

    def filter_function(self, kappa: Tensor, steps: Tensor) -> Tensor:
        gone = -torch.expm1(self._log_residual_polynomial(kappa, steps))
        free = self._sum_over(1 / self._column(kappa), steps)
        return torch.where(kappa > 0, gone / kappa.where(kappa > 0, 1), free)

    def _log_residual_polynomial(self, kappa: Tensor, steps: Tensor) -> Tensor:
        return self._sum_over(-torch.log1p(kappa / self._column(kappa)), steps)

    def _column(self, kappa: Tensor) -> Tensor:
        return kappa.new_tensor(self.dampings)[:, None]

    def _sum_over(self, terms: Tensor, steps: Tensor) -> Tensor:
        """Sums of the first t rows for each t of `steps`, with the last row repeated, shape ``(len(steps), k)``."""
        sums = torch.cat([torch.zeros_like(terms[:1]), terms.cumsum(dim=0)])
        inside = steps.to(torch.int64).clamp(max=len(terms))
        beyond = (steps.to(terms) - inside).clamp(min=0)
        return sums[inside] + beyond[:, None] * terms[-1]


def ideal_dampings(first: float, factor: float, least: float) -> tuple[float, ...]:
    """The dampings of steps that all decrease the objective as the model predicts: each is the previous one times a factor.

    Args:
        first: lambda_0 > 0.
        factor: The factor, in (0, 1).
        least: The smallest damping that has an effect, which the schedule keeps.
    """
    found = [first]
    while found[-1] > least:
        found.append(max(least, factor * found[-1]))
    return tuple(found)
