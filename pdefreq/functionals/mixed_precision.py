"""Blocks that evaluate the network in single precision, for coefficients and sums in double precision."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from pdefreq.functionals.block import Block, LeastSquaresBlock
from pdefreq.functionals.functional import Functional

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Coefficients


def in_mixed_precision(functional: Functional) -> Functional:
    """A functional with float32 values as a functional of float64 coefficients.

    Rows, Jacobians and gradients of blocks are computed in float32. Sums over rows and over blocks, and with them the linear
    algebra of Gauss-Newton steps, are in float64.

    Args:
        functional: A functional with values in float32.
    """
    mixed = Functional(
        [_MixedLeastSquares(block) if isinstance(block, LeastSquaresBlock) else _MixedBlock(block) for block in functional.blocks]
    )
    mixed.weights = functional.weights
    return mixed


class _MixedBlock(Block):
    """A block in float32 as a block of float64 coefficients."""

    def __init__(self, block: Block) -> None:
        super().__init__(block.name, block.evaluator)
        self.inner = block
        self.order = block.order  # pyright: ignore[reportAttributeAccessIssue]  # that of the block
        self.couples_points = block.couples_points  # pyright: ignore[reportAttributeAccessIssue]

    @property
    def num_rows(self) -> int:
        return self.inner.num_rows

    def value(self, c: Coefficients) -> Tensor:
        return self.inner.value(c.float()).double()

    def value_and_gradient(self, c: Coefficients) -> tuple[Tensor, Coefficients]:
        value, gradient = self.inner.value_and_gradient(c.float())
        return value.double(), gradient.double()

    def gauss_newton_factor(self, c: Coefficients) -> Tensor:
        return self.inner.gauss_newton_factor(c.float()).double()

    def trace(self, c: Coefficients) -> Tensor:
        return self.inner.trace(c.float()).double()


class _MixedLeastSquares(_MixedBlock, LeastSquaresBlock):
    """A least-squares block, whose rows are squared and summed in float64."""

    inner: LeastSquaresBlock

    def value(self, c: Coefficients) -> Tensor:
        return self.residual(c).square().sum() / 2

    def value_and_gradient(self, c: Coefficients) -> tuple[Tensor, Coefficients]:
        _, gradient = self.inner.value_and_gradient(c.float())
        with torch.no_grad():
            return self.value(c), gradient.double()

    def residual(self, c: Coefficients) -> Tensor:
        return self.inner.residual(c.float()).double()
