"""Weighted point sets, which domains hand out."""

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
        weights: Weights, shape ``(n,)``; they sum to the measure of what was sampled, so a weighted sum is an integral.
        normals: Outward unit normals at boundary points, shape ``(n, d)``.
        parts: At boundary points, the index of the built-in part (`Domain.part_names`), shape ``(n,)``.
    """

    x: Points
    weights: Values
    normals: Tensor | None = None
    parts: Tensor | None = None
