"""The largest balls inside the holes of a domain."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from pdefreq.core.streams import stream
from pdefreq.domains.box import Box
from pdefreq.domains.corners import straight_segments, vertex_of
from pdefreq.domains.holes import WithHoles
from pdefreq.domains.polygon import Polygon
from pdefreq.domains.ring import Ring

if TYPE_CHECKING:
    from pdefreq.domains.domain import Domain

_POINTS = 4096  # interior and boundary points for the largest ball in a hole


@dataclass(frozen=True)
class InscribedBall:
    """A ball inside a hole of a domain.

    Args:
        center: Its midpoint.
        radius: Its radius.
        clearance: The distance from the midpoint to the nearest part of the boundary other than that of the hole.
    """

    center: tuple[float, ...]
    radius: float
    clearance: float


def inscribed_balls(domain: Domain) -> list[InscribedBall]:
    """A ball in each hole of a domain: the hole itself if it is a ball, otherwise about the largest ball inside it."""
    if isinstance(domain, Ring):
        return [InscribedBall(domain.midpoint, domain.inner, domain.outer)]
    holes = [*domain.holes] if isinstance(domain, WithHoles) else _loops(domain)
    balls = [_inscribed(hole) for hole in holes]
    edge = _outer_boundary(domain)
    found = []
    for k, (center, radius) in enumerate(balls):
        gaps = [math.dist(center, other) - size for j, (other, size) in enumerate(balls) if j != k]
        gaps.append(float(np.linalg.norm(edge - np.array(center), axis=1).min()))
        found.append(InscribedBall(center, radius, max(radius, min(gaps))))
    return found


def _loops(domain: Domain) -> list[Polygon]:
    """The inner closed curves of the sides of a domain that is given by a mesh, as polygons."""
    if not domain.brings_mesh or domain.dimension != 2:
        return []
    segments = straight_segments(domain)
    vertices, left, loops = vertex_of(segments).tolist(), set(range(len(segments))), []
    sides: dict[int, list[int]] = defaultdict(list)
    for k, pair in enumerate(vertices):
        for vertex in pair:
            sides[vertex].append(k)
    while left:
        following, points, vertex = [min(left)], [], vertices[min(left)][0]
        while following:
            k = following[0]
            left.remove(k)
            start = vertices[k].index(vertex)
            points.append(tuple(segments[k, start].tolist()))
            vertex = vertices[k][1 - start]
            following = [j for j in sides[vertex] if j in left]
        loops.append(Polygon(tuple(points)))
    return sorted(loops, key=lambda loop: loop.measure)[:-1]


def _outer_boundary(domain: Domain) -> np.ndarray:
    """Points of the boundary of a domain without its holes."""
    outer = domain.base if isinstance(domain, WithHoles) else Box(*domain.bounds)
    return outer.boundary(_POINTS).x.numpy()


def _inscribed(hole: Domain) -> tuple[tuple[float, ...], float]:
    """The midpoint and the radius of a ball in a hole."""
    if (shape := hole.convex) is not None:
        return tuple(shape.midpoint.tolist()), float(shape.half.min())
    x, edge = hole.interior(_POINTS, stream(0, "inscribed"), sobol=True).x, hole.boundary(_POINTS).x
    distance = torch.cdist(x, edge).amin(dim=1)
    return tuple(x[distance.argmax()].tolist()), float(distance.max())
