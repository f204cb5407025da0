"""Nodal values on a uniform grid: multilinear between the nodes, finite differences for the equation."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from pdefreq.errors import IncompatibleError
from pdefreq.spaces.checked import checked
from pdefreq.spaces.trial_space import Evaluator, LinearSpace, LinearSystem

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.domains.box import Box
    from pdefreq.fields import Field
    from pdefreq.problem import Problem
    from pdefreq.shapes import Coefficients, Gradients, Points, Values


def interior(u: Tensor) -> Tensor:
    """A grid function at the interior nodes: a view of `u`."""
    return _shifted(u, 0, 0)


def neighbors(u: Tensor) -> list[Tensor]:
    """A grid function at the 2 d neighbors of the interior nodes: below and above along each axis; views of `u`."""
    return [_shifted(u, k, shift) for k in range(u.ndim) for shift in (-1, 1)]


def _shifted(u: Tensor, axis: int, shift: int) -> Tensor:
    for k in range(u.ndim):
        u = u.narrow(k, 1 + (shift if k == axis else 0), u.shape[k] - 2)
    return u


@dataclass(frozen=True)
class Stencil:
    """Central differences for ``-div(a grad u) + c u = f`` at the interior nodes, in conservative form.

    ``(A u)_i = sum_j w_ij (u_i - u_j) + c_i u_i`` over the 2 d neighbors j, with ``w_ij = a / h_k^2`` half-way between i and j.
    Weights of a constant field are 0-d tensors, which broadcast: one code for both, and no array where none is due.

    Args:
        weights: w in the order of `neighbors`, each 0-d or of the interior's shape.
        reaction: c, 0-d or of the interior's shape.
        load: f, of the interior's shape.
    """

    weights: tuple[Tensor, ...]
    reaction: Tensor
    load: Tensor

    @property
    def diagonal(self) -> Tensor:
        """The diagonal of A, 0-d or of the interior's shape."""
        return sum(self.weights, start=self.reaction)

    def residual(self, u: Tensor) -> Tensor:
        """``f - A u`` at the interior nodes, for a grid function that holds its boundary values."""
        residual = self.load - self.diagonal * interior(u)
        for weight, values in zip(self.weights, neighbors(u), strict=True):
            residual.addcmul_(weight, values)
        return residual


@dataclass(frozen=True)
class Grid(LinearSpace):
    """Values at all nodes of a uniform grid, boundary included, in C order (the last axis varies fastest).

    Args:
        box: Where.
        intervals: Their number along each axis, at least 2; there is one node more.
    """

    box: Box
    intervals: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of nodes along each axis."""
        return tuple(n + 1 for n in self.intervals)

    @property
    def spacings(self) -> tuple[float, ...]:
        """Mesh width along each axis."""
        return tuple(length / n for length, n in zip(self.box.lengths, self.intervals, strict=True))

    @property
    def num_coefficients(self) -> int:
        return math.prod(self.shape)

    @property
    def smoothness(self) -> float:
        return 1

    @property
    def nodes(self) -> Points:
        return _tensor_product(self._axes())

    def at(self, x: Points) -> Evaluator:
        return _Multilinear(self, x)

    def zero_inside(self, problem: Problem) -> Coefficients:
        """The boundary values of the problem at the boundary nodes, zero at the others, shape ``(P,)``, float64.

        Raises:
            IncompatibleError: If a condition other than given values holds on a part of the boundary.
        """
        values = problem.dirichlet
        if values is None:
            raise IncompatibleError(
                "finite differences on a grid take Dirichlet values on all of the boundary, and this problem has other parts: "
                f"use `{'fem' if self.box.dimension == 1 else 'deep-ritz'}`"
            )
        u = torch.zeros(self.num_coefficients, dtype=torch.float64)
        fixed = self._boundary_indices()
        u[fixed] = checked(values, "[boundary] value", self.nodes[fixed])
        return u

    def stencil(self, problem: Problem) -> Stencil:
        """The difference equations of the problem (float64, CPU)."""
        weights = []
        for k, h in enumerate(self.spacings):
            a = _coefficient(problem.diffusion, "diffusion", self._edge_axes(k)) / h**2
            weights += [a, a] if a.ndim == 0 else [a.narrow(k, shift, a.shape[k] - 1) for shift in (0, 1)]
        inside = [axis[1:-1] for axis in self._axes()]
        load = checked(problem.source, "[equation] source", _tensor_product(inside)).reshape([len(axis) for axis in inside])
        return Stencil(tuple(weights), _coefficient(problem.reaction, "reaction", inside), load)

    def assemble(self, problem: Problem) -> LinearSystem:
        """The stencil as a sparse matrix. Rows of boundary nodes are empty: their coefficients are fixed."""
        import numpy as np
        import scipy.sparse as sp

        u, stencil, fixed = self.zero_inside(problem), self.stencil(problem), self._boundary_indices()
        index = torch.arange(self.num_coefficients).reshape(self.shape)
        columns = [interior(index), *neighbors(index)]
        entries = [w.expand_as(stencil.load) for w in (stencil.diagonal, *(-w for w in stencil.weights))]
        triplet = [torch.stack(part).reshape(-1).numpy() for part in (entries, [columns[0]] * len(columns), columns)]
        matrix = sp.coo_array((triplet[0], (triplet[1], triplet[2])), shape=(len(u), len(u)))
        load = np.zeros(len(u))
        load[columns[0].numpy()] = stencil.load.numpy()
        return LinearSystem(matrix.tocsr(), load, fixed.numpy(), u[fixed].numpy())

    def _axes(self) -> list[Tensor]:
        """Coordinates of the nodes along each axis."""
        return [
            torch.linspace(a, b, n + 1, dtype=torch.float64)
            for a, b, n in zip(self.box.lower, self.box.upper, self.intervals, strict=True)
        ]

    def _edge_axes(self, k: int) -> list[Tensor]:
        """Coordinates, axis by axis, of the mid points of the edges along axis k through interior nodes."""
        return [(axis[1:] + axis[:-1]) / 2 if j == k else axis[1:-1] for j, axis in enumerate(self._axes())]

    def _boundary_indices(self) -> Tensor:
        on_boundary = torch.ones(self.shape, dtype=torch.bool)
        interior(on_boundary).fill_(False)
        return on_boundary.reshape(-1).nonzero().squeeze(1)


class _Multilinear(Evaluator):
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
            along = torch.stack([cell[:, k], cell[:, k] + 1], dim=1)
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


def _tensor_product(axes: list[Tensor]) -> Points:
    return torch.cartesian_prod(*axes).reshape(-1, len(axes))


def _coefficient(field: Field, name: str, axes: list[Tensor]) -> Tensor:
    """A coefficient on a tensor grid: a 0-d tensor where it is constant, else an array."""
    if field.constant is not None:
        return torch.tensor(field.constant, dtype=torch.float64)
    return checked(field, f"[equation] {name}", _tensor_product(axes), least=0).reshape([len(axis) for axis in axes])
