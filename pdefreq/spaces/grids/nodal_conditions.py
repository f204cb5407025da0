"""The boundary conditions of a problem at the nodes of a grid."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from pdefreq.core.validation import validated
from pdefreq.problem.boundary_extent import BoundaryExtent
from pdefreq.problem.boundary_pieces import boundary_pieces
from pdefreq.problem.facet_pieces import FacetPieces, divided_facets, divided_segments, square_centers

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Points
    from pdefreq.problem.boundary_conditions import BoundaryPart
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
        IncompatibleError: If a Dirichlet part contains no node.
    """
    faces = list(_faces(grid, problem))
    prescribes = torch.tensor([part.kind == "dirichlet" for part in problem.boundary])
    none = len(problem.boundary)
    governor = torch.full((grid.size,), none)  # the part that prescribes the value of a node
    for face in faces:
        governor[face.nodes] = torch.minimum(governor[face.nodes], torch.where(prescribes[face.part], face.part, none))
    _require_nodes(grid, problem, faces)
    is_dirichlet = governor < none
    robin = any(bool((~is_dirichlet[face.nodes]).any()) for face in faces)
    values = torch.zeros(grid.size, dtype=torch.float64)
    alpha, flux = (torch.zeros(grid.size if robin else (), dtype=torch.float64) for _ in range(2))
    for i, condition in enumerate(problem.boundary):
        mine = (governor == i).nonzero().squeeze(1)
        values[mine] = validated(condition.value, "[boundary] value", grid.points(mine))
        for cells in (face.cells for face in faces):
            there = (cells.part == i) & ~is_dirichlet[cells.nodes]
            mine, x, area = cells.nodes[there], cells.x[there], cells.area[there]
            if len(mine) and condition.kind == "robin":
                alpha.index_add_(0, mine, area * validated(condition.alpha, "[boundary] alpha", x, least=0))
                flux.index_add_(0, mine, area * validated(condition.flux, "[boundary] flux", x))
    is_dirichlet, values, alpha, flux = (x.reshape(grid.shape) if x.ndim else x for x in (is_dirichlet, values, alpha, flux))
    return NodalConditions(is_dirichlet, values, alpha, flux)


def cell_parts(grid: UniformGrid, axis: int) -> Tensor:
    """The fraction of each node's cell inside the box along one axis, 1/2 at the ends; broadcasts to the grid's shape."""
    parts = torch.ones(grid.shape[axis], dtype=torch.float64)
    if axis not in grid.periodic:
        parts[[0, -1]] = 0.5
    return parts.reshape([-1 if k == axis else 1 for k in range(len(grid.shape))])


@dataclass(frozen=True)
class _Cells:
    """The faces of cells on the boundary, divided by boundary part.

    Args:
        nodes: The index of the node of each cell.
        part: The boundary part.
        area: The area of the face on this part, divided by the volume of a whole cell.
        x: The point at which data are evaluated: the node, or the middle of the piece if the face belongs to several parts.
    """

    nodes: Tensor
    part: Tensor
    area: Tensor
    x: Points


@dataclass(frozen=True)
class _Face:
    """A face of the box: its nodes with their coordinates, the boundary part that contains each, and the faces of their cells."""

    side: int
    nodes: Tensor
    x: Points
    part: Tensor
    cells: _Cells

    def holds(self, problem: Problem, part: BoundaryPart) -> bool:
        """Whether a part contains a node, which may belong to an earlier part."""
        return bool(problem.holds_at(part, self.x, self.side).any())


def _faces(grid: UniformGrid, problem: Problem) -> Iterator[_Face]:
    """The faces that are not periodic."""
    number = torch.arange(grid.size).reshape(grid.shape)
    for k, h in enumerate(grid.spacings):
        if k in grid.periodic:
            continue
        others = [cell_parts(grid, j) for j in range(len(grid.shape)) if j != k]
        for end in (0, 1):
            nodes = number.narrow(k, end * grid.intervals[k], 1)
            area = functools.reduce(torch.mul, others, torch.ones(nodes.shape, dtype=torch.float64)).reshape(-1)
            nodes, side = nodes.reshape(-1), 2 * k + end
            x = grid.points(nodes)
            part = problem.part_at(x, side)
            whole = _Cells(nodes, part, area / h, x)
            yield _Face(side, nodes, x, part, _divided(grid, problem, side, whole) if problem.has_regions else whole)


