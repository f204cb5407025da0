"""Facets of the boundary, such as those of a mesh or of the cells of a grid, divided into pieces with one boundary part each.

In the plane, facets are divided where the conditions change. In space, facets are divided into equal pieces, and each piece has
the condition that holds at its center.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from pdefreq.problem.boundary_pieces import boundary_pieces

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Points
    from pdefreq.problem.boundary_conditions import BoundaryConditions

_DIVISIONS = 8  # number of pieces along each edge of a facet in space


@dataclass(frozen=True)
class FacetPieces:
    """Pieces of facets. Each belongs to one boundary part; together they cover the facets.

    Args:
        facet: The index of the facet of each piece, shape ``(m,)``.
        part: The index of the boundary part in ``conditions.boundary``, shape ``(m,)``.
        x: The middle of each piece, shape ``(m, d)``.
        size: The length or area of each piece, up to a factor that is the same for all pieces of a facet, shape ``(m,)``.
    """

    facet: Tensor
    part: Tensor
    x: Points
    size: Tensor

    @property
    def fraction(self) -> Tensor:
        """The fraction of its facet that each piece covers, shape ``(m,)``."""
        return self.size / self.size.new_zeros(int(self.facet.max()) + 1).index_add_(0, self.facet, self.size)[self.facet]


def divided_segments(conditions: BoundaryConditions, segments: Tensor, sides: Tensor) -> FacetPieces:
    """The pieces of facets in the plane.

    Args:
        conditions: The boundary conditions.
        segments: The facets, ``(F, 2, 2)``: facet, end, coordinate.
        sides: The index of the domain's built-in part for each facet, ``(F,)``.

    Raises:
        ProblemFileError: If no part contains one of the pieces.
    """
    pieces = boundary_pieces(conditions, segments, sides)
    facet, part, start, end, length = map(
        torch.from_numpy, (pieces.segment, pieces.part, pieces.start, pieces.end, pieces.length)
    )
    first, last = segments[facet].unbind(dim=1)
    return FacetPieces(facet, part, first + ((start + end) / 2)[:, None] * (last - first), length)


def divided_facets(conditions: BoundaryConditions, x: Points, size: Tensor, sides: Tensor) -> FacetPieces:
    """The pieces of facets in space, facet by facet; pieces of size zero are left out.

    Args:
        conditions: The boundary conditions.
        x: The centers of the pieces of each facet, ``(F, K, d)``, such as the images of `square_centers`.
        size: The area of each piece up to a factor for each facet, shape ``(K,)`` or ``(F, K)``.
        sides: The index of the domain's built-in part for each facet, ``(F,)``.

    Raises:
        ProblemFileError: If no part contains the center of a piece.
    """
    facet, number = (size.expand(x.shape[:2]) > 0).nonzero(as_tuple=True)
    x, size = x[facet, number], size.expand(x.shape[:2])[facet, number]
    return FacetPieces(facet, conditions.part_at(x, sides[facet]), x, size)


def square_centers(dimension: int = 2) -> Tensor:
    """The centers of equal pieces of the unit cube of a dimension, ``(8^dimension, dimension)``."""
    ticks = (torch.arange(_DIVISIONS, dtype=torch.float64) + 0.5) / _DIVISIONS
    return torch.cartesian_prod(*[ticks] * dimension).reshape(-1, dimension)


def triangle_centers() -> Tensor:
    """The centers of equal pieces of the triangle with the vertices (0, 0), (1, 0) and (0, 1), ``(64, 2)``."""
    corners = torch.cartesian_prod(*[torch.arange(_DIVISIONS, dtype=torch.float64)] * 2)
    lower, upper = corners.sum(dim=1) < _DIVISIONS, corners.sum(dim=1) < _DIVISIONS - 1
    return torch.cat([corners[lower] + 1 / 3, corners[upper] + 2 / 3]) / _DIVISIONS
