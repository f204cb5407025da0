"""Sets of holes, and the distance functions and liftings of domains with holes."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import TYPE_CHECKING

import numpy as np
import torch

from pdefreq.domains.geometry.in_pieces import InPieces, pieces
from pdefreq.domains.geometry.lifting import off_zero, on_rays

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.fields import Field
    from pdefreq.core.shapes import Points, Values
    from pdefreq.domains.domain import Domain
    from pdefreq.domains.geometry.convex import Convex

_ROUNDINGS = 64  # tolerance, in units of the rounding error, for points on the boundary of a hole


class Holes(ABC):
    """Closed sets that are removed from a domain."""

    @abstractmethod
    def __len__(self) -> int: ...

    @property
    @abstractmethod
    def smoothness(self) -> float:
        """The smoothness of the levels."""

    @abstractmethod
    def levels(self, x: Points, which: Tensor | None = None) -> Tensor:
        """Functions that are zero on the boundary of a hole, positive outside, negative inside, and smooth except at its corners.

        Args:
            x: Points, shape ``(n, d)``.
            which: The index of a hole for each point, shape ``(n,)``; None for all holes.

        Returns:
            Levels of shape ``(n,)``, or ``(n, F)`` for all holes.
        """

    @abstractmethod
    def gaps(self, x: Points, which: Tensor | None = None) -> Tensor:
        """The levels, scaled to approximate the distance near the boundary of a hole."""

    @abstractmethod
    def leave_out(self, x: Points) -> Tensor:
        """Whether each point is outside all open holes, up to rounding, shape ``(n,)``."""

    @abstractmethod
    def nearby(self, x: Points, which: Tensor) -> Points:
        """A point on the boundary of a hole for each point outside.

        Args:
            x: Points, shape ``(n, d)``.
            which: The index of the hole for each point, shape ``(n,)``.
        """


@dataclass(frozen=True)
class Solids(Holes):
    """Ellipsoids and boxes with axes along the coordinates.

    Args:
        midpoints: The centers, shape ``(F, d)``.
        halves: The half axes, shape ``(F, d)``.
        round: Whether each set is an ellipsoid, shape ``(F,)``, bool.
    """

    midpoints: Tensor
    halves: Tensor
    round: Tensor

    @classmethod
    def of(cls, sets: Sequence[Convex], dimension: int) -> Solids:
        """The sets as tensors."""
        return cls(
            torch.from_numpy(np.array([s.midpoint for s in sets]).reshape(-1, dimension)),
            torch.from_numpy(np.array([s.half for s in sets]).reshape(-1, dimension)),
            torch.tensor([s.round for s in sets], dtype=torch.bool),
        )

    def __len__(self) -> int:
        return len(self.round)

    @property
    def smoothness(self) -> float:
        """The smoothness of the levels: at distance r from the corner of a box, second derivatives grow like 1 / r."""
        return math.inf if self.midpoints.shape[1] == 1 or bool(self.round.all()) else 1

    def levels(self, x: Points, which: Tensor | None = None) -> Tensor:
        """See `Holes`; the levels are at least -1."""
        m, a, round_ = self.midpoints.to(x), self.halves.to(x), self.round.to(x.device)
        if which is None:
            x = x[:, None, :]
        else:
            m, a, round_ = m[which], a[which], round_[which]
        squares = [((x[..., k] - m[:, k]) / a[:, k]).square() for k in range(x.shape[-1])]
        ellipsoids = reduce(torch.add, squares) - 1
        if bool(self.round.all()):
            return ellipsoids
        # The R-function of Rvachev for "and", a + b - sqrt(a^2 + b^2), is positive if a and b are (Shapiro, 2007, eq. 4.4).
        boxes = reduce(lambda a, b: a + b - torch.hypot(a, b), [1 - square for square in squares])
        return torch.where(round_, ellipsoids, -boxes)

    def gaps(self, x: Points, which: Tensor | None = None) -> Tensor:
        sizes = self.halves.amin(dim=1).to(x) / 2
        return self.levels(x, which) * (sizes if which is None else sizes[which])

    def leave_out(self, x: Points) -> Tensor:
        eccentric = self.midpoints.abs().amax(dim=1) / self.halves.amin(dim=1)
        slack = _ROUNDINGS * torch.finfo(x.dtype).eps * (1 + eccentric).to(x)
        return torch.cat([(self.levels(piece) >= -slack).all(dim=1) for piece in pieces(x, len(self))])

    def nearby(self, x: Points, which: Tensor) -> Points:
        """For an ellipsoid, the boundary point on the ray from its midpoint; for a box, the nearest point."""
        m, a = self.midpoints.to(x)[which], self.halves.to(x)[which]
        nearest = torch.minimum(torch.maximum(x, m - a), m + a)
        return torch.where(self.round.to(x.device)[which, None], on_rays(x, m, a)[0], nearest)


@dataclass(frozen=True)
class Single(Holes):
    """A single hole of another shape.

    Args:
        shape: A domain with `outside` and `nearest`.
    """

    shape: Domain

    def __len__(self) -> int:
        return 1

    @property
    def smoothness(self) -> float:
        return self._outside.smoothness

    def levels(self, x: Points, which: Tensor | None = None) -> Tensor:
        values = self._outside(x)
        return values[:, None] if which is None else values

    def gaps(self, x: Points, which: Tensor | None = None) -> Tensor:
        return self.levels(x, which)

    def leave_out(self, x: Points) -> Tensor:
        size = max(map(abs, (*self.shape.bounds[0], *self.shape.bounds[1])))
        return self._outside(x) >= -_ROUNDINGS * torch.finfo(x.dtype).eps * size

    def nearby(self, x: Points, which: Tensor) -> Points:
        return self.shape.nearest(x)

    @cached_property
    def _outside(self) -> Field:
        return self.shape.outside()


@dataclass(frozen=True)
class Assorted(Holes):
    """Holes of different kinds.

    Args:
        members: Single holes, each a `Holes` of length 1.
    """

    members: tuple[Holes, ...]

    def __len__(self) -> int:
        return len(self.members)

    @property
    def smoothness(self) -> float:
        return min(member.smoothness for member in self.members)

    def levels(self, x: Points, which: Tensor | None = None) -> Tensor:
        if which is None:
            return torch.cat([member.levels(x) for member in self.members], dim=1)
        return self._each(x, which, lambda member, x: member.levels(x)[:, 0])

    def gaps(self, x: Points, which: Tensor | None = None) -> Tensor:
        if which is None:
            return torch.cat([member.gaps(x) for member in self.members], dim=1)
        return self._each(x, which, lambda member, x: member.gaps(x)[:, 0])

    def leave_out(self, x: Points) -> Tensor:
        return torch.stack([member.leave_out(x) for member in self.members]).all(dim=0)

    def nearby(self, x: Points, which: Tensor) -> Points:
        return self._each(x, which, lambda member, x: member.nearby(x, torch.zeros_like(x[:, 0], dtype=torch.long)))

    def _each(self, x: Points, which: Tensor, evaluate: Callable[[Holes, Points], Tensor]) -> Tensor:
        """The results for each point with its own member, in the order of the points."""
        mine = [(which == k).nonzero()[:, 0] for k in range(len(self))]
        values = torch.cat([evaluate(member, x[here]) for member, here in zip(self.members, mine, strict=True)])
        return values[torch.cat(mine).argsort()]


def holes_of(shapes: Sequence[Domain], dimension: int) -> Holes:
    """The holes with these shapes: `Solids` if all are ellipsoids and boxes, otherwise `Assorted`."""
    sets = [shape.convex for shape in shapes]
    convex = [each for each in sets if each is not None]
    if len(convex) == len(sets):
        return Solids.of(convex, dimension)
    return Assorted(tuple(Solids.of([c], dimension) if c else Single(s) for c, s in zip(sets, shapes, strict=True)))


class DistanceWithHoles(InPieces):
    """``1 / (1 / base + size sum_i 1 / gap_i)``, smooth, zero on all boundaries, and near each dominated by its own term.

    With many holes it remains of the order of the distance between them; a product over the holes would be exponentially small.

    Args:
        base: The dimensionless distance function of the domain without holes.
        size: A length for which `size` times `base` approximates the distance near the boundary.
        solids: The holes.

    Source:
        Biswas and Shapiro (2004), Approximate distance fields with non-vanishing gradients, Graphical Models 66, section 3.
    """

    def __init__(self, base: Field, size: float, solids: Holes) -> None:
        super().__init__(len(solids))
        self._base, self._size, self._solids = base, size, solids
        self.smoothness = min(base.smoothness, solids.smoothness)

    def evaluated(self, x: Points) -> Values:
        gaps = off_zero(torch.cat([self._base(x)[:, None], self._solids.gaps(x) / self._size], dim=1))
        least = gaps.abs().amin(dim=1, keepdim=True).detach()
        return least[:, 0] / (least / gaps).sum(dim=1)


class LiftingWithHoles(InPieces):
    """The lifting of the domain without holes, blended with the values at near points of the holes within reach.

    The weights are 1 / gap, for a hole multiplied by ``(1 - gap / reach)^2`` and zero beyond, so that only few holes contribute.

    Args:
        g: The boundary values, or those on each hole.
        lifting: The lifting of `g` into the domain without holes.
        base: The distance function of the domain without holes.
        size: As in `DistanceWithHoles`.
        solids: The holes.
        reach: The gap beyond which a hole has no weight.

    Source:
        Franke and Nielson (1980), Smooth interpolation of large sets of scattered data, Int. J. Numer. Meth. Eng. 15.
    """

    def __init__(self, g: Field | Sequence[Field], lifting: Field, base: Field, size: float, solids: Holes, reach: float) -> None:
        super().__init__(len(solids))
        self._g, self._lifting, self._base = g, lifting, base
        self._size, self._solids, self._reach = size, solids, reach
        within = 2  # the second derivative of a hole's weight jumps at the gap `reach`
        self.smoothness = min(within, lifting.smoothness, base.smoothness, solids.smoothness)

    def evaluated(self, x: Points) -> Values:
        with torch.no_grad():
            point, hole = (self._solids.gaps(x) < self._reach).nonzero(as_tuple=True)
        gap, far = off_zero(self._solids.gaps(x[point], hole)), off_zero(self._size * self._base(x))
        least = far.detach().scatter_reduce(0, point, gap.detach(), "amin")
        weight, outer = least[point] / gap * (1 - gap / self._reach) ** 2, least / far
        values = weight * self._values(self._solids.nearby(x[point], hole), hole)
        return (outer * self._lifting(x)).index_add(0, point, values) / outer.index_add(0, point, weight)

    def _values(self, x: Points, hole: Tensor) -> Values:
        """The boundary values at points on holes."""
        if not isinstance(self._g, Sequence):
            return self._g(x)
        different = list(dict.fromkeys(self._g))  # holes usually share a function
        index = x.new_tensor([different.index(g) for g in self._g], dtype=torch.long)[hole]
        mine = [(index == k).nonzero()[:, 0] for k in range(len(different))]
        values = torch.cat([g(x[here]) for g, here in zip(different, mine, strict=True)])
        return values[torch.cat(mine).argsort()]
