"""A smooth distance function and a smooth lifting for convex polygons with few sides."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, partial, reduce
from typing import TYPE_CHECKING

import torch

from pdefreq.core.fields import CallableField, Field

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Points, Values


class ConvexPolygon:
    """A convex polygon without collinear sides at any corner.

    Args:
        corners: The corners in order, shape ``(n, 2)``.
        normals: Outward unit normals of the sides, shape ``(n, 2)``; side k leads from corner k to the next.
    """

    def __init__(self, corners: Tensor, normals: Tensor) -> None:
        self._corners, self._normals = corners, normals

    def distance(self, sides: Sequence[int]) -> Field:
        """The product of the distances from the lines of sides, scaled to 1 at the mean of the corners.

        Args:
            sides: The indices of the sides.
        """
        scale = 1 / float(self._product(sides, self._corners.mean(dim=0, keepdim=True)))
        return CallableField(partial(self._product, sides, scale=scale))

    def lifting(self, g: Sequence[Field | None]) -> Field:
        """The sum over corners v of l_v (g(a) + g(b) - g(v)), in Wachspress coordinates l.

        The points a and b are on the two sides at v; the fraction of each side from v to a or b is the coordinate of the other
        corner of that side. On a side only the coordinates of its two ends are nonzero, so that both ends give x itself.
        If only one of the two sides has values, the term is l_v g(a).

        Args:
            g: The values on each side, which agree at common corners; None for sides without values.

        Source:
            Perronnet (1998), Triangle, tetrahedron, pentahedron transfinite interpolations, Numerical Grid Generation in
            Computational Field Simulations; Wachspress (1975), A Rational Finite Element Basis.
        """
        return CallableField(partial(self._lifted, g), smoothness=min(each.smoothness for each in g if each is not None))

    def _lifted(self, g: Sequence[Field | None], x: Points) -> Values:
        coordinates, corners, total = self.coordinates(x), self._corners.to(x), x.new_zeros(len(x))
        count = len(corners)
        for k, share in enumerate(coordinates):
            v, after, before = corners[k].expand_as(x), g[k], g[k - 1]
            value = x.new_zeros(1) if after is None or before is None else -after(corners[k : k + 1])
            for other, values in (((k + 1) % count, after), ((k - 1) % count, before)):
                if values is not None:
                    value = value + values(v + coordinates[other][:, None] * (corners[other] - v))
            total = total + share * value
        return total

    def coordinates(self, x: Points) -> tuple[Tensor, ...]:
        """The Wachspress coordinates of points for each corner, shape ``(n,)``, positive inside; their sum is 1."""
        heights = self._heights(x)
        count = len(heights)
        turns = self._turns.to(x)
        parts = [
            turns[k] * reduce(torch.mul, (heights[(k + j) % count] for j in range(1, count - 1))) for k in range(count)
        ]  # without the sides k - 1 and k, which meet in corner k
        total = reduce(torch.add, parts)
        return tuple(part / total for part in parts)

    def _heights(self, x: Points) -> tuple[Tensor, ...]:
        """The distances from the lines of the sides, positive inside."""
        return ((self._corners.to(x) - x[:, None]) * self._normals.to(x)).sum(dim=2).unbind(dim=1)

    def _product(self, sides: Sequence[int], x: Points, scale: float = 1.0) -> Values:
        heights = self._heights(x)
        return scale * reduce(torch.mul, (heights[k] for k in sides))

    @cached_property
    def _turns(self) -> Tensor:
        """The sines of the angles by which the boundary turns at the corners."""
        before, after = self._normals.roll(1, dims=0), self._normals
        return (before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]).abs()
