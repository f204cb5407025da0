"""Nodal values on a uniform grid: multilinear between the nodes, finite differences for the equation."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from pdefreq.spaces.grids.differences import tensor_product
from pdefreq.spaces.grids.stencil import Stencil, difference_equations
from pdefreq.spaces.trial_space import Evaluator, LinearEvaluator, LinearSpace, LinearSystem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from pdefreq.core.shapes import Coefficients, Gradients, Points, Values
    from pdefreq.domains.box import Box
    from pdefreq.problem.problem import Problem


@dataclass(frozen=True)
class Grid(LinearSpace):
    """Values at all nodes of a uniform grid, boundary included, in C order (the last axis varies fastest).

    Args:
        box: Where.
        intervals: Their number along each axis, at least 2; there is one node more, but along a periodic axis.
        periodic: Axes along which functions are periodic: the last node is the first one, and is left out.
    """

    box: Box
    intervals: tuple[int, ...]
    periodic: tuple[int, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of nodes along each axis."""
        return tuple(n + (k not in self.periodic) for k, n in enumerate(self.intervals))

    @property
    def spacings(self) -> tuple[float, ...]:
        """Mesh width along each axis."""
        return tuple(length / n for length, n in zip(self.box.lengths, self.intervals, strict=True))

    @property
    def mesh_width(self) -> float:
        return max(self.spacings)

    @property
    def num_coefficients(self) -> int:
        return math.prod(self.shape)

    @property
    def smoothness(self) -> float:
        return 1

    @property
    def nodes(self) -> Points:
        return tensor_product(self.axes)

    def at(self, x: Points) -> Evaluator:
        return _Multilinear(self, x)

    @property
    def axes(self) -> list[Tensor]:
        """Coordinates of the nodes along each axis, float64."""
        return [ticks[:size] for ticks, size in zip(self.ticks, self.shape, strict=True)]

    @property
    def ticks(self) -> list[Tensor]:
        """Coordinates of the ends of the intervals along each axis, both ends of the box included, float64."""
        return [
            torch.linspace(a, b, n + 1, dtype=torch.float64)
            for a, b, n in zip(self.box.lower, self.box.upper, self.intervals, strict=True)
        ]

    def folded(self, values: Tensor, *, counted: Sequence[int] = ()) -> Tensor:
        """Values at all ticks as values at the nodes: where two sides are one, the mean of both.

        Args:
            values: Of the shape of the ticks, or a number.
            counted: Axes along which they are at other points than the ticks, and stay as they are.
        """
        for axis in self.periodic if values.ndim else ():
            if axis not in counted:
                n = self.intervals[axis]
                first = (values.narrow(axis, 0, 1) + values.narrow(axis, n, 1)) / 2
                values = torch.cat([first, values.narrow(axis, 1, n - 1)], dim=axis)
        return values

    def points(self, index: Tensor) -> Points:
        """The nodes of these numbers, shape ``(n, d)``, float64."""
        places = torch.unravel_index(index, self.shape)
        return torch.stack([axis[place] for axis, place in zip(self.axes, places, strict=True)], dim=1)

    def stencil(self, problem: Problem) -> Stencil:
        """The difference equations of the problem: see `difference_equations`."""
        return difference_equations(self, problem)

    def assemble(self, problem: Problem) -> LinearSystem:
        return self.stencil(problem).system()


class _Multilinear(LinearEvaluator):
    """Multilinear interpolation between the 2^d corners of each point's cell."""

    def __init__(self, grid: Grid, x: Points) -> None:
        h = x.new_tensor(grid.spacings)
        scaled = (x - x.new_tensor(grid.box.lower)) / h
        last = torch.tensor(grid.intervals, device=x.device) - 1
        cell = torch.minimum(scaled.detach().floor().long().clamp(min=0), last)
        s = scaled - cell
        self._ends = torch.stack([1 - s, s], dim=2)  # (n, d, 2)
        self._slopes = torch.stack([-1 / h, 1 / h], dim=1)  # (d, 2)
        self._corners = cell.new_zeros(len(x), 1)  # (n, 2^d), built axis by axis
        for k, count in enumerate(grid.shape):
            along = torch.stack([cell[:, k], (cell[:, k] + 1) % count], dim=1)
            self._corners = (self._corners[:, :, None] * count + along[:, None, :]).flatten(1)
        self._weights = self._product(None)

    def value(self, c: Coefficients) -> Values:
        return (c[self._corners] * self._weights).sum(dim=1)

    def gradient(self, c: Coefficients) -> Gradients:
        u = c[self._corners]
        return torch.stack([(u * weights).sum(dim=1) for weights in self._derivatives], dim=1)

    @functools.cached_property
    def _derivatives(self) -> list[Tensor]:
        return [self._product(k) for k in range(self._ends.shape[1])]

    def _product(self, derivative: int | None) -> Tensor:
        """Weights of the corners, shape ``(n, 2^d)``; along one axis the slope may stand for the value."""
        weights = self._ends.new_ones(len(self._ends), 1)
        for k in range(self._ends.shape[1]):
            along = self._slopes[k].expand(len(weights), 2) if k == derivative else self._ends[:, k]
            weights = (weights[:, :, None] * along[:, None, :]).flatten(1)
        return weights
