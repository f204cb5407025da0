"""Sets of wavenumbers from which features are drawn: unions of equal cells."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import torch

if TYPE_CHECKING:
    from torch import Tensor


_MOST_CELLS = 128  # along each axis of a box


@dataclass(frozen=True, eq=False)
class WaveBands:
    """The wavevectors whose components have moduli in a union of equal cells.

    Args:
        corners: The lower corners of the cells, none of which overlap, ``(c, d)``, nonnegative, float64.
        widths: The sides of a cell, ``(d,)``.
    """

    corners: Tensor
    widths: Tensor

    @classmethod
    def box(cls, largest: Sequence[float]) -> Self:
        """All wavevectors whose components are at most given numbers, in cells of sides of about one."""
        high = torch.tensor(largest, dtype=torch.float64)
        numbers = [min(max(1, round(each)), _MOST_CELLS) for each in largest]
        width = high / torch.tensor(numbers, dtype=torch.float64)
        axes = [torch.arange(number, dtype=torch.float64) for number in numbers]
        return cls(torch.cartesian_prod(*axes).reshape(-1, len(high)) * width, width)

    @classmethod
    def around(cls, points: Tensor, margin: Sequence[float]) -> Self:
        """The wavevectors near points, ``(m, d)``, nonnegative, and near zero.

        The cells have half of the margin as sides. The cell of each point is included with two neighbors on either side along
        each axis, so that all wavevectors within the margin of a point are.
        """
        d = points.shape[1]
        width = torch.tensor(margin, dtype=torch.float64) / 2
        cells = {(0,) * d, *map(tuple, (points.double() / width).floor().long().tolist())}
        steps = [*itertools.product(range(-2, 3), repeat=d)]
        near = {tuple(a + b for a, b in zip(cell, step, strict=True)) for cell in cells for step in steps}
        found = torch.tensor(sorted(cell for cell in near if min(cell) >= 0), dtype=torch.float64)
        return cls(found * width, width)

    @property
    def largest(self) -> tuple[float, ...]:
        """The largest modulus of each component."""
        return tuple((self.corners.amax(dim=0) + self.widths).tolist())

    @property
    def volume(self) -> float:
        """The volume of the set, with all signs of the components."""
        return len(self.corners) * math.prod((2 * self.widths).tolist())

    @property
    def is_box(self) -> bool:
        """Whether the set consists of all wavevectors up to the largest ones."""
        return math.isclose(self.volume, math.prod(2 * high for high in self.largest), rel_tol=1e-9)

    def scaled(self, factors: Sequence[float]) -> WaveBands:
        """The same set with each component multiplied by a factor."""
        by = torch.tensor(factors, dtype=torch.float64)
        return WaveBands(self.corners * by, self.widths * by)

    def draw(self, number: int, generator: torch.Generator) -> Tensor:
        """Random wavevectors, uniform in the set, ``(number, d)``.

        The cells, each with all signs, get the same number of wavevectors up to one, at random places: independent wavevectors
        leave gaps, which cost one to two digits on the square with holes. Since w and -w give the same waves, the first component
        is positive.
        """
        d = len(self.widths)
        signs = torch.tensor([(1.0, *others) for others in itertools.product((1.0, -1.0), repeat=d - 1)], dtype=torch.float64)
        places = len(self.corners) * len(signs)
        rounds, rest = divmod(number, places)
        some = torch.randperm(places, generator=generator)[:rest]
        chosen = torch.cat([torch.arange(places).repeat(rounds), some])
        inside = torch.rand(number, d, generator=generator, dtype=torch.float64)
        cell, sign = chosen // len(signs), chosen % len(signs)
        return signs[sign] * (self.corners[cell] + inside * self.widths)
