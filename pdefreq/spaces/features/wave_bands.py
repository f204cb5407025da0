"""Sets of wavevectors from which features are drawn, which are unions of equal cells."""

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
_JITTER = 0.5  # part of a cell in which its wavevector is drawn


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
        """All wavevectors whose components have moduli up to given numbers, in cells with sides of about one."""
        high = torch.tensor(largest, dtype=torch.float64)
        numbers = [min(max(1, round(each)), _MOST_CELLS) for each in largest]
        width = high / torch.tensor(numbers, dtype=torch.float64)
        axes = [torch.arange(number, dtype=torch.float64) for number in numbers]
        return cls(torch.cartesian_prod(*axes).reshape(-1, len(high)) * width, width)

    @classmethod
    def around(cls, points: Tensor, margin: Sequence[float], *, within: Sequence[float] = (), weak: Tensor | None = None) -> Self:
        """The wavevectors near points, ``(m, d)``, nonnegative, and near zero.

        The union of the cubes of cells around the cells of the points, with five cells along each axis. A cell is half a margin
        wide along each axis, so that all wavevectors within the margin of a point are included.

        Args:
            points: The points.
            margin: The margin along each axis.
            within: Numbers, one for each axis; wavevectors whose components have moduli up to them are included, too.
            weak: Further points, from which all wavevectors within half of the margin are included.
        """
        d = points.shape[1]
        width = torch.tensor(margin, dtype=torch.float64) / 2
        near = _dilated(torch.cat([points.new_zeros(1, d), points]) / width, 2)
        if weak is not None:
            near |= _dilated(weak / width, 1)
        if within:
            near |= {*itertools.product(*(range(math.ceil(a / b)) for a, b in zip(within, width.tolist(), strict=True)))}
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

        All cells, with all signs, contain the same number of wavevectors up to one. These lie near the midpoints of equal parts
        of the cell, because wavevectors that are close to each other leave gaps elsewhere. Since w and -w give the same waves,
        the first component is positive.
        """
        d = len(self.widths)
        signs = torch.tensor([(1.0, *others) for others in itertools.product((1.0, -1.0), repeat=d - 1)], dtype=torch.float64)
        places = len(self.corners) * len(signs)
        rounds, rest = divmod(number, places)
        some = torch.randperm(places, generator=generator)[:rest]
        chosen = torch.cat([torch.arange(places).repeat(rounds), some])
        inside = 0.5 + _JITTER * (torch.rand(number, d, generator=generator, dtype=torch.float64) - 0.5)
        part = torch.arange(rounds).repeat_interleave(places)
        inside[: len(part), 0] = (inside[: len(part), 0] + part) / max(rounds, 1)
        cell, sign = chosen // len(signs), chosen % len(signs)
        return signs[sign] * (self.corners[cell] + inside * self.widths)


def _dilated(points: Tensor, reach: int) -> set[tuple[int, ...]]:
    """The unit cells of points ``(m, d)`` and their neighbors up to a number of cells along each axis."""
    cells = {tuple(cell) for cell in points.double().floor().long().tolist()}
    steps = [*itertools.product(range(-reach, reach + 1), repeat=points.shape[1])]
    return {tuple(a + b for a, b in zip(cell, step, strict=True)) for cell in cells for step in steps}
