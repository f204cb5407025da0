"""Multilinear functions on uniform grids, with finite differences for the equation."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from pdefreq.spaces.grids.stencil import Stencil, difference_equations
from pdefreq.spaces.grids.uniform_grid import UniformGrid
from pdefreq.spaces.trial_space import Evaluator, LinearEvaluator, LinearSpace, LinearSystem

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Coefficients, Gradients, Points, Values
    from pdefreq.problem.problem import Problem


@dataclass(frozen=True)
class Grid(UniformGrid, LinearSpace):
    """The space of multilinear functions on a uniform grid; the coefficients are the values at all nodes."""

    @property
    def num_coefficients(self) -> int:
        return self.size

    @property
    def smoothness(self) -> float:
        return 1

    def at(self, x: Points) -> Evaluator:
        return _Multilinear(self, x)

    def stencil(self, problem: Problem) -> Stencil:
        """The difference equations of the problem; see `difference_equations`."""
        return difference_equations(self, problem)

    def assemble(self, problem: Problem) -> LinearSystem:
        return self.stencil(problem).system()


class _Multilinear(LinearEvaluator):
    """Multilinear interpolation from the 2^d corners of each point's cell."""

    def __init__(self, grid: UniformGrid, x: Points) -> None:
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
        """The weights of the corners, shape ``(n, 2^d)``, for the value or for the derivative along one axis."""
        weights = self._ends.new_ones(len(self._ends), 1)
        for k in range(self._ends.shape[1]):
            along = self._slopes[k].expand(len(weights), 2) if k == derivative else self._ends[:, k]
            weights = (weights[:, :, None] * along[:, None, :]).flatten(1)
        return weights
