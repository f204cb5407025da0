"""How well given plane waves satisfy a problem, without training."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from pdefreq.core.streams import stream
from pdefreq.functionals.strong_residual import StrongResidual
from pdefreq.spaces.features.features import Features
from pdefreq.spaces.features.sine_features import SineFeatures

if TYPE_CHECKING:
    import numpy as np

    from pdefreq.problem.problem import Problem

_ROWS = 8  # points per unknown, in the domain and on its boundary


def wave_misfit(problem: Problem, waves: np.ndarray) -> float:
    """The relative residual of the best combination of plane waves and a constant, from 0 to 1.

    The rows are those of the residual of the equation and of the boundary conditions. The two groups of rows are weighted so that
    they have the same Frobenius norm.

    Args:
        problem: A linear problem whose source is known everywhere, with second-order coefficients that do not jump.
        waves: Wavevectors in rad per unit of length, ``(m, d)``.

    Raises:
        ProblemFileError: If a coefficient or f is not finite at one of the points.
    """
    w, domain = torch.from_numpy(waves), problem.domain
    zero, quarter = w.new_zeros(len(w)), w.new_full((len(w),), math.pi / 2)
    constant = w.new_zeros(1, domain.dimension)
    family = SineFeatures(torch.cat([w, w, constant]), torch.cat([zero, quarter, quarter[:1]]), domain.bounds[0])
    space, rows = Features((family,)), _ROWS * family.size
    interior = domain.interior(rows, stream(0, "wave misfit"))
    edge = domain.boundary(2 if domain.dimension == 1 else rows, stream(0, "wave misfit", 1))
    c = w.new_zeros(space.num_coefficients)
    functional = StrongResidual(problem, space, interior, edge, like=c)
    matrix, right = functional.gauss_newton_factor(c), functional.residual(c)
    assert right is not None
    names = [name for block in functional.blocks for name in [block.name] * block.num_rows]
    for name in functional.names:
        mine = torch.tensor([other == name for other in names])
        norm = float(matrix[mine].norm())
        matrix[mine], right[mine] = (part[mine] / norm if norm > 0 else part[mine] for part in (matrix, right))
    size = float(right.norm())
    if not size > 0:
        return 0.0
    found = torch.linalg.lstsq(matrix, -right[:, None], driver="gelsd").solution[:, 0]
    return float((matrix @ found + right).norm()) / size
