"""The uniform grids of a box on which functions are sampled for their modes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
import torch

from pdefreq.domains.box import Box

if TYPE_CHECKING:
    from pdefreq.core.shapes import Points
    from pdefreq.spaces.trial_space import TrialSpace

DEFAULT_INTERVALS = {1: 1024, 2: 128, 3: 32}
"""Intervals per axis, by dimension, of the grid on which functions without a grid are sampled."""
RECORDED_INTERVALS = {1: 461, 2: 113}
"""Intervals per axis at the recorded steps of a run. Errors use the same grid, so that u is evaluated once for both.

They are prime, so that the inner nodes are not nodes of other grids, where the error of P1 elements in one dimension is zero up
to rounding. Their quotients with powers of two and ten are far from fractions with small denominators, so that the nodes lie at
many different places of the cells of such grids.
"""


@runtime_checkable
class UniformGrid(Protocol):
    """A space whose coefficients are values at the nodes of a uniform grid; modes are computed on this grid."""

    @property
    def box(self) -> Box: ...

    @property
    def intervals(self) -> tuple[int, ...]: ...


def grid_intervals(box: Box, space: TrialSpace | None = None, default: Sequence[int] | None = None) -> tuple[int, ...]:
    """Intervals per axis of the grid on which members of a space are sampled: those of its own grid, or the default."""
    if isinstance(space, UniformGrid) and space.box == box:
        return space.intervals
    return (DEFAULT_INTERVALS[box.dimension],) * box.dimension if default is None else tuple(default)


def grid_axes(box: Box, intervals: Sequence[int]) -> list[np.ndarray]:
    """Coordinates of the nodes of a uniform grid along each axis, including both ends."""
    return [np.linspace(a, b, n + 1) for a, b, n in zip(box.lower, box.upper, intervals, strict=True)]


def tensor_points(axes: Sequence[np.ndarray]) -> np.ndarray:
    """All points with these coordinates, shape ``(n, d)``, in C order (the last axis varies fastest)."""
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))


def recorded_points(box: Box) -> Points | None:
    """The nodes of the grid of `RECORDED_INTERVALS`, ``(n, d)`` in C order; None beyond two dimensions."""
    if box.dimension not in RECORDED_INTERVALS:
        return None
    return torch.from_numpy(tensor_points(grid_axes(box, (RECORDED_INTERVALS[box.dimension],) * box.dimension)))
