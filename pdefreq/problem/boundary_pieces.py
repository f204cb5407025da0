"""The exact extent of boundary parts in the plane: intervals of segments, between the points at which the part changes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from pdefreq.core.interval_roots import interval_roots
from pdefreq.domains.samples import Samples

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Points
    from pdefreq.problem.boundary_conditions import BoundaryConditions, BoundaryPart

POINT = 1e-6
"""Relative to the length of the boundary: a shorter part is a point."""

_SAMPLES = 2**14  # at least, on all segments together
_ROUNDING = 1e-11  # breaks at this distance from an end of a segment are at the end; the coordinate of many segments is large
_ORDER = 10  # Gauss points of a panel


@dataclass(frozen=True)
class Pieces:
    """Intervals of segments. Each belongs to one boundary part; together they cover the segments.

    Args:
        segment: The index of the segment of each piece, ascending, shape ``(m,)``.
        start: The first end in the segment's own coordinate from 0 to 1.
        end: The other end.
        part: The index of the boundary part in ``conditions.boundary``.
        length: The length of each piece.
    """

    segment: np.ndarray
    start: np.ndarray
    end: np.ndarray
    part: np.ndarray
    length: np.ndarray

    @property
    def is_whole(self) -> np.ndarray:
        """Whether each piece is its whole segment."""
        return (self.start == 0) & (self.end == 1)

    def widest(self, part: int) -> float:
        """The length of the longest piece of a part, 0 if it has none."""
        return float(self.length[self.part == part].max(initial=0.0))


def boundary_pieces(conditions: BoundaryConditions, segments: Tensor, sides: Tensor) -> Pieces:
    """The pieces of segments of the boundary of a plane domain, on which one boundary condition holds.

    Conditions given as formulas change only at roots of their level set functions, which are found for any width of a part whose
    center is such a root, and otherwise by sampling. Conditions given as Python functions are sampled at 16,000 points or more.

    Args:
        conditions: The boundary conditions.
        segments: The segments, ``(F, 2, 2)``: segment, end, coordinate.
        sides: The index of the domain's built-in part for each segment, ``(F,)``.

    Raises:
        ProblemFileError: If no part contains one of the pieces.
    """
    breaks = _breaks([part for part in conditions.boundary if part.where is not None], segments)
    segment, start, end = _intervals(breaks, len(segments))
    owner, middle = torch.from_numpy(segment), torch.from_numpy((start + end) / 2)
    x = segments[owner, 0] + middle[:, None] * (segments[owner, 1] - segments[owner, 0])
    part = conditions.part_at(x, sides[owner]).numpy()
    first = np.append(True, (segment[1:] != segment[:-1]) | (part[1:] != part[:-1]))  # neighbors of equal part become one
    last = np.append(first[1:], True)
    segment, start, end, part = segment[first], start[first], end[last], part[first]
    lengths = (segments[:, 1] - segments[:, 0]).norm(dim=1).numpy()
    return Pieces(segment, start, end, part, (end - start) * lengths[segment])


def on_boundary(problem: BoundaryConditions, number: int) -> tuple[Samples, Tensor]:
    """About `number` quadrature points on the boundary, and the part of each.

    If parts have conditions and the sides of a plane domain are straight, each piece of a part has its own Gauss points, so that
    functions that are smooth on each part are integrated accurately.
    """
    if not problem.has_regions or (found := _on_pieces(problem, number)) is None:
        edge = problem.domain.boundary(number)
        return edge, problem.part_of(edge)
    return found


def _on_pieces(problem: BoundaryConditions, number: int) -> tuple[Samples, Tensor] | None:
    """The points of `on_boundary`, without normals; None if the domain does not consist of straight sides that are its parts."""
    segments = problem.domain.straight_sides
    if segments is None or len(segments) != len(problem.domain.part_names):
        return None
    pieces = boundary_pieces(problem, segments, torch.arange(len(segments)))
    nodes, weights = (torch.from_numpy(column) for column in np.polynomial.legendre.leggauss(_ORDER))
    x, w, part = [], [], []
    for k, a, b, i, length in zip(pieces.segment, pieces.start, pieces.end, pieces.part, pieces.length, strict=True):
        panels = max(1, math.ceil(number * (b - a) / (_ORDER * len(segments))))
        edges = torch.linspace(float(a), float(b), panels + 1, dtype=torch.float64)
        t = (edges[:-1, None] + (nodes + 1) / 2 * edges.diff()[:, None]).flatten()
        x.append(segments[k, 0] + t[:, None] * (segments[k, 1] - segments[k, 0]))
        w.append(weights.repeat(panels) / 2 * (float(length) / panels))
        part.append(torch.full((len(t),), int(i)))
    return Samples(torch.cat(x), torch.cat(w)), torch.cat(part)


def membership_breaks(part: BoundaryPart, segments: Tensor) -> list[np.ndarray]:
    """For each segment, the coordinates from 0 to 1 at which a condition may change, ascending, with both ends."""
    segment, start, end = _intervals(_breaks([part], segments), len(segments))
    return [np.append(start[segment == k], end[segment == k][-1:]) for k in range(len(segments))]


def _breaks(parts: Sequence[BoundaryPart], segments: Tensor) -> np.ndarray:
    """The points at which conditions or data of parts may change. Segment k is [2 k, 2 k + 1], and gaps repeat its last point."""
    functions: list[Callable[[np.ndarray], np.ndarray]] = []

    def along(f: Callable[[Points], Tensor]) -> Callable[[np.ndarray], np.ndarray]:
        def values(t: np.ndarray) -> np.ndarray:
            k = np.minimum(t // 2, len(segments) - 1).astype(np.int64)
            local = torch.from_numpy(np.minimum(t - 2 * k, 1.0))
            ends = segments[torch.from_numpy(k)]
            return f(ends[:, 0] + local[:, None] * (ends[:, 1] - ends[:, 0])).detach().double().numpy()

        return values

    for part in parts:
        where = part.where
        assert where is not None
        functions += [along(level_set) for level_set in getattr(where, "level_sets", ())]
        functions.append(along(lambda x, where=where: 2.0 * where(x) - 1.0))
    if not functions:
        return np.empty(0)
    samples = 2 * len(segments) * math.ceil(_SAMPLES / len(segments))
    return interval_roots(functions, 0.0, 2.0 * len(segments), samples=samples)


def _intervals(breaks: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The segment, start and end of each interval between breaks."""
    inner = breaks[(breaks % 2 > _ROUNDING) & (breaks % 2 < 1 - _ROUNDING)]
    places = np.sort(np.concatenate([inner, *(2.0 * np.arange(count) + end for end in (0, 1))]))
    low, high = places[:-1], places[1:]
    kept = (high > low) & (low % 2 < 1)
    segment = (low[kept] // 2).astype(np.int64)
    return segment, low[kept] - 2 * segment, high[kept] - 2 * segment
