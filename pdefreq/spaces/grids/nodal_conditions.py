"""The boundary conditions of a problem at the nodes of a grid."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from pdefreq.core.validation import validated
from pdefreq.domains.samples import Samples

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.problem.problem import Problem
    from pdefreq.spaces.grids.uniform_grid import UniformGrid


@dataclass(frozen=True)
class NodalConditions:
    """The boundary conditions at each node, as tensors of the grid's shape.

    Args:
        is_dirichlet: Whether the value of the node is prescribed. This holds if the node is on any Dirichlet part.
        values: The prescribed values, from the first part that contains the node; zero at other nodes.
        alpha: The terms of Robin parts on the diagonal of the difference equations; 0-d if there are none.
        flux: The terms of Robin parts on the right-hand side; 0-d if there are none.
    """

    is_dirichlet: Tensor
    values: Tensor
    alpha: Tensor
    flux: Tensor


def nodal_conditions(grid: UniformGrid, problem: Problem) -> NodalConditions:
    """The boundary conditions at the nodes (float64, CPU).

    Raises:
        ProblemFileError: If a field is not finite, alpha is negative, or a boundary node is not covered by any part.
    """
    faces = list(_faces(grid, problem))
    prescribes = torch.tensor([part.kind == "dirichlet" for part in problem.boundary])
    none = len(problem.boundary)
    governor = torch.full((grid.size,), none)  # the part that prescribes the value of a node
    for nodes, part, _ in faces:
        governor[nodes] = torch.minimum(governor[nodes], torch.where(prescribes[part], part, none))
    is_dirichlet = governor < none
    robin = any(bool((~is_dirichlet[nodes]).any()) for nodes, _, _ in faces)
    values = torch.zeros(grid.size, dtype=torch.float64)
    alpha, flux = (torch.zeros(grid.size if robin else (), dtype=torch.float64) for _ in range(2))
    for i, condition in enumerate(problem.boundary):
        mine = (governor == i).nonzero().squeeze(1)
        values[mine] = validated(condition.value, "[boundary] value", grid.points(mine))
        for nodes, part, area in faces:
            there = (part == i) & ~is_dirichlet[nodes]
            mine, x = nodes[there], grid.points(nodes[there])
            if len(mine):
                alpha[mine] += area[there] * validated(condition.alpha, "[boundary] alpha", x, least=0)
                flux[mine] += area[there] * validated(condition.flux, "[boundary] flux", x)
    is_dirichlet, values, alpha, flux = (x.reshape(grid.shape) if x.ndim else x for x in (is_dirichlet, values, alpha, flux))
    return NodalConditions(is_dirichlet, values, alpha, flux)


def cell_parts(grid: UniformGrid, axis: int) -> Tensor:
    """The fraction of each node's cell inside the box along one axis, 1/2 at the ends; broadcasts to the grid's shape."""
    parts = torch.ones(grid.shape[axis], dtype=torch.float64)
    if axis not in grid.periodic:
        parts[[0, -1]] = 0.5
    return parts.reshape([-1 if k == axis else 1 for k in range(len(grid.shape))])


def _faces(grid: UniformGrid, problem: Problem) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """For each face that is not periodic: its nodes, the boundary part of each, and its area per cell volume at the node."""
    number = torch.arange(grid.size).reshape(grid.shape)
    for k, h in enumerate(grid.spacings):
        if k in grid.periodic:
            continue
        others = [cell_parts(grid, j) for j in range(len(grid.shape)) if j != k]
        for end in (0, 1):
            nodes = number.narrow(k, end * grid.intervals[k], 1)
            area = functools.reduce(torch.mul, others, torch.ones(nodes.shape, dtype=torch.float64)).reshape(-1)
            nodes = nodes.reshape(-1)
            side = torch.full_like(nodes, 2 * k + end)
            yield nodes, problem.part_of(Samples(grid.points(nodes), area, parts=side)), area / h
