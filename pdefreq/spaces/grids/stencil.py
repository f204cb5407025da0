"""Difference equations on uniform grids, derived from the balance of fluxes over a cell around each node."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import scipy.sparse as sp
import torch

from pdefreq.core.errors import IncompatibleError, SingularProblemError
from pdefreq.core.validation import validated
from pdefreq.problem.boundary_extent import BoundaryExtent
from pdefreq.spaces.grids.equation_on_grid import convection_on_grid, diffusion_on_grid, reaction_on_grid, tensor_product
from pdefreq.spaces.grids.nodal_conditions import cell_parts, nodal_conditions
from pdefreq.spaces.trial_space import LinearSystem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from pdefreq.problem.problem import Problem
    from pdefreq.spaces.grids.uniform_grid import UniformGrid

_ONE = torch.tensor(1.0, dtype=torch.float64)
_ROUNDING = 1e-12  # relative size of rounding errors


@dataclass(frozen=True)
class Stencil:
    """Equations ``(A u)_i = sum_j w_ij (u_i - u_j) + s_i u_i = f_i`` with the 2 d neighbors j of each node i of a window.

    The weights below and above a node may differ, and a weight or s may be negative. The window is the smallest box of nodes
    that contains all unknowns. Coefficients are tensors that broadcast to the window, 0-d if they are the same at all nodes, so
    that the same code handles constant and variable coefficients. A neighbor beyond the grid has weight zero. Along a periodic
    axis the neighbor of the last node is the first one. For a node of the window with a prescribed value, the equation is
    u_i = g_i.

    Args:
        periodic: The periodic axes of the grid; the window contains all nodes along each of them.
        origin: The first node of the window along each axis.
        weights: The weights w below and above a node along each axis.
        diagonal: The sums sum_j w_ij + s_i.
        load: The right-hand side f, of the window's shape.
        start: The prescribed values g, and zero at the other nodes; of the grid's shape.
        unknown: Whether each node of the window is an unknown; of the window's shape.
        symmetric: Whether A is symmetric.
        mean: The weights of the mean value, of the grid's shape, if the solution is determined up to a constant; otherwise None.
    """

    periodic: tuple[int, ...]
    origin: tuple[int, ...]
    weights: tuple[Tensor, ...]
    diagonal: Tensor
    load: Tensor
    start: Tensor
    unknown: Tensor
    symmetric: bool
    mean: Tensor | None

    @property
    def is_constant(self) -> bool:
        """Whether all unknowns have the same equation: constant coefficients, no Robin conditions."""
        return self.diagonal.ndim == 0

    @property
    def reaction(self) -> Tensor:
        """The reaction and Robin terms s, 0-d if they are the same at all nodes; zero if they are below rounding errors."""
        found = self.diagonal - functools.reduce(torch.add, self.weights)
        return torch.where(found.abs() <= _ROUNDING * self.diagonal.abs(), 0.0, found)

    def monotone(self) -> Stencil:
        """Equations with an M-matrix: negative s are omitted, and differences are upwind if a mesh Peclet number exceeds 1.

        The modulus of a negative weight is added to both weights along its axis, if both neighbors exist. This is the smallest
        artificial diffusion without negative weights.
        """
        weights: list[Tensor] = []
        for below, above in zip(self.weights[::2], self.weights[1::2], strict=True):
            weights += [own.clamp(min=0) + (own > 0) * (-other).clamp(min=0) for own, other in ((below, above), (above, below))]
        return replace(self, weights=tuple(weights), diagonal=functools.reduce(torch.add, weights, self.reaction.clamp(min=0)))

    @property
    def is_definite(self) -> bool:
        """Whether A is known to be symmetric and positive definite or semidefinite."""
        return self.symmetric and self.is_monotone

    @property
    def is_monotone(self) -> bool:
        """Whether A is known to be an M-matrix, possibly singular, because no w and no s is negative."""
        return all(bool((x >= 0).all()) for x in (*self.weights, self.reaction))

    def require_positive_diagonal(self) -> None:
        """Check that all diagonal entries are positive, as required for relaxation.

        Raises:
            IncompatibleError: If an entry is not positive.
        """
        if not bool((self.diagonal > 0).all()):
            raise IncompatibleError(
                "a sweep of relaxation divides by the diagonal of the matrix, which must be positive, but its smallest entry is "
                f"{float(self.diagonal.min()):.3g}: use a finer grid (`intervals`), or use `gmres` or `fem`"
            )

    def padded(self, u: Tensor) -> Tensor:
        """A copy of a flat grid function, with zeros around it in memory so that views may extend beyond the grid."""
        margin = self.start.stride(0)
        return u.new_zeros(u.numel() + 2 * margin)[margin:-margin].copy_(u.reshape(-1))

    def window(self, u: Tensor, *, first: tuple[int, ...] | None = None, step: int = 1) -> Tensor:
        """A view of a grid function at the nodes of the window.

        Args:
            u: A grid function, flat.
            first: The first node of the view, relative to the window, along each axis.
            step: The distance between nodes of the view, along all axes.
        """
        return self._shifted(u, self.origin, self.start.stride(), first=first, step=step)

    def surroundings(self, u: Tensor) -> Surroundings:
        """The neighbors of the nodes of the window, as views of a `padded` grid function."""
        return Surroundings(self, u)

    def neighbors(self, u: Tensor) -> list[Tensor]:
        """The current values of a `padded` grid function at the neighbors of the window, in the order of `weights`."""
        around = self.surroundings(u)
        around.refresh()
        return around.views()

    def _shifted(
        self,
        u: Tensor,
        origin: Sequence[int],
        strides: Sequence[int],
        offset: int = 0,
        *,
        first: tuple[int, ...] | None = None,
        step: int = 1,
    ) -> Tensor:
        """A view of the size of the window, shifted along an axis."""
        first = first or (0,) * self.load.ndim
        sizes = [len(range(begin, size, step)) for begin, size in zip(first, self.load.shape, strict=True)]
        offset += sum((o + f) * s for o, f, s in zip(origin, first, strides, strict=True))
        return u.as_strided(sizes, [step * s for s in strides], u.storage_offset() + offset)

    def times(self, u: Tensor) -> Tensor:
        """``A u`` at the nodes of the window, for a `padded` grid function."""
        product = self.diagonal * self.window(u)
        for weight, values in zip(self.weights, self.neighbors(u), strict=True):
            product.addcmul_(weight, values, value=-1)
        return product

    def residual(self, u: Tensor) -> Tensor:
        """``f - A u`` at the nodes of the window, for a grid function that includes its boundary values."""
        return self.load - self.times(self.padded(u))

    def system(self) -> LinearSystem:
        """The equations as a sparse matrix over all nodes of the grid. Rows of nodes with prescribed values are empty."""
        size = self.start.numel()
        index = self.padded(torch.arange(size, dtype=torch.int32))
        # In the order of the columns: the neighbors below (first axis first), the node, the neighbors above (last axis first).
        own = torch.where(self.unknown, self.diagonal, 0.0)
        entries = [*self.weights[::2], -own, *self.weights[:0:-2]]
        neighbors = self.neighbors(index)
        columns = [*neighbors[::2], self.window(index), *neighbors[:0:-2]]
        entries = torch.stack([-entry.expand_as(own) for entry in entries], dim=-1)
        ends = torch.zeros(size + 1, dtype=torch.int32)
        self.window(ends[1:]).fill_(len(columns))
        parts = entries, torch.stack(columns, dim=-1), ends.cumsum(0, dtype=torch.int32)
        matrix = sp.csr_array(tuple(part.reshape(-1).numpy() for part in parts), shape=(size, size))
        matrix.eliminate_zeros()  # neighbors beyond the grid, and the rows of nodes with prescribed values
        matrix.sum_duplicates()  # also sorts: along a periodic axis columns wrap around, and both neighbors may be one node
        load, is_dirichlet = torch.zeros(size, dtype=torch.float64), torch.ones(size, dtype=torch.bool)
        self.window(load).copy_(self.load * self.unknown)
        self.window(is_dirichlet).copy_(~self.unknown)
        fixed = is_dirichlet.nonzero().squeeze(1)
        values = self.start.reshape(-1)[fixed].numpy()
        return LinearSystem(matrix, load.numpy(), fixed.numpy(), values, self.symmetric, self.is_definite)

    def to(self, like: Tensor) -> Stencil:
        """The stencil in the dtype and on the device of `like`."""
        return replace(
            self,
            weights=tuple(weight.to(like) for weight in self.weights),
            diagonal=self.diagonal.to(like),
            load=self.load.to(like),
            start=self.start.to(like),
            unknown=self.unknown.to(like.device),
            mean=None if self.mean is None else self.mean.to(like),
        )


class Surroundings:
    """The neighbors of the nodes of a window, as views that are prepared once.

    Without periodic axes they are views of the grid function itself. Otherwise they are views of a copy with an additional
    layer of nodes on both sides along each periodic axis, which repeats the opposite side; `refresh` updates the copy.

    Args:
        stencil: The stencil that defines the window.
        u: A `padded` grid function.
    """

    def __init__(self, stencil: Stencil, u: Tensor) -> None:
        self._stencil = stencil
        grown = [k in stencil.periodic for k in range(stencil.start.ndim)]
        self._origin = [origin + more for origin, more in zip(stencil.origin, grown, strict=True)]
        if not stencil.periodic:
            self._memory, self._strides = u, stencil.start.stride()
            return
        shape = [size + 2 * more for size, more in zip(stencil.start.shape, grown, strict=True)]
        margin = math.prod(shape[1:])
        self._memory = u.new_zeros(math.prod(shape) + 2 * margin)[margin:-margin]
        self._grown = self._memory.view(shape)
        self._strides = self._grown.stride()
        self._inner = self._grown
        for axis in stencil.periodic:
            self._inner = self._inner.narrow(axis, 1, stencil.start.shape[axis])
        self._source = u.view(stencil.start.shape)

    def refresh(self) -> None:
        """Update the copy from the current values of the grid function."""
        if not self._stencil.periodic:
            return
        self._inner.copy_(self._source)
        for axis in self._stencil.periodic:
            last = self._grown.shape[axis] - 1
            self._grown.select(axis, 0).copy_(self._grown.select(axis, last - 1))
            self._grown.select(axis, last).copy_(self._grown.select(axis, 1))

    def views(self, *, first: tuple[int, ...] | None = None, step: int = 1) -> list[Tensor]:
        """The grid function at the neighbors, in the order of `Stencil.weights`; for the arguments see `Stencil.window`."""
        strides = self._strides
        return [
            self._stencil._shifted(self._memory, self._origin, strides, shift * strides[k], first=first, step=step)
            for k in range(len(strides))
            for shift in (-1, 1)
        ]


def difference_equations(grid: UniformGrid, problem: Problem) -> Stencil:
    """Second-order finite differences for a linear equation with Dirichlet and Robin conditions (float64, CPU).

    The equation ``-div(A grad u) + b . grad u + c u = f`` with a diagonal A is integrated over the cell of each unknown node,
    between the midpoints of its edges, and divided by the volume of a whole cell. Differences along the edges approximate the
    fluxes through the faces of the cell, with A at the midpoints of the edges, and the derivatives in both halves of the cell,
    with b at the node. At a node with a Robin condition the boundary cuts the cell, and the flux there is ``flux - alpha u``.
    The cell of a node on a periodic pair of sides has one half on each side, and fields are averaged over both sides. The matrix
    is therefore symmetric if b = 0, and the equations inside are the standard ones, with central differences for b . grad u.

    Raises:
        ProblemFileError: If a field is not finite, or the diffusion is negative, at a point of evaluation; if a boundary node is
            not covered by any part; if the equations have no solution, or may not have one.

    Source:
        Eymard, Gallouet, Herbin (2000), Finite volume methods, Handbook of Numerical Analysis 7, section 3.
    """
    conditions = nodal_conditions(grid, problem)
    is_dirichlet = conditions.is_dirichlet
    window = tuple(
        slice(int(is_dirichlet.select(k, 0).all()), size - int(is_dirichlet.select(k, size - 1).all()))
        for k, size in enumerate(grid.shape)
    )
    ends = [slice(w.start, w.stop + (k in grid.periodic)) for k, w in enumerate(window)]
    axes = [ticks[nodes] for ticks, nodes in zip(grid.ticks, ends, strict=True)]  # both sides of a periodic pair
    shape = tuple(w.stop - w.start for w in window)
    # If neither end of an axis is an unknown, all cells are whole along it, and a number suffices.
    inner = [k in grid.periodic or size == n - 1 for k, (size, n) in enumerate(zip(shape, grid.intervals, strict=True))]
    parts = [_ONE if inner[k] else cell_parts(grid, k).narrow(k, window[k].start, shape[k]) for k in range(len(shape))]
    volume = functools.reduce(torch.mul, parts)

    weights, symmetric = [], True
    for k, h in enumerate(grid.spacings):
        middles = (grid.ticks[k][1:] + grid.ticks[k][:-1]) / 2
        a = grid.folded(diffusion_on_grid(problem.equation, k, [*axes[:k], middles, *axes[k + 1 :]]), counted=[k])
        weight = functools.reduce(torch.mul, [part for j, part in enumerate(parts) if j != k], a / h**2)
        if inner[k] and not a.ndim:
            weights += [weight, weight]
        else:  # one number for each edge along the axis
            weight = weight[(None,) * (len(shape) - weight.ndim)]
            weight = weight.expand([n if j == k else -1 for j, n in enumerate(grid.intervals)])
            if k in grid.periodic:
                weights += [weight.roll(1, k), weight]
            else:  # zero for edges that leave the box
                outside = torch.zeros_like(weight.narrow(k, 0, 1))
                weight = torch.cat([outside, weight, outside], dim=k)
                weights += [weight.narrow(k, window[k].start + above, shape[k]) for above in (0, 1)]
        b = convection_on_grid(problem.equation, k, axes)
        if b is None:
            continue
        symmetric, b = False, grid.folded(b)
        # b (u_i - u_below) / 2h and b (u_above - u_i) / 2h, each if that neighbor exists
        half = functools.reduce(torch.mul, [part for j, part in enumerate(parts) if j != k], b / (2 * h))
        below, above = (_ONE, _ONE) if inner[k] else _halves(grid, k, window[k])
        weights[-2:] = [weights[-2] + half * below, weights[-1] - half * above]
    alpha, flux = (x[window] if x.ndim else x for x in (conditions.alpha, conditions.flux))
    reaction = grid.folded(reaction_on_grid(problem.equation, axes)) * volume + alpha

    unknown = ~is_dirichlet[window]
    there = _at_ticks(unknown, grid.periodic)
    load = torch.zeros(there.shape, dtype=torch.float64)
    load[there] = validated(problem.source, "[equation] source", tensor_product(axes)[there.reshape(-1)])
    load = grid.folded(load)
    load.mul_(volume).add_(flux)
    mean = None
    if BoundaryExtent(problem).is_singular(fixed=int(is_dirichlet.sum()), free=not reaction.any()):
        shares = volume.expand(shape) / volume.expand(shape).sum()
        load -= load.sum() * shares  # quadrature errors of an integral that is zero
        mean = None if is_dirichlet.any() else shares
    diagonal = functools.reduce(torch.add, weights, reaction)
    if not unknown.all():
        weights = [weight * unknown for weight in weights]
        diagonal = torch.where(unknown, diagonal, _ONE)
        load = torch.where(unknown, load, conditions.values[window])
    origin = tuple(w.start for w in window)
    stencil = Stencil(grid.periodic, origin, tuple(weights), diagonal, load, conditions.values, unknown, symmetric, mean)
    if mean is not None and not symmetric:
        _require_balance(stencil)
    return stencil


def _at_ticks(nodes: Tensor, periodic: Sequence[int]) -> Tensor:
    """Values at nodes extended to ticks: along a periodic axis the first value is repeated at the end."""
    for axis in periodic:
        nodes = torch.cat([nodes, nodes.narrow(axis, 0, 1)], dim=axis)
    return nodes


def _halves(grid: UniformGrid, axis: int, window: slice) -> tuple[Tensor, Tensor]:
    """Whether the nodes of a window have a neighbor below and above along an axis, 1 or 0; broadcasts to the window's shape."""
    numbers = torch.arange(grid.shape[axis])[window].reshape([-1 if k == axis else 1 for k in range(len(grid.shape))])
    return (numbers > 0).double(), (numbers < grid.intervals[axis]).double()


def _require_balance(stencil: Stencil) -> None:
    """Check that the columns of singular equations add up to zero; otherwise a load of mean zero does not make them solvable.

    Raises:
        SingularProblemError: If the columns do not add up to zero.
    """
    columns = stencil.system().matrix.sum(axis=0)
    if not abs(columns).max() <= _ROUNDING * float(stencil.diagonal.abs().max()):
        raise SingularProblemError(
            "with fluxes prescribed on the whole boundary, convection through it and no reaction, the equations determine u only "
            "up to a constant and may not have a solution: prescribe values on a part of the boundary, or add a reaction"
        )
