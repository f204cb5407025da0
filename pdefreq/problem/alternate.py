"""Every other sample of data on an interval or on a grid."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pdefreq.core.errors import DataError

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Points


def alternate(x: Points) -> Tensor:
    """Which points are every other one, as a mask ``(n,)`` with ``n // 2`` true entries.

    On an interval these are the second, the fourth, ... point in ascending order. On a grid they are the points with an odd sum
    of indices: every other point along each line of the grid, as on a chessboard.

    Args:
        x: The points, shape ``(n, d)``; for d > 1 those of a rectilinear grid, in any order.

    Raises:
        DataError: If the points are not those of a grid.
    """
    import torch

    n, d = x.shape
    if d == 1:
        rank = torch.empty(n, dtype=torch.long)
        rank[x[:, 0].argsort(stable=True)] = torch.arange(n)
        return rank % 2 == 1
    place, size, odd = torch.zeros(n, dtype=torch.long), 1, torch.zeros(n, dtype=torch.long)
    for coordinate in x.T:
        ticks, index = torch.unique(coordinate, return_inverse=True)
        place, size, odd = place * len(ticks) + index, size * len(ticks), odd + index
        if size > n:
            break
    if size != n or len(place.unique()) != n:
        raise DataError(
            f'[data] holdout = "alternate" holds out every other point of a grid, and the {n} points are not all points of a '
            "grid: use a fraction, such as holdout = 0.5"
        )
    return odd % 2 == 1
