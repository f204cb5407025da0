"""Blocks of functionals: the contribution of several hundred points, evaluated together, to one term."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

import torch

from pdefreq.spaces.channels import Channels

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Coefficients
    from pdefreq.spaces.trial_space import Evaluator


class Block(ABC):
    """A scalar function of the coefficients: the contribution of some points to a term.

    Args:
        name: The name of the term.
        evaluator: The space at the points.
    """

    order: ClassVar[int]
    """The highest order of derivatives of u."""

    couples_points: ClassVar[bool] = False
    """Whether the block is not a sum over its points, so that it can't be divided."""

    def __init__(self, name: str, evaluator: Evaluator) -> None:
        self.name = name
        self.evaluator = evaluator

    @property
    @abstractmethod
    def num_rows(self) -> int:
        """The number of rows of the Gauss-Newton factor, without computing it."""

    @abstractmethod
    def value(self, c: Coefficients) -> Tensor:
        """The contribution to the objective, quadrature weights included; differentiable in c."""

    def value_and_gradient(self, c: Coefficients) -> tuple[Tensor, Coefficients]:
        """The contribution and its gradient ``(P,)``, as numbers."""
        c = c.detach().requires_grad_(True)
        with torch.enable_grad():
            value = self.value(c)
        return value.detach(), torch.autograd.grad(value, c)[0]

    @abstractmethod
    def gauss_newton_factor(self, c: Coefficients) -> Tensor:
        """F, shape ``(rows, P)``: F^T F is the Gauss-Newton matrix of the contribution."""

    @abstractmethod
    def trace(self, c: Coefficients) -> Tensor:
        """tr(F F^T): the sum over rows of squared per-sample gradients."""


class LinearizedBlock(Block):
    """A block whose Gauss-Newton factor is given by weights of u, grad u and S : D^2 u at its points.

    The space turns these weights into rows over the coefficients c.
    """

    @abstractmethod
    def linearized(self, c: Coefficients) -> tuple[Evaluator, list[Channels]]:
        """Rows of the Gauss-Newton factor: the evaluator, and the weights of its channels, one list entry per row of a point.

        If S depends on u or grad u, the evaluator is `Evaluator.with_second(S)` for the current u. The weights of u and grad u
        then include the derivatives of S.
        """

    def gauss_newton_factor(self, c: Coefficients) -> Tensor:
        c = c.detach()
        evaluator, rows = self.linearized(c)
        found = [evaluator.jacobian(c, *row.by_point()).detach() for row in rows]
        return torch.cat(found) if found else c.new_zeros(0, len(c))

    def layer_factors(self, c: Coefficients) -> list[list[tuple[Tensor, Tensor]]]:
        """The Gauss-Newton factor in factored form, for networks: `Evaluator.jacobian_factors` of each row of a point."""
        c = c.detach()
        evaluator, rows = self.linearized(c)
        found = [evaluator.jacobian_factors(c, *row.by_point()) for row in rows]
        return [[(d.detach(), z.detach()) for d, z in row] for row in found]

    def trace(self, c: Coefficients) -> Tensor:
        """The trace, see `Block`; if possible it is computed without forming the rows."""
        c = c.detach()
        evaluator, rows = self.linearized(c)
        return sum((_squared_size(evaluator, c, row) for row in rows), start=c.new_zeros(()))


class ChannelBlock(LinearizedBlock):
    """A block that is a function of the channels of its evaluator: u, grad u, and lap u or S : D^2 u with a fixed S.

    It is differentiated with respect to these channels.
    """

    @abstractmethod
    def integral(self, u: Channels) -> Tensor:
        """The contribution to the objective."""

    @abstractmethod
    def slopes(self, u: Channels) -> Channels:
        """The derivatives of `integral` in the channels at each point."""

    @abstractmethod
    def rows(self, u: Channels) -> list[Channels]:
        """Rows of the Gauss-Newton factor as weights of the channels, one list entry per row of a point."""

    def value(self, c: Coefficients) -> Tensor:
        return self.integral(self.evaluator.channels(c, self.order))

    @torch.no_grad()
    def value_and_gradient(self, c: Coefficients) -> tuple[Tensor, Coefficients]:
        u, pull_back = self.evaluator.vjp(c, self.order)
        return self.integral(u), pull_back(self.slopes(u))

    @torch.no_grad()
    def linearized(self, c: Coefficients) -> tuple[Evaluator, list[Channels]]:
        return self.evaluator, self.rows(self.evaluator.channels(c, self.order))


