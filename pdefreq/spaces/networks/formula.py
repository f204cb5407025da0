"""Networks given by a formula, with derivatives by automatic differentiation."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch
from torch.func import grad, vmap

from pdefreq.spaces.trial_space import Evaluator, Network

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from pdefreq.core.shapes import Coefficients, Gradients, Points, Values
    from pdefreq.domains.frame import Frame

_CHUNK = 256  # number of points whose derivatives in the parameters are computed at once


class Formula(Protocol):
    """The definition of a network: its parameters, and its value at points."""

    @property
    def smoothness(self) -> float:
        """The largest order of square-integrable derivatives."""
        ...

    def shapes(self, dimension: int) -> dict[str, tuple[int, ...]]:
        """Names and shapes of the parameters for points of the given dimension."""
        ...

    def initial(self, dimension: int, stream: torch.Generator) -> Mapping[str, Tensor]:
        """The initial values of the parameters in the order of `shapes`, float64 on the CPU."""
        ...

    def value(self, p: Mapping[str, Tensor], x: Points) -> Values:
        """The values at points ``(n, d)`` for the parameters `p`, shape ``(n,)``; each must depend on its own point only."""
        ...


@dataclass(frozen=True)
class FormulaSpace(Network):
    """The trial space of the functions given by a formula.

    A step takes longer than with `FeedForward`, whose derivatives are implemented explicitly. For a network with widths 50-50-50
    the factor is 1.5 to 1.6 for an energy, and 1.8 to 1.9 for a residual in one and two dimensions.

    Args:
        formula: The formula.
        dimension: The dimension d of the points.
        frame: The coordinates that the formula receives in place of x; None for x itself.
    """

    formula: Formula
    dimension: int
    frame: Frame | None = None

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        return self.formula.shapes(self.dimension)

    @property
    def breadth(self) -> int:
        return max(max(shape, default=1) for shape in self.shapes.values())

    @property
    def smoothness(self) -> float:
        return self.formula.smoothness

    def initialize(self, stream: torch.Generator) -> Coefficients:
        return torch.cat([p.flatten() for p in self.formula.initial(self.dimension, stream).values()])

    def at(self, x: Points) -> Evaluator:
        return _FormulaEvaluator(self, x)


class _FormulaEvaluator(Evaluator):
    def __init__(self, space: FormulaSpace, x: Points) -> None:
        self._space, self._x = space, x.detach()
        self._matrix: Tensor | None = None

    def with_second(self, matrix: Tensor) -> Evaluator:
        bound = copy.copy(self)
        bound._matrix = matrix
        return bound

    def value(self, c: Coefficients) -> Values:
        return self._value(c, self._x)

    def gradient(self, c: Coefficients) -> Gradients:
        return self.value_and_gradient(c)[1]

    def value_and_gradient(self, c: Coefficients) -> tuple[Values, Gradients]:
        differentiable = torch.is_grad_enabled() and c.requires_grad
        with torch.enable_grad():
            x = self._x.clone().requires_grad_(True)
            u = self._value(c, x)
            gradient = _slope(u, x, again=differentiable)
        return (u, gradient) if differentiable else (u.detach(), gradient.detach())

    def second_order(self, c: Coefficients) -> tuple[Values, Gradients, Values]:
        """One forward pass and 1 + d reverse passes: S : D^2 u = ``sum_k (H S_k)_k`` with the Hessian H and the columns S_k."""
        by_matrix = self._matrix is not None and self._matrix.requires_grad
        differentiable = torch.is_grad_enabled() and (c.requires_grad or by_matrix)
        with torch.enable_grad():
            x = self._x.clone().requires_grad_(True)
            u = self._value(c, x)
            gradient = _slope(u, x, again=True)
            columns = gradient.unbind(1) if self._matrix is None else (gradient[:, :, None] * self._matrix).sum(1).unbind(1)
            second = torch.stack([_slope(column, x, again=differentiable)[:, k] for k, column in enumerate(columns)]).sum(dim=0)
        found = (u, gradient, second)
        return found if differentiable else (u.detach(), gradient.detach(), second.detach())

    def gradient_of(
        self, c: Coefficients, value: Values | None = None, gradient: Gradients | None = None, second: Values | None = None
    ) -> Gradients:
        return grad(lambda x: self._combined(c, x, self._matrix, value, gradient, second).sum())(self._x)

    def jacobian(
        self, c: Coefficients, value: Values | None = None, gradient: Gradients | None = None, second: Values | None = None
    ) -> Tensor:
        by_point = (self._matrix, value, gradient, second)

        def at_one(c: Coefficients, x: Tensor, *own: Tensor | None) -> Tensor:
            return self._combined(c, x[None], *(None if t is None else t[None] for t in own))[0]

        axes = (None, 0, *(None if t is None else 0 for t in by_point))
        return vmap(grad(at_one), axes, chunk_size=_CHUNK)(c, self._x, *by_point)

    def jacobian_factors(
        self, c: Coefficients, value: Values | None = None, gradient: Gradients | None = None, second: Values | None = None
    ) -> list[tuple[Tensor, Tensor]]:
        """The blocks of the Jacobian itself, with Z = 1, because a formula has no layers to exploit."""
        blocks = self.jacobian(c, value, gradient, second).split([math.prod(shape) for shape in self._space.shapes.values()], 1)
        return [(block[None, None], block.new_ones(1, 1, len(block), 1)) for block in blocks]

    def _combined(
        self,
        c: Coefficients,
        x: Points,
        matrix: Tensor | None,
        value: Values | None,
        gradient: Gradients | None,
        second: Values | None,
    ) -> Values:
        """The combination ``value u + gradient . grad u + second S : D^2 u`` at points; without weights, u."""
        terms = [] if value is None else [value * self._value(c, x)]
        terms += [] if gradient is None else [(gradient * self._gradient(c, x)).sum(dim=1)]
        terms += [] if second is None else [second * self._second(c, x, matrix)]
        return sum(terms[1:], start=terms[0]) if terms else self._value(c, x)

    def _value(self, c: Coefficients, x: Points) -> Values:
        if self._space.frame is not None:
            x = self._space.frame.coordinates(x)
        return self._space.formula.value(self._space.unflatten(c), x)

    def _gradient(self, c: Coefficients, x: Points) -> Gradients:
        return grad(lambda x: self._value(c, x).sum())(x)

    def _second(self, c: Coefficients, x: Points, matrix: Tensor | None) -> Values:
        """S : D^2 u = ``sum_k (H S_k)_k`` with the Hessian H and the columns S_k of S, one gradient of ``grad u . S_k`` each."""

        def along(axis: int, x: Points) -> Tensor:
            slope = self._gradient(c, x)
            return slope[:, axis].sum() if matrix is None else (slope * matrix[:, axis]).sum()

        return torch.stack([grad(along, argnums=1)(axis, x)[:, axis] for axis in range(x.shape[1])]).sum(dim=0)


def _slope(values: Tensor, x: Points, *, again: bool) -> Gradients:
    """The gradient of values at points, each of which depends on its own point only."""
    if not values.requires_grad:
        return torch.zeros_like(x)
    return torch.autograd.grad(values.sum(), x, create_graph=again, retain_graph=True, materialize_grads=True)[0]
