"""Fields whose work for each point is large: evaluated a few points at a time."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

import torch

from pdefreq.core.fields import Field

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Gradients, Points, Values

_NUMBERS = 2**16  # worked on at once, for each intermediate array: they stay in the cache


def pieces(x: Points, count: int) -> tuple[Points, ...]:
    """The points, so few at a time that arrays of points times `count` things are small."""
    return x.split(max(1, _NUMBERS // max(1, count)))


class InPieces(Field):
    """A field made of many things, each of which every point looks at.

    Args:
        count: How many things.
    """

    def __init__(self, count: int) -> None:
        self._count = count

    @abstractmethod
    def evaluated(self, x: Points) -> Values:
        """Values at a few points, shape ``(n,)``."""

    def __call__(self, x: Points) -> Values:
        return torch.cat([self.evaluated(piece) for piece in pieces(x, self._count)])

    def gradient(self, x: Points) -> Gradients:
        return torch.cat([super(InPieces, self).gradient(piece) for piece in pieces(x, self._count)])

    def _derivatives(self, x: Points, order: int) -> Tensor:
        return torch.cat([super(InPieces, self)._derivatives(piece, order) for piece in pieces(x, self._count)])
