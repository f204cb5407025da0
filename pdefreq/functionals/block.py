"""What functionals are made of: one term, at a few hundred points that are evaluated together."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, ClassVar

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.shapes import Coefficients
    from pdefreq.spaces.trial_space import Evaluator

Channels = Mapping[str, "Tensor"]
"""How one row per point depends on u there: factors of ``value`` (n,), ``gradient`` (n, d), ``laplacian`` (n,)."""


class Block(ABC):
    """A scalar function of the coefficients: the part of a term that some points contribute.

    Args:
        name: The term that it belongs to.
        evaluator: The space at the points.
    """

    order: ClassVar[int]
    """The highest derivative of u that is taken."""

    def __init__(self, name: str, evaluator: Evaluator) -> None:
        self.name = name
        self.evaluator = evaluator

    @abstractmethod
    def value(self, c: Coefficients) -> Tensor:
        """The contribution to the objective, quadrature weights included."""

    @abstractmethod
    def factor(self, c: Coefficients) -> Tensor:
        """F, shape ``(rows, P)``: F^T F is the Gauss-Newton matrix of the contribution."""

    @abstractmethod
    def trace(self, c: Coefficients) -> Tensor:
        """tr(F F^T): the sum over rows of squared per-sample gradients."""


class ByChannels(Block):
    """A block whose rows are combinations of value, gradient and Laplacian of u at a point."""

    @abstractmethod
    def channels(self, c: Coefficients) -> list[Channels]:
        """Rows of the factor, a list entry for each row of a point."""

    def factor(self, c: Coefficients) -> Tensor:
        c = c.detach()
        with torch.no_grad():
            channels = self.channels(c)
        rows = [self.evaluator.jacobian(c, **entry).detach() for entry in channels]
        return torch.cat(rows) if rows else c.new_zeros(0, len(c))

    def trace(self, c: Coefficients) -> Tensor:
        """See `Block`; no row is formed where the space can do without."""
        c = c.detach()
        with torch.no_grad():
            channels = self.channels(c)
        return sum((_squared_size(self.evaluator, c, entry) for entry in channels), start=c.new_zeros(()))


class Squares(Block):
    """A block of least squares: its value is half the sum of squared rows."""

    @abstractmethod
    def residual(self, c: Coefficients) -> Tensor:
        """Its rows, shape ``(rows,)``, in the order of the factor's."""

    def value(self, c: Coefficients) -> Tensor:
        return self.residual(c).square().sum() / 2


class DifferentiatedSquares(Squares):
    """Squares whose rows are more than value, gradient and Laplacian: the factor takes one backward pass for each row."""

    def factor(self, c: Coefficients) -> Tensor:
        return rows_of_jacobian(self.residual, c)

    def trace(self, c: Coefficients) -> Tensor:
        return self.factor(c).square().sum()


def rows_of_jacobian(function: Callable[[Tensor], Tensor], c: Coefficients) -> Tensor:
    """The Jacobian ``(rows, P)`` of a function by reverse passes, one for each row."""
    c = c.detach().requires_grad_(True)
    with torch.enable_grad():
        rows = function(c)
    return torch.stack([torch.autograd.grad(row, c, retain_graph=True)[0] for row in rows])


def _squared_size(evaluator: Evaluator, c: Coefficients, channels: Channels) -> Tensor:
    """|J|^2 of the rows from their factors, J[n, s, b, a] = sum_q D[s, q, n, b] Z[s, q, n, a]."""
    total = c.new_zeros(())
    for d, z in evaluator.jacobian_factors(c, **channels):
        d, z = (t.detach().transpose(1, 2) for t in (d, z))  # (S, n, q, width)
        total = total + ((d @ d.mT) * (z @ z.mT)).sum()
    return total
