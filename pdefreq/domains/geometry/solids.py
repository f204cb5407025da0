"""Many holes at once: how far points are from each, and what that makes a distance and a lifting."""

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

_ROUNDINGS = 64  # how far inside a point of an edge may seem to lie


class Holes(ABC):
    """Closed sets that are taken out of a domain."""

    @abstractmethod
    def __len__(self) -> int: ...

    @property
    @abstractmethod
    def smoothness(self) -> float:
        """Of the levels."""

    @abstractmethod
    def levels(self, x: Points, which: Tensor | None = None) -> Tensor:
        """Zero on the edge of a hole, positive outside and negative inside, smooth off its corners.

        Args:
            x: Points, shape ``(n, d)``.
            which: The hole that each point is held against, shape ``(n,)``; None for all.

        Returns:
            Shape ``(n,)``, or ``(n, F)`` for all.
        """

    @abstractmethod
    def gaps(self, x: Points, which: Tensor | None = None) -> Tensor:
        """The levels, scaled so that near the edge they are like the distance from it."""

    @abstractmethod
    def leave_out(self, x: Points) -> Tensor:
        """Whether each point lies in none of the open holes, to rounding, shape ``(n,)``."""

    @abstractmethod
    def nearby(self, x: Points, which: Tensor) -> Points:
        """A point of the edge of a hole for each point outside.

        Args:
            x: Points, shape ``(n, d)``.
            which: The hole of each, shape ``(n,)``.
        """


@dataclass(frozen=True)
class Solids(Holes):
    """Ellipsoids and boxes, all axes along the coordinates.

    Args:
        midpoints: Shape ``(F, d)``.
        halves: Half axes, shape ``(F, d)``.
        round: Which of them are ellipsoids, shape ``(F,)``, bool.
    """

    midpoints: Tensor
    halves: Tensor
    round: Tensor

    @classmethod
    def of(cls, sets: Sequence[Convex], dimension: int) -> Solids:
        """The same sets, as tensors."""
        return cls(
            torch.from_numpy(np.array([s.midpoint for s in sets]).reshape(-1, dimension)),
            torch.from_numpy(np.array([s.half for s in sets]).reshape(-1, dimension)),
            torch.tensor([s.round for s in sets], dtype=torch.bool),
        )

    def __len__(self) -> int:
        return len(self.round)

    @property
    def smoothness(self) -> float:
        """Of the levels: near the corner of a box they are like the distance r from it, second derivatives like 1 / r."""
        return math.inf if self.midpoints.shape[1] == 1 or bool(self.round.all()) else 1

    def levels(self, x: Points, which: Tensor | None = None) -> Tensor:
        """At least -1 inside."""
        m, a, round_ = self.midpoints.to(x), self.halves.to(x), self.round.to(x.device)
        if which is None:
            x = x[:, None, :]
        else:
            m, a, round_ = m[which], a[which], round_[which]
        squares = [((x[..., k] - m[:, k]) / a[:, k]).square() for k in range(x.shape[-1])]
        ellipsoids = reduce(torch.add, squares) - 1
        if bool(self.round.all()):
            return ellipsoids
        # The R-function of Rvachev for "and": a + b - sqrt(a^2 + b^2) is positive where both are (Shapiro, 2007, eq. 4.4).
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
        """On the ray from the midpoint of an ellipsoid; the nearest point of a box."""
        m, a = self.midpoints.to(x)[which], self.halves.to(x)[which]
        nearest = torch.minimum(torch.maximum(x, m - a), m + a)
        return torch.where(self.round.to(x.device)[which, None], on_rays(x, m, a)[0], nearest)


@dataclass(frozen=True)
class Single(Holes):
    """One hole of another shape.

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
    """Holes of different kinds, one after the other.

    Args:
        members: Holes of length 1.
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
        """Each point held against its own member, in the order of the points."""
        mine = [(which == k).nonzero()[:, 0] for k in range(len(self))]
        values = torch.cat([evaluate(member, x[here]) for member, here in zip(self.members, mine, strict=True)])
        return values[torch.cat(mine).argsort()]


def holes_of(shapes: Sequence[Domain], dimension: int) -> Holes:
    """Holes of these shapes: all at once where each is an ellipsoid or a box, else one by one."""
    sets = [shape.convex for shape in shapes]
    convex = [each for each in sets if each is not None]
    if len(convex) == len(sets):
        return Solids.of(convex, dimension)
    return Assorted(tuple(Solids.of([c], dimension) if c else Single(s) for c, s in zip(sets, shapes, strict=True)))


class DistanceWithHoles(InPieces):
    """``1 / (1 / base + size sum_i 1 / gap_i)``: smooth, zero on all edges, and near each as the term of that edge alone.

    Many holes leave it as large as the room between them; a product of factors for each hole would be exponentially small.

    Args:
        base: The distance of the domain without holes, without unit.
        size: The length that this times `base` is near the boundary, about.
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
    """The lifting of the domain without holes, blended with the values at the near points of the holes within reach.

    Weights are 1 / gap, for a hole times ``(1 - gap / reach)^2``, zero beyond: a point sees few of many holes.

    Args:
        g: The boundary values.
        lifting: Theirs into the domain without holes.
        base: The distance of the domain without holes.
        size: As in `DistanceWithHoles`.
        solids: The holes.
        reach: The gap beyond which a hole counts for nothing.

    Source:
        Franke and Nielson (1980), Smooth interpolation of large sets of scattered data, Int. J. Numer. Meth. Eng. 15.
    """

    def __init__(self, g: Field, lifting: Field, base: Field, size: float, solids: Holes, reach: float) -> None:
        super().__init__(len(solids))
        self._g, self._lifting, self._base = g, lifting, base
        self._size, self._solids, self._reach = size, solids, reach
        within = 2  # at the edge of its reach the weight of a hole has a jump in its second derivative
        self.smoothness = min(within, lifting.smoothness, base.smoothness, solids.smoothness)

    def evaluated(self, x: Points) -> Values:
        with torch.no_grad():
            point, hole = (self._solids.gaps(x) < self._reach).nonzero(as_tuple=True)
        gap, far = off_zero(self._solids.gaps(x[point], hole)), off_zero(self._size * self._base(x))
        least = far.detach().scatter_reduce(0, point, gap.detach(), "amin")
        weight, outer = least[point] / gap * (1 - gap / self._reach) ** 2, least / far
        values = weight * self._g(self._solids.nearby(x[point], hole))
        return (outer * self._lifting(x)).index_add(0, point, values) / outer.index_add(0, point, weight)
