"""Gauss quadrature on a plane domain with holes: vertical strips, each between two curves."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch

from pdefreq.domains.ball import Ball
from pdefreq.domains.box import Box
from pdefreq.domains.domain import Domain, Samples
from pdefreq.domains.ellipse import Ellipse
from pdefreq.domains.ring import Ring
from pdefreq.domains.rules import gauss


@dataclass(frozen=True)
class _Strip:
    """The set ``low(x) < y < high(x)`` for ``left < x < right``; both curves are smooth but for their ends."""

    left: float
    right: float
    low: Callable[[np.ndarray], np.ndarray]
    high: Callable[[np.ndarray], np.ndarray]

    def rule(self, m: int) -> tuple[np.ndarray, np.ndarray]:
        # Edges of round holes end in square roots; x = sin(pi t / 2) takes both ends of them to smooth functions of t.
        t, w = gauss(-1.0, 1.0, m)
        half = (self.right - self.left) / 2
        x = (self.left + self.right) / 2 + half * np.sin(math.pi * t / 2)
        w = w * half * math.pi / 2 * np.cos(math.pi * t / 2)
        low, high = self.low(x), self.high(x)
        s, v = gauss(0.0, 1.0, m)
        y = low[:, None] + (high - low)[:, None] * s
        points = np.stack([np.repeat(x, len(s)), y.ravel()], axis=1)
        return points, (w[:, None] * (high - low)[:, None] * v).ravel()


def quadrature(base: Domain, holes: tuple[Domain, ...], n: int) -> Samples:
    """About `n` Gauss points of a plane domain, four or more for each strip between holes.

    The rule converges geometrically for smooth functions. Its weights are scaled to sum to the measure.
    """
    strips = _strips(base, holes)
    m = max(2, round((n / len(strips)) ** 0.5))
    rules = [strip.rule(m) for strip in strips]
    weights = torch.from_numpy(np.concatenate([w for _, w in rules]))
    measure = base.measure - math.fsum(hole.measure for hole in holes)
    return Samples(torch.from_numpy(np.concatenate([x for x, _ in rules])), weights * (measure / weights.sum()))


def _strips(base: Domain, holes: tuple[Domain, ...]) -> list[_Strip]:
    """The domain cut at the left and right ends of every hole; between two cuts the holes keep their order in y."""
    if isinstance(base, Ring):
        base, holes = Ball(base.midpoint, base.outer), (Ball(base.midpoint, base.inner), *holes)
    outer, inner = _outline(base), [_outline(hole) for hole in holes]
    cuts = sorted({outer.left, outer.right, *(h.left for h in inner), *(h.right for h in inner)})
    strips = []
    for left, right in pairwise(cuts):
        middle = np.array([(left + right) / 2])
        here = [h for h in inner if h.left < middle[0] < h.right]
        here.sort(key=lambda h: h.low(middle)[0])
        lows = [outer.low, *(h.high for h in here)]
        highs = [*(h.low for h in here), outer.high]
        strips += [_Strip(left, right, low, high) for low, high in zip(lows, highs, strict=True)]
    return strips


def _outline(shape: Domain) -> _Strip:
    if isinstance(shape, Box):
        (left, bottom), (right, top) = shape.lower, shape.upper
        return _Strip(left, right, lambda x: np.full_like(x, bottom), lambda x: np.full_like(x, top))
    assert isinstance(shape, (Ball, Ellipse))
    (x0, y0), (a, b) = shape.midpoint, shape.half_axes if isinstance(shape, Ellipse) else (shape.radius, shape.radius)

    def chord(x: np.ndarray) -> np.ndarray:
        return b * np.sqrt(np.maximum((1 - (x - x0) / a) * (1 + (x - x0) / a), 0))

    return _Strip(x0 - a, x0 + a, lambda x: y0 - chord(x), lambda x: y0 + chord(x))
