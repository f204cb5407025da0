"""Weighted sets of points in domains and on their boundaries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Points, Values


@dataclass(frozen=True)
class Samples:
    """Points with quadrature weights.

    Args:
        x: Points, shape ``(n, d)``.
        weights: Weights, shape ``(n,)``; their sum is the measure of the sampled set, so that a weighted sum is an integral.
        normals: Outward unit normals at boundary points, shape ``(n, d)``.
        parts: Indices of the built-in parts (`Domain.part_names`) at boundary points, shape ``(n,)``.
    """

    x: Points
    weights: Values
    normals: Tensor | None = None
    parts: Tensor | None = None
