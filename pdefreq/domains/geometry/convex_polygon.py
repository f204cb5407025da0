"""A smooth distance and a smooth lifting of convex polygons with few sides: polynomials and rational functions."""

from __future__ import annotations

from functools import cached_property, reduce
from typing import TYPE_CHECKING

import torch

from pdefreq.core.fields import CallableField, Field

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Points, Values


class ConvexPolygon:
    """A convex polygon each of whose corners turns.

    Args:
        corners: In their order, shape ``(n, 2)``.
        normals: Outward unit normals of the sides, shape ``(n, 2)``; side k leads from corner k to the next.
    """

    def __init__(self, corners: Tensor, normals: Tensor) -> None:
        self._corners, self._normals = corners, normals

    def distance(self) -> Field:
        """The product of the distances from the lines of all sides, 1 at the mean of the corners."""
        scale = 1 / float(self._product(self._corners.mean(dim=0, keepdim=True)))
        return CallableField(lambda x: scale * self._product(x))

    def lifting(self, g: Field) -> Field:
        """The sum over corners v of l_v (g(a) + g(b) - g(v)), in Wachspress coordinates l.

        Here a and b lie on the two sides of v: their shares of the way to the next corner are the coordinates of that corner.
        On a side only the coordinates of its ends are not zero, so both of them find the point itself.

        Source:
            Perronnet (1998), Triangle, tetrahedron, pentahedron transfinite interpolations, Numerical Grid Generation in
            Computational Field Simulations; Wachspress (1975), A Rational Finite Element Basis.
        """

        def lift(x: Points) -> Values:
            coordinates, corners, total = self.coordinates(x), self._corners.to(x), x.new_zeros(len(x))
            count = len(corners)
            for k, share in enumerate(coordinates):
                v, value = corners[k].expand_as(x), -g(corners[k : k + 1])
                for other in ((k + 1) % count, (k - 1) % count):
                    value = value + g(v + coordinates[other][:, None] * (corners[other] - v))
                total = total + share * value
            return total

        return CallableField(lift, smoothness=g.smoothness)

    def coordinates(self, x: Points) -> tuple[Tensor, ...]:
        """Wachspress coordinates of points: of each corner, shape ``(n,)``, positive inside; their sum is 1."""
        heights = self._heights(x)
        count = len(heights)
        turns = self._turns.to(x)
        parts = [
            turns[k] * reduce(torch.mul, (heights[(k + j) % count] for j in range(1, count - 1))) for k in range(count)
        ]  # without the sides k - 1 and k, which meet in corner k
        total = reduce(torch.add, parts)
        return tuple(part / total for part in parts)

    def _heights(self, x: Points) -> tuple[Tensor, ...]:
        """The distance from the line of each side, positive inside."""
        return ((self._corners.to(x) - x[:, None]) * self._normals.to(x)).sum(dim=2).unbind(dim=1)

    def _product(self, x: Points) -> Values:
        return reduce(torch.mul, self._heights(x))

    @cached_property
    def _turns(self) -> Tensor:
        """The sine of the angle by which the boundary turns at each corner."""
        before, after = self._normals.roll(1, dims=0), self._normals
        return (before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]).abs()
