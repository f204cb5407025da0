"""The quadratic model of a functional near given coefficients, which a Gauss-Newton step minimizes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from pdefreq.core.reduce import ALONE
from pdefreq.iterations.training.damped_systems import damped_system

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.reduce import Reduce
    from pdefreq.core.shapes import Coefficients
    from pdefreq.functionals.functional import Functional, Rows
    from pdefreq.iterations.training.damped_systems import DampedSystem

    Solve = Callable[[Tensor, Tensor, Tensor | None, Reduce], DampedSystem]


@dataclass(frozen=True)
class QuadraticModel:
    """The quadratic model ``objective + G^T d + |F d|^2 / 2``.

    Args:
        objective: The objective at d = 0.
        gradient: G, shape ``(P,)``.
        gauss_newton_factor: F, ``(rows, P)``.
        residual: r with G = F^T r, ``(rows,)``, if the objective is |r|^2 / 2; otherwise None.
        solve: The linear algebra: a function of F, G, r and `over`.
        start: The d near which a step stays, ``(P,)``; None for zero.
        over: The sums over the processes that have the other rows.
    """

    objective: float
    gradient: Tensor
    gauss_newton_factor: Tensor
    residual: Tensor | None
    solve: Solve = damped_system
    start: Tensor | None = None
    over: Reduce = ALONE

    @classmethod
    def at(
        cls,
        functional: Functional,
        c: Coefficients,
        solve: Solve = damped_system,
        start: Tensor | None = None,
        rows: Rows | None = None,
    ) -> QuadraticModel:
        """The model of a functional at c.

        Args:
            functional: The functional.
            c: The coefficients.
            solve: The linear algebra.
            start: The d near which a step stays.
            rows: The rows of the functional, in the form that the linear algebra uses; by default all.
        """
        f, residual, _, over = functional.rows(c) if rows is None else rows
        if residual is None:
            objective, gradient = functional.value_and_gradient(c)
        else:
            objective, gradient = over.sum(residual.square().sum() / 2), over.sum(f.T @ residual)
        return cls(float(objective), gradient, f, residual, solve, start, over)

    @cached_property
    def largest(self) -> float:
        """The largest diagonal entry of the matrix that is damped, F^T F unless coefficients are eliminated."""
        return self.system.largest

    @cached_property
    def system(self) -> DampedSystem:
        """The equations of the step beyond `start`."""
        f, gradient, residual = self.gauss_newton_factor, self.gradient, self.residual
        if self.start is not None:
            ahead = f @ self.start
            gradient = gradient + self.over.sum(f.T @ ahead)
            residual = None if residual is None else residual + ahead
        return self.solve(f, gradient, residual, self.over)

    @property
    def least(self) -> float:
        """The smallest damping that has an effect."""
        return self.system.least

    def step(self, damping: float) -> Tensor:
        """The minimizer of the model plus ``lambda |d - start|^2 / 2``, lambda at least `least`."""
        d = self.system.step(damping)
        return d if self.start is None else self.start + d

    def decrease(self, d: Tensor) -> float:
        """The decrease of the model by a step: objective minus model, ``(|F d|^2 + 2 lambda |d|^2) / 2`` without a start."""
        return -float(self.gradient.dot(d) + self.over.sum((self.gauss_newton_factor @ d).square().sum()) / 2)
