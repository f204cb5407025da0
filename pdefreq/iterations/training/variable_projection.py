"""Variable projection, which eliminates the coefficients in which the residual is linear from each step.

Let F = (A, B), where A contains the columns of the coefficients of the last layer. A damped step minimizes

    |A a + B b + r|^2 + lambda |b|^2,

where a is not damped. For each b it is the solution of a least-squares problem. After the elimination of a, the problem for b
contains the projections of B and r onto the orthogonal complement of the range of A, which is Kaufman's approximation of the
Jacobian. If the residual is linear in a, the step a is exact for b = 0.

**Source.** Kaufman (1975), A variable projection method for solving separable nonlinear least squares problems, BIT 15; Ruhe and
Wedin (1980), SIAM Review 22, algorithm 2.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from pdefreq.core.reduce import ALONE, Reduce
from pdefreq.iterations.training.damped_systems import DampedSystem, damped_system


@dataclass(frozen=True)
class ProjectedSystem:
    """The damped equations for b, and the a that belongs to b.

    Args:
        outer: The equations for b, with B and r projected.
        inner: B, shape ``(rows, P - q)``.
        residual: r, shape ``(rows,)``.
        basis: Q of a QR factorization of A with a ridge of the size of rounding, ``(rows, q)``.
        triangle: R of this factorization, ``(q, q)``.
    """

    outer: DampedSystem
    inner: Tensor
    residual: Tensor
    basis: Tensor
    triangle: Tensor

    @property
    def largest(self) -> float:
        return self.outer.largest

    @property
    def least(self) -> float:
        return self.outer.least

    def step(self, damping: float) -> Tensor:
        b = self.outer.step(damping)
        right = self.basis.T @ (self.residual + self.inner @ b)
        a = -torch.linalg.solve_triangular(self.triangle, right[:, None], upper=True)[:, 0]
        return torch.cat([b, a])


@dataclass(frozen=True)
class Projected:
    """The linear algebra that eliminates the last coefficients of a sum of squares.

    Args:
        number: q, the number of these coefficients.
        solve: The linear algebra of the equations for the others.
    """

    number: int
    solve: Callable[[Tensor, Tensor, Tensor | None, Reduce], DampedSystem] = damped_system

    def __call__(self, factor: Tensor, gradient: Tensor, residual: Tensor | None, over: Reduce = ALONE) -> DampedSystem:
        assert residual is not None  # checked with the loss
        inner, last = factor[:, : -self.number], factor[:, -self.number :]
        ridge = math.sqrt(torch.finfo(last.dtype).eps * self.number) * float(last.norm())
        eye = ridge * torch.eye(self.number, dtype=last.dtype, device=last.device)
        q, r = torch.linalg.qr(torch.cat([last, eye]))
        q = q[: len(last)]
        b, rest = inner - q @ (q.T @ inner), residual - q @ (q.T @ residual)
        return ProjectedSystem(self.solve(b, b.T @ rest, rest, over), inner, residual, q, r)
