"""Exact convergence of Jacobi relaxation: finite differences on a box, one factor for each sine mode.

For -a Laplace(u) + c u on a uniform grid of a box with Dirichlet data, sine modes are eigenvectors of the matrix and,
its diagonal being constant, of the iteration too: the algebraic error of mode k is multiplied by one number a sweep.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from torch import Tensor


def relaxation_factor(
    indices: Tensor | ArrayLike,
    intervals: Sequence[int],
    lengths: Sequence[float],
    *,
    diffusion: float = 1.0,
    reaction: float = 0.0,
    omega: float = 1.0,
) -> Tensor:
    r"""What a sweep of damped Jacobi multiplies the error of each sine mode by.

    With w_a = diffusion / h_a^2 and D = 2 sum_a w_a + reaction, the diagonal of the matrix,

        factor = 1 - omega + omega (2 sum_a w_a cos(k_a pi / n_a)) / D,

    which on an interval without reaction is 1 - 2 omega sin^2(k pi / 2n), and cos(k pi / n) for omega = 1.

    Args:
        indices: Mode numbers, shape ``(m, d)``.
        intervals: Intervals of the grid along each axis.
        lengths: Side lengths of the box.
        diffusion: The constant a > 0.
        reaction: The constant c >= 0.
        omega: Damping factor; 1 is plain Jacobi.

    Returns:
        Factors ``(m,)``, float64; nan for a mode that the grid doesn't carry (not 1 <= k < n).

    Source:
        Saad (2003), Iterative Methods for Sparse Linear Systems, section 13.2.

    Example:
        >>> relaxation_factor([[1], [2], [3]], [4], [1.0]).numpy().round(4).tolist()
        [0.7071, 0.0, -0.7071]
    """
    return 1 - _reduction(indices, intervals, lengths, diffusion, reaction, omega)


def relaxation_rate(
    indices: Tensor | ArrayLike,
    intervals: Sequence[int],
    lengths: Sequence[float],
    *,
    diffusion: float = 1.0,
    reaction: float = 0.0,
    omega: float = 1.0,
) -> Tensor:
    """Decay -log |factor| a sweep, shape ``(m,)``; negative where the mode grows. Arguments as `relaxation_factor`'s."""
    reduction = _reduction(indices, intervals, lengths, diffusion, reaction, omega)
    return -torch.log1p(reduction * (reduction - 2)) / 2  # log |1 - s| without cancellation for small s


def _reduction(
    indices: Tensor | ArrayLike,
    intervals: Sequence[int],
    lengths: Sequence[float],
    diffusion: float,
    reaction: float,
    omega: float,
) -> Tensor:
    """1 - factor = omega lambda_k / D with lambda_k = sum_a 4 w_a sin^2(k_a pi / 2 n_a) + reaction."""
    k = torch.as_tensor(np.asarray(indices), dtype=torch.float64)
    n = torch.tensor(intervals, dtype=torch.float64)
    w = diffusion * (n / torch.tensor(lengths, dtype=torch.float64)) ** 2
    eigenvalue = (4 * w * torch.sin(k * torch.pi / (2 * n)) ** 2).sum(dim=1) + reaction
    carried = ((k >= 1) & (k < n)).all(dim=1)
    return torch.where(carried, omega * eigenvalue / (2 * w.sum() + reaction), torch.nan)
