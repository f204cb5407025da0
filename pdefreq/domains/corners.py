"""Corners of plane domains, found from the straight sides of the boundary."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from pdefreq.domains.holes import WithHoles

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.domains.domain import Domain

_STRAIGHT = 1e-9  # difference of an angle from pi, in radians, below which two sides are one
_SAME = 1e-10  # relative to the size of the domain: ends of sides within this distance are one corner
_PROBE = 1e-3  # of the shorter side: the distance of the point that shows which of two angles lies inside


@dataclass(frozen=True)
class Corner:
    """A point at which two straight sides of the boundary meet.

    Args:
        point: The corner.
        first: The unit vector along the side from which angles are measured counterclockwise into the domain.
        last: The unit vector along the other side.
        angle: The interior angle from the first side to the last one, between 0 and 2 pi.
        lengths: The lengths of the first and of the last side.
    """

    point: tuple[float, float]
    first: tuple[float, float]
    last: tuple[float, float]
    angle: float
    lengths: tuple[float, float]

    @property
    def is_reentrant(self) -> bool:
        """Whether the interior angle is above pi."""
        return self.angle > math.pi

    def on_sides(self, distance: float) -> Tensor:
        """The points of the first and of the last side at a distance from the corner, ``(2, 2)``, float64."""
        point, directions = np.array(self.point), np.array([self.first, self.last])
        return torch.from_numpy(point + distance * directions)


def corners(domain: Domain) -> list[Corner]:
    """The corners of a plane domain at which exactly two straight sides meet, with their interior angles.

    Sides that continue each other form no corner. Domains in other dimensions, and curved boundaries, have none.
    """
    segments = straight_segments(domain)
    if domain.dimension != 2 or not len(segments):
        return []
    ends: dict[int, list[tuple[np.ndarray, np.ndarray]]] = defaultdict(list)
    for (a, b), (i, j) in zip(segments, vertex_of(segments).tolist(), strict=True):
        ends[i].append((a, b - a))
        ends[j].append((b, a - b))
    found = [_corner(domain, *pair) for pair in ends.values() if len(pair) == 2]
    return [corner for corner in found if corner is not None]


def straight_segments(domain: Domain) -> np.ndarray:
    """The straight sides of a domain and of its holes, ``(sides, 2, 2)``."""
    shapes = [domain.base, *domain.holes] if isinstance(domain, WithHoles) else [domain]
    sides = [shape.straight_sides for shape in shapes]
    return np.concatenate([np.empty((0, 2, 2)), *(side.numpy() for side in sides if side is not None)])


def vertex_of(points: np.ndarray) -> np.ndarray:
    """The index of the vertex at each end of the sides ``(sides, 2, 2)``, ``(sides, 2)``. Vertices are equal up to rounding."""
    size = _SAME * float(np.ptp(points.reshape(-1, 2), axis=0).max())
    _, index = np.unique(np.rint(points.reshape(-1, 2) / size), axis=0, return_inverse=True)
    return index.reshape(-1, 2)


def _corner(domain: Domain, one: tuple[np.ndarray, np.ndarray], two: tuple[np.ndarray, np.ndarray]) -> Corner | None:
    """The corner between two sides, each given as its end at the corner and the vector to its other end; None if they are one."""
    (point, first), (_, last) = one, two
    lengths = [float(np.linalg.norm(side)) for side in (first, last)]
    first, last = first / lengths[0], last / lengths[1]
    angle = math.atan2(first[0] * last[1] - first[1] * last[0], float(first @ last)) % (2 * math.pi)
    if abs(angle - math.pi) < _STRAIGHT:
        return None
    middle = math.atan2(first[1], first[0]) + angle / 2
    probe = point + _PROBE * min(lengths) * np.array([math.cos(middle), math.sin(middle)])
    if not bool(domain.contains(torch.from_numpy(probe[None]))[0]):
        first, last, lengths, angle = last, first, lengths[::-1], 2 * math.pi - angle
    return Corner(_pair(point), _pair(first), _pair(last), angle, (lengths[0], lengths[1]))


def _pair(v: np.ndarray) -> tuple[float, float]:
    return float(v[0]), float(v[1])
