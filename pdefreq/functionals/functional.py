"""The base class of functionals: functions of the coefficients c, for a given problem, space and set of points."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch

from pdefreq.core.errors import OptionError, UnknownNameError
from pdefreq.core.reduce import ALONE
from pdefreq.core.registry import nearest
from pdefreq.functionals.block import LeastSquaresBlock

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.reduce import Reduce
    from pdefreq.core.shapes import Coefficients
    from pdefreq.functionals.block import Block


class Rows(NamedTuple):
    """Rows of a Gauss-Newton factor and columns of data.

    Args:
        factor: F, ``(rows, P)``.
        residual: r, ``(rows,)``, if the functional is a sum of squares; otherwise None.
        columns: Further columns, ``(rows,)`` each.
        over: The sums over the processes whose rows these are not; those of one process if these are all rows.
    """

    factor: Tensor
    residual: Tensor | None
    columns: tuple[Tensor, ...] = ()
    over: Reduce = ALONE


class Functional:
    """A sum of named terms, each of which is a sum over blocks of points.

    Blocks are differentiated one after the other to save memory. Functionals can be added, ``a + b``.

    Args:
        blocks: At least one.
    """

    def __init__(self, blocks: Sequence[Block]) -> None:
        self.blocks = tuple(blocks)
        self.weights = dict.fromkeys((block.name for block in blocks), 1.0)

    @property
    def order(self) -> int:
        """The highest order of derivatives of u: regression 0, Ritz 1, strong residual 2."""
        return max(block.order for block in self.blocks)

    @property
    def num_rows(self) -> int:
        """The number of rows of `gauss_newton_factor`, without computing it; it has one column for each coefficient."""
        return sum(block.num_rows for block in self.blocks)

    @property
    def couples_points(self) -> bool:
        """Whether a block is not a sum over its points, so that several processes can't share it."""
        return any(block.couples_points for block in self.blocks)

    @property
    def tends_to_zero(self) -> bool:
        """Whether the functional is a sum of squares, whose infimum is zero; that of an energy is another number."""
        return all(isinstance(block, LeastSquaresBlock) for block in self.blocks)

    @property
    def names(self) -> tuple[str, ...]:
        """The terms."""
        return tuple(self.weights)

    def __add__(self, other: Functional) -> Functional:
        for name in self.weights.keys() & other.weights.keys():
            if self.weights[name] != other.weights[name]:
                raise OptionError(
                    f"the term '{name}' has the weight {self.weights[name]:g} in one functional and {other.weights[name]:g} in "
                    "the other: weigh their sum instead"
                )
        total = Functional(self.blocks + other.blocks)
        total.weights = {**self.weights, **other.weights}
        return total

    def weighted(self, weights: Mapping[str, float]) -> Functional:
        """The same functional with some terms multiplied by positive numbers.

        Raises:
            UnknownNameError: If a term does not exist.
        """
        for name in weights:
            if name not in self.weights:
                raise UnknownNameError(f"unknown term '{name}' in `weights`: {nearest(name, self.names)}", name=name)
        other = copy.copy(self)
        other.weights = {name: weight * weights.get(name, 1.0) for name, weight in self.weights.items()}
        return other

    def terms(self, c: Coefficients) -> dict[str, Tensor]:
        """Named terms, weights included; their sum is the objective."""
        terms = {name: c.new_zeros(()) for name in self.names}
        for block in self.blocks:
            terms[block.name] = terms[block.name] + self.weights[block.name] * block.value(c)
        return terms

    def value(self, c: Coefficients) -> Tensor:
        """The value of the objective, without an autograd graph."""
        with torch.no_grad():
            return torch.stack(list(self.terms(c.detach()).values())).sum()

    def gradient(self, c: Coefficients) -> Coefficients:
        """The gradient of the objective, ``(P,)``."""
        return self.value_and_gradient(c)[1]

    def value_and_gradient(self, c: Coefficients) -> tuple[Tensor, Coefficients]:
        """The objective and its gradient."""
        c = c.detach()
        value, gradient = c.new_zeros(()), torch.zeros_like(c)
        for block in self.blocks:
            part, slope = block.value_and_gradient(c)
            value.add_(part, alpha=self.weights[block.name])
            gradient.add_(slope, alpha=self.weights[block.name])
        return value, gradient

    def residual(self, c: Coefficients) -> Tensor | None:
        """Rows r with objective = |r|^2 / 2, if all terms are squares: a term int e^2 has the rows sqrt(2 w) e."""
        if not self.tends_to_zero:
            return None
        return torch.cat([self.weights[b.name] ** 0.5 * b.residual(c) for b in self.blocks if isinstance(b, LeastSquaresBlock)])

    def gauss_newton_factor(self, c: Coefficients) -> Tensor:
        """F, shape ``(rows, P)``: F^T F is the Gauss-Newton matrix of the objective, F F^T the tangent kernel in its metric.

        For a sum of squares F is the Jacobian of the residual r, and the gradient is F^T r. For an energy F^T F is the second
        derivative with respect to the function u; on a linear space it is the Hessian.
        """
        return torch.cat(list(self.factor_by_block(c)))

    def factor_by_block(self, c: Coefficients) -> Iterator[Tensor]:
        """The rows of F, one block after the other."""
        return (self.weights[block.name] ** 0.5 * block.gauss_newton_factor(c) for block in self.blocks)

    def rows(self, c: Coefficients) -> Rows:
        """The Gauss-Newton factor F and the residual r, without a graph."""
        factor = self.gauss_newton_factor(c).detach()
        with torch.no_grad():
            return Rows(factor, self.residual(c))

    def partial_rows(self, c: Coefficients) -> Rows:
        """The rows of this process, for sums over rows; all rows if these are fewer than the coefficients."""
        return self.rows(c)

    def equivalent_rows(self, c: Coefficients, *columns: Tensor) -> Rows:
        """The Gauss-Newton factor F and the residual r for computations that do not depend on the basis of the rows.

        These are F and r, or in several processes a smaller F and r with the same F^T F, F^T r and |r|.

        Args:
            c: The coefficients.
            columns: Further columns of data, ``(rows,)`` each, to which the same transformation is applied.
        """
        return self.rows(c)._replace(columns=columns)

    def traces(self, c: Coefficients) -> dict[str, Tensor]:
        """tr(F F^T) of each term without its weight: the sum of squared per-sample gradients."""
        traces = {name: c.new_zeros(()) for name in self.names}
        for block in self.blocks:
            traces[block.name] = traces[block.name] + block.trace(c)
        return traces
