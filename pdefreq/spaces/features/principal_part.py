"""The second-order coefficients of an equation at a point, and the complex variable in which its solutions are analytic."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from pdefreq.core.errors import ProblemFileError
from pdefreq.core.fields import Field
from pdefreq.problem.terms.diffusion import Diffusion
from pdefreq.problem.terms.reaction import Reaction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from pdefreq.problem.problem import Problem


def matrix_at(problem: Problem, point: Sequence[float]) -> Tensor | None:
    """The symmetric matrix S of ``-S : D^2 u`` at a point, ``(d, d)``.

    None if S depends on the solution, is not positive definite, or is not defined at the point, for example in a hole.
    """
    if not problem.equation.is_semilinear or problem.equation.order < 2:
        return None
    x = torch.tensor([tuple(point)], dtype=torch.float64)
    identity = torch.eye(x.shape[1], dtype=x.dtype)
    total = torch.zeros_like(identity)
    try:
        for term in problem.equation:
            if (second := term.strong(x).second(torch.zeros(1, dtype=x.dtype), torch.zeros_like(x))) is not None:
                total = total + (second[0] if second.ndim == 3 else second * identity)
    except ProblemFileError:
        return None
    return total if bool(torch.linalg.eigvalsh(total)[0] > 0) else None


def reaction_ratio(problem: Problem) -> float | None:
    """The constant c of an equation ``-lap u + c u = f / a`` with a constant a; None for c = 0 and for other equations."""
    diffusion, reaction = problem.equation.find(Diffusion), problem.equation.find(Reaction)
    if len(problem.terms) != 2 or diffusion is None or reaction is None or diffusion.exponent != 2 or diffusion.is_matrix:
        return None
    assert isinstance(diffusion.coefficient, Field)
    a, c = diffusion.coefficient.constant, reaction.coefficient.constant
    return c / a if a and c else None


def covector(problem: Problem, point: Sequence[float], scale: float) -> tuple[complex, complex]:
    """The vector m of the variable ``z = m . (x - point)``, with |z| = 1 at about the distance `scale` from the point.

    It satisfies m . S m = 0 with the `matrix_at` the point, so that analytic functions of z solve S : D^2 u = 0; without such a
    matrix it is (1, i) / scale.
    """
    matrix = matrix_at(problem, point)
    if matrix is None:
        return 1 / scale + 0j, 1j / scale
    root = torch.linalg.inv(torch.linalg.cholesky(matrix))
    root = root / (torch.linalg.det(root).sqrt() * scale)
    one, two = torch.complex(root[0], root[1]).tolist()
    return one, two
