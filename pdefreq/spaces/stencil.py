"""The difference equations on a uniform grid, as the balance of fluxes over a cell around each node."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import scipy.sparse as sp
import torch

from pdefreq.checked import checked
from pdefreq.spaces.compatibility import require_compatible
from pdefreq.spaces.nodal_conditions import cell_parts, nodal_conditions
from pdefreq.spaces.trial_space import LinearSystem

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.fields import Field
    from pdefreq.problem import Problem
    from pdefreq.shapes import Points
    from pdefreq.spaces.grid import Grid

_ONE = torch.tensor(1.0, dtype=torch.float64)


@dataclass(frozen=True)
class Stencil:
    """``(A u)_i = sum_j w_ij (u_i - u_j) + s_i u_i = f_i`` over the 2 d neighbors j of each node i of a window of the grid.

    The window is the smallest box of nodes that holds all unknowns. Coefficients are tensors that broadcast to it, 0-d where
    all nodes are alike: one code for constant and variable ones, and no array where none is due. A neighbor beyond the grid has
    weight zero. The equation of a node in the window whose value is prescribed reads u_i = g_i.

    Args:
        origin: The window's first node along each axis.
        weights: w below and above along each axis.
        diagonal: sum_j w_ij + s_i.
        load: f, of the window's shape.
        start: g at the nodes whose values are prescribed, zero at the others; of the grid's shape.
        unknown: Which nodes of the window are unknowns; of the window's shape.
        mean: Weights of the mean value, of the grid's shape, where equations determine the solution up to a constant; else None.
    """

    origin: tuple[int, ...]
    weights: tuple[Tensor, ...]
    diagonal: Tensor
    load: Tensor
    start: Tensor
    unknown: Tensor
    mean: Tensor | None

    @property
    def is_constant(self) -> bool:
        """Whether all unknowns have the same equation: constant coefficients and prescribed values on all of the boundary."""
        return self.diagonal.ndim == 0

    def padded(self, u: Tensor) -> Tensor:
        """A copy of a grid function, flat, with zeros around it in memory, so that views may reach beyond the grid."""
        margin = self.start.stride(0)
        return u.new_zeros(u.numel() + 2 * margin)[margin:-margin].copy_(u.reshape(-1))

    def window(self, u: Tensor, axis: int = 0, shift: int = 0, *, first: tuple[int, ...] | None = None, step: int = 1) -> Tensor:
        """A grid function at the nodes of the window, or at their neighbors; a view.

        Args:
            u: As `padded` returns it; without a shift any flat grid function.
            axis: Along which axis to shift.
            shift: -1: the neighbors below, 1: above.
            first: Offset of the first node in the window, along each axis.
            step: Distance between nodes, along all axes.
        """
        first = first or (0,) * self.load.ndim
        strides = self.start.stride()
        sizes = [len(range(begin, size, step)) for begin, size in zip(first, self.load.shape, strict=True)]
        offset = sum((o + f) * s for o, f, s in zip(self.origin, first, strides, strict=True)) + shift * strides[axis]
        return u.as_strided(sizes, [step * s for s in strides], u.storage_offset() + offset)

    def neighbors(self, u: Tensor, *, first: tuple[int, ...] | None = None, step: int = 1) -> list[Tensor]:
        """A grid function at the neighbors of the nodes of the window, in the order of `weights`; views of `u`."""
        return [self.window(u, k, shift, first=first, step=step) for k in range(self.load.ndim) for shift in (-1, 1)]

    def times(self, u: Tensor) -> Tensor:
        """``A u`` at the nodes of the window, for a `padded` grid function."""
        product = self.diagonal * self.window(u)
        for weight, values in zip(self.weights, self.neighbors(u), strict=True):
            product.addcmul_(weight, values, value=-1)
        return product

    def residual(self, u: Tensor) -> Tensor:
        """``f - A u`` at the nodes of the window, for a grid function that holds its boundary values."""
        return self.load - self.times(self.padded(u))

    def system(self) -> LinearSystem:
        """The same as a sparse matrix over all nodes of the grid. Rows of nodes with prescribed values are empty."""
        size = self.start.numel()
        index = self.padded(torch.arange(size, dtype=torch.int32))
        # In the order of the columns: below along the first axis, ..., the node itself, ..., above along the first axis.
        own = torch.where(self.unknown, self.diagonal, 0.0)
        entries = [*self.weights[::2], -own, *self.weights[:0:-2]]
        neighbors = self.neighbors(index)
        columns = [*neighbors[::2], self.window(index), *neighbors[:0:-2]]
        entries = torch.stack([-entry.expand_as(own) for entry in entries], dim=-1)
        ends = torch.zeros(size + 1, dtype=torch.int32)
        self.window(ends[1:]).fill_(len(columns))
        parts = entries, torch.stack(columns, dim=-1), ends.cumsum(0, dtype=torch.int32)
        matrix = sp.csr_array(tuple(part.reshape(-1).numpy() for part in parts), shape=(size, size))
        matrix.eliminate_zeros()  # neighbors beyond the grid, and the rows of known nodes
        load, known = torch.zeros(size, dtype=torch.float64), torch.ones(size, dtype=torch.bool)
        self.window(load).copy_(self.load * self.unknown)
        self.window(known).copy_(~self.unknown)
        fixed = known.nonzero().squeeze(1)
        return LinearSystem(matrix, load.numpy(), fixed.numpy(), self.start.reshape(-1)[fixed].numpy())

    def to(self, like: Tensor) -> Stencil:
        """The same in the dtype and on the device of `like`."""
        return replace(
            self,
            weights=tuple(weight.to(like) for weight in self.weights),
            diagonal=self.diagonal.to(like),
            load=self.load.to(like),
            start=self.start.to(like),
            unknown=self.unknown.to(like.device),
            mean=None if self.mean is None else self.mean.to(like),
        )


def difference_equations(grid: Grid, problem: Problem) -> Stencil:
    """Second-order finite differences for ``-div(a grad u) + c u = f`` with conditions of both kinds (float64, CPU).

    The equation is integrated over the cell of each unknown node, between the mid points of its edges, and divided by the
    volume of a whole cell: differences along the edges stand for the fluxes through the cell's faces, with a at the edges' mid
    points. At a node with a Robin condition the boundary cuts the cell, and the flux there is ``flux - alpha u``. So the matrix
    is symmetric, and the equations inside are the usual ones.

    Raises:
        ProblemFileError: If a field is not finite, or a coefficient negative, where it is needed; if a boundary node is covered
            by no part; if the equations have no solution.

    Source:
        Eymard, Gallouet, Herbin (2000), Finite volume methods, Handbook of Numerical Analysis 7, section 3.
    """
    conditions = nodal_conditions(grid, problem)
    known = conditions.known
    window = tuple(
        slice(int(known.select(k, 0).all()), n + int(not known.select(k, n).all())) for k, n in enumerate(grid.intervals)
    )
    axes = [axis[nodes] for axis, nodes in zip(grid.axes, window, strict=True)]
    shape = tuple(len(axis) for axis in axes)
    # Where both ends of an axis are no unknowns all cells are whole along it, and a number says so.
    inner = [size == n - 1 for size, n in zip(shape, grid.intervals, strict=True)]
    parts = [_ONE if inner[k] else cell_parts(grid, k).narrow(k, window[k].start, shape[k]) for k in range(len(shape))]
    volume = functools.reduce(torch.mul, parts)

    weights: list[Tensor] = []
    for k, h in enumerate(grid.spacings):
        middles = (grid.axes[k][1:] + grid.axes[k][:-1]) / 2
        a = _coefficient(problem.diffusion, "diffusion", [*axes[:k], middles, *axes[k + 1 :]])
        weight = functools.reduce(torch.mul, [part for j, part in enumerate(parts) if j != k], a / h**2)
        if not inner[k] or a.ndim:  # a number for each edge along the axis, zero for those that would leave the box
            weight = weight[(None,) * (len(shape) - weight.ndim)]
            weight = weight.expand([n if j == k else -1 for j, n in enumerate(grid.intervals)])
            ends = torch.zeros_like(weight.narrow(k, 0, 1))
            weight = torch.cat([ends, weight, ends], dim=k)
            weights += [weight.narrow(k, window[k].start + above, shape[k]) for above in (0, 1)]
        else:
            weights += [weight, weight]
    alpha, flux = (x[window] if x.ndim else x for x in (conditions.alpha, conditions.flux))
    sink = _coefficient(problem.reaction, "reaction", axes) * volume + alpha

    unknown = ~known[window]
    load = torch.zeros(shape, dtype=torch.float64)
    load[unknown] = checked(problem.source, "[equation] source", tensor_product(axes)[unknown.reshape(-1)])
    load.mul_(volume).add_(flux)
    mean = None
    if not known.any() and not sink.any():
        require_compatible(problem)
        mean = (volume / volume.sum()).expand(shape)
        load -= load.sum() * mean  # what the quadrature leaves of an integral that is zero
    diagonal = functools.reduce(torch.add, weights, sink)
    if not unknown.all():
        weights = [weight * unknown for weight in weights]
        diagonal = torch.where(unknown, diagonal, _ONE)
        load = torch.where(unknown, load, conditions.values[window])
    return Stencil(tuple(w.start for w in window), tuple(weights), diagonal, load, conditions.values, unknown, mean)


def tensor_product(axes: list[Tensor]) -> Points:
    """All points whose coordinates are on the axes, ``(n, d)``, in C order."""
    return torch.cartesian_prod(*axes).reshape(-1, len(axes))


def _coefficient(field: Field, name: str, axes: list[Tensor]) -> Tensor:
    """A coefficient on a tensor grid: a 0-d tensor where it is constant, else an array."""
    if field.constant is not None:
        return torch.tensor(field.constant, dtype=torch.float64)
    return checked(field, f"[equation] {name}", tensor_product(axes), least=0).reshape([len(axis) for axis in axes])
