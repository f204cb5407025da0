"""Fields with many operations per point, evaluated for a few points at a time."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

import torch

from pdefreq.core.fields import Field

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Gradients, Points, Values

_NUMBERS = 2**16  # size of each intermediate array, so that it fits in the cache


def pieces(x: Points, count: int) -> tuple[Points, ...]:
    """The points in pieces small enough that arrays of size (points of a piece) times `count` fit in the cache."""
    return x.split(max(1, _NUMBERS // max(1, count)))


class InPieces(Field):
    """A field whose value at each point is a sum over many objects, such as facets; the points are evaluated in pieces.

    Args:
        count: The number of objects.
    """

    def __init__(self, count: int) -> None:
        self._count = count

    @abstractmethod
    def evaluated(self, x: Points) -> Values:
        """The values at the points of one piece, shape ``(n,)``."""

    def __call__(self, x: Points) -> Values:
        return torch.cat([self.evaluated(piece) for piece in pieces(x, self._count)])

    def gradient(self, x: Points) -> Gradients:
        return torch.cat([super(InPieces, self).gradient(piece) for piece in pieces(x, self._count)])

    def _derivatives(self, x: Points, order: int) -> Tensor:
        return torch.cat([super(InPieces, self)._derivatives(piece, order) for piece in pieces(x, self._count)])