class LeastSquaresBlock(Block):
    """A block of least squares: its value is half the sum of squared rows."""

    @abstractmethod
    def residual(self, c: Coefficients) -> Tensor:
        """The rows, shape ``(rows,)``, in the order of the rows of the Gauss-Newton factor."""

    def vjp(self, c: Coefficients) -> tuple[Tensor, Callable[[Tensor], Coefficients]]:
        """The detached rows, and the function that maps weights g of the rows to F^T g; it may be called only once.

        The default implementation uses automatic differentiation.
        """
        c = c.detach().requires_grad_(True)
        with torch.enable_grad():
            rows = self.residual(c)
        return rows.detach(), lambda weights: torch.autograd.grad(rows, c, weights)[0]

    def value(self, c: Coefficients) -> Tensor:
        return self.residual(c).square().sum() / 2

    def value_and_gradient(self, c: Coefficients) -> tuple[Tensor, Coefficients]:
        rows, pull_back = self.vjp(c)
        return rows.square().sum() / 2, pull_back(rows)


class LinearizedLeastSquares(LinearizedBlock, LeastSquaresBlock):
    """A block of least squares whose rows depend on u, grad u and the Hessian of u at a point, linearized explicitly.

    The gradient uses automatic differentiation of the residual, which needs no Hessian and took 0.9 of the time.
    """


class ChannelLeastSquares(ChannelBlock, LeastSquaresBlock):
    """A block of least squares whose rows depend on the channels of the evaluator at a point."""

    @abstractmethod
    def residual_of(self, u: Channels) -> Tensor:
        """The residuals for given channels of u at the points, shape ``(rows,)``."""

    def integral(self, u: Channels) -> Tensor:
        return self.residual_of(u).square().sum() / 2

    def slopes(self, u: Channels) -> Channels:
        return _transposed(self.rows(u), self.residual_of(u))

    def residual(self, c: Coefficients) -> Tensor:
        return self.residual_of(self.evaluator.channels(c, self.order))

    @torch.no_grad()
    def vjp(self, c: Coefficients) -> tuple[Tensor, Callable[[Tensor], Coefficients]]:
        u, pull_back = self.evaluator.vjp(c, self.order)
        return self.residual_of(u), lambda weights: pull_back(_transposed(self.rows(u), weights))


class AutodiffLeastSquares(LeastSquaresBlock):
    """A block of least squares with automatic differentiation; the Gauss-Newton factor takes one reverse pass per row."""

    def gauss_newton_factor(self, c: Coefficients) -> Tensor:
        return rows_of_jacobian(self.residual, c)

    def trace(self, c: Coefficients) -> Tensor:
        return self.gauss_newton_factor(c).square().sum()


def rows_of_jacobian(function: Callable[[Tensor], Tensor], c: Coefficients) -> Tensor:
    """The Jacobian ``(rows, P)`` of a function by one reverse pass per row."""
    c = c.detach().requires_grad_(True)
    with torch.enable_grad():
        rows = function(c)
    return torch.stack([torch.autograd.grad(row, c, retain_graph=True)[0] for row in rows])


def _transposed(rows: list[Channels], weights: Tensor) -> Channels:
    """The weights of the channels in the derivative of the sum of the rows of a residual times weights, ``(rows,)``."""
    first, *others = [row.times(w) for row, w in zip(rows, weights.chunk(len(rows)), strict=True)]
    return functools.reduce(Channels.plus, others, first)


def _squared_size(evaluator: Evaluator, c: Coefficients, row: Channels) -> Tensor:
    """|J|^2 of the rows from their factors, J[n, s, b, a] = sum_q D[s, q, n, b] Z[s, q, n, a]."""
    total = c.new_zeros(())
    for d, z in evaluator.jacobian_factors(c, *row.by_point()):
        d, z = (t.detach().transpose(1, 2) for t in (d, z))  # (S, n, q, width)
        total = total + ((d @ d.mT) * (z @ z.mT)).sum()
    return total
