"""Uniform grids on boxes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from pdefreq.spaces.grids.equation_on_grid import tensor_product

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from pdefreq.core.shapes import Points
    from pdefreq.domains.box import Box


@dataclass(frozen=True)
class UniformGrid:
    """The nodes of a uniform grid on a box, boundary included, in C order (the last axis varies fastest).

    Args:
        box: The box.
        intervals: The number of intervals along each axis, at least 2. There is one more node, except along periodic axes.
        periodic: Axes along which functions are periodic; the last node is identified with the first and omitted.
    """

    box: Box
    intervals: tuple[int, ...]
    periodic: tuple[int, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of nodes along each axis."""
        return tuple(n + (k not in self.periodic) for k, n in enumerate(self.intervals))

    @property
    def spacings(self) -> tuple[float, ...]:
        """The mesh width along each axis."""
        return tuple(length / n for length, n in zip(self.box.lengths, self.intervals, strict=True))

    @property
    def mesh_width(self) -> float:
        return max(self.spacings)

    @property
    def size(self) -> int:
        """The number of nodes."""
        return math.prod(self.shape)

    @property
    def nodes(self) -> Points:
        return tensor_product(self.axes)

    @property
    def axes(self) -> list[Tensor]:
        """The coordinates of the nodes along each axis, float64."""
        return [ticks[:size] for ticks, size in zip(self.ticks, self.shape, strict=True)]

    @property
    def ticks(self) -> list[Tensor]:
        """The coordinates of the interval ends along each axis, including both ends of the box, float64."""
        return [
            torch.linspace(a, b, n + 1, dtype=torch.float64)
            for a, b, n in zip(self.box.lower, self.box.upper, self.intervals, strict=True)
        ]

    def folded(self, values: Tensor, *, counted: Sequence[int] = ()) -> Tensor:
        """Values at the nodes from values at all ticks; identified nodes get the mean of both sides.

        Args:
            values: An array of the shape of the ticks, or a number.
            counted: Axes along which the values are not at ticks and remain unchanged.
        """
        for axis in self.periodic if values.ndim else ():
            if axis not in counted:
                n = self.intervals[axis]
                first = (values.narrow(axis, 0, 1) + values.narrow(axis, n, 1)) / 2
                values = torch.cat([first, values.narrow(axis, 1, n - 1)], dim=axis)
        return values

    def points(self, index: Tensor) -> Points:
        """The nodes with the given indices, shape ``(n, d)``, float64."""
        places = torch.unravel_index(index, self.shape)
        return torch.stack([axis[place] for axis, place in zip(self.axes, places, strict=True)], dim=1)