def _divided(grid: UniformGrid, problem: Problem, side: int, whole: _Cells) -> _Cells:
    """The faces of cells on a side, those on several parts divided."""
    if len(grid.shape) == 1:
        return whole
    pieces = (_in_plane if len(grid.shape) == 2 else _in_space)(grid, problem, side, whole.x)
    owner, part, x = pieces.facet, pieces.part, pieces.x
    prescribes = torch.tensor([part.kind == "dirichlet" for part in problem.boundary])
    unknown = prescribes[part]  # the flux there: a node with a Robin condition has this condition on the whole piece
    part, x = torch.where(unknown, whole.part[owner], part), torch.where(unknown[:, None], whole.x[owner], x)
    mixed = torch.zeros(len(whole.nodes), dtype=torch.bool)
    mixed[owner[part != whole.part[owner]]] = True
    kept, split = ~mixed, mixed[owner]
    return _Cells(
        torch.cat([whole.nodes[kept], whole.nodes[owner[split]]]),
        torch.cat([whole.part[kept], part[split]]),
        torch.cat([whole.area[kept], pieces.fraction[split] * whole.area[owner[split]]]),
        torch.cat([whole.x[kept], x[split]]),
    )


def _in_plane(grid: UniformGrid, problem: Problem, side: int, x: Points) -> FacetPieces:
    """The pieces of the cells of nodes ``x`` on a side of a rectangle."""
    sides, n = grid.box.straight_sides, grid.intervals[1 - side // 2]
    assert sides is not None
    start, stop = sides[side]
    ends = start + ((torch.arange(n + 2, dtype=torch.float64) - 1 / 2) / n).clamp(0, 1)[:, None] * (stop - start)
    segments = torch.stack([ends[:-1], ends[1:]], dim=1)
    pieces = divided_segments(problem, segments, torch.full((n + 1,), side))
    return replace(pieces, facet=pieces.facet % len(x))  # the first and the last half cell are one cell on a periodic side


def _in_space(grid: UniformGrid, problem: Problem, side: int, x: Points) -> FacetPieces:
    """The pieces of the cells of nodes ``x`` on a side of a box. Cells of outer nodes extend beyond the box, or over its ends."""
    others = [k for k in range(len(grid.shape)) if k != side // 2]
    offsets = (square_centers(len(others)) - 1 / 2) * torch.tensor([grid.spacings[k] for k in others], dtype=torch.float64)
    centers = x[:, None].repeat(1, len(offsets), 1)
    centers[..., others] += offsets
    for k in grid.periodic:
        centers[..., k] = grid.box.lower[k] + (centers[..., k] - grid.box.lower[k]) % grid.box.lengths[k]
    inside = grid.box.contains(centers.flatten(0, 1)).view(centers.shape[:2])
    return divided_facets(problem, centers, inside.double(), torch.full((len(x),), side))


def _require_nodes(grid: UniformGrid, problem: Problem, faces: list[_Face]) -> None:
    """Check that each Dirichlet part with a condition contains a node.

    Raises:
        IncompatibleError: If a part lies between the nodes; the message contains the mesh width that resolves it.
    """
    for k, condition in enumerate(problem.boundary):
        if condition.kind != "dirichlet" or condition.where is None or any(face.holds(problem, condition) for face in faces):
            continue
        sides = problem.domain.straight_sides
        pieces = None if sides is None else boundary_pieces(problem, sides, torch.arange(len(sides)))
        BoundaryExtent(problem).require_resolved(k, 0.0 if pieces is None else pieces.widest(k), grid.mesh_width)
