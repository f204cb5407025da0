"""Gauss quadrature on plane domains with holes, by vertical strips between two curves."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch

from pdefreq.domains.geometry.rules import gauss
from pdefreq.domains.samples import Samples

_ROUNDING = 1e-12

BoundaryCurve = Callable[[np.ndarray], np.ndarray]
"""The height of a boundary curve as a function of points on the x axis."""


@dataclass(frozen=True)
class Arc:
    """A boundary curve over an interval of the x axis, smooth except at its ends.

    Args:
        left: The left end of the interval.
        right: The right end of the interval.
        height: The curve.
    """

    left: float
    right: float
    height: BoundaryCurve


@dataclass(frozen=True)
class Outline:
    """The boundary of a plane set as curves over the x axis, without its vertical segments.

    Args:
        arcs: The curves. A vertical line that does not meet an end of a curve meets an even number of them.
    """

    arcs: tuple[Arc, ...]

    def __add__(self, other: Outline) -> Outline:
        return Outline(self.arcs + other.arcs)

    @classmethod
    def between(cls, left: float, right: float, low: BoundaryCurve, high: BoundaryCurve) -> Outline:
        """The set ``low(x) < y < high(x)`` for ``left < x < right``."""
        return cls((Arc(left, right, low), Arc(left, right, high)))

    @classmethod
    def of_ellipse(cls, midpoint: Sequence[float], half_axes: Sequence[float]) -> Outline:
        """The outline of an ellipse with axes along the coordinates."""
        (x0, y0), (a, b) = midpoint, half_axes

        def chord(x: np.ndarray) -> np.ndarray:
            return b * np.sqrt(np.maximum((1 - (x - x0) / a) * (1 + (x - x0) / a), 0))

        return cls.between(x0 - a, x0 + a, lambda x: y0 - chord(x), lambda x: y0 + chord(x))


@dataclass(frozen=True)
class _Strip:
    """The set ``low(x) < y < high(x)`` for ``left < x < right``; both curves are smooth except at their ends."""

    left: float
    right: float
    low: BoundaryCurve
    high: BoundaryCurve

    def rule(self, m: int) -> tuple[np.ndarray, np.ndarray]:
        # The boundaries of round holes end like square roots; x = sin(pi t / 2) makes them smooth functions of t at both ends.
        t, w = gauss(-1.0, 1.0, m)
        half = (self.right - self.left) / 2
        x = (self.left + self.right) / 2 + half * np.sin(math.pi * t / 2)
        w = w * half * math.pi / 2 * np.cos(math.pi * t / 2)
        low, high = self.low(x), self.high(x)
        s, v = gauss(0.0, 1.0, m)
        y = low[:, None] + (high - low)[:, None] * s
        points = np.stack([np.repeat(x, len(s)), y.ravel()], axis=1)
        return points, (w[:, None] * (high - low)[:, None] * v).ravel()


def quadrature(outline: Outline, measure: float, n: int) -> Samples:
    """About `n` Gauss points in a plane domain, at least four for each strip between two curves.

    The rule converges geometrically for smooth functions. Its weights are scaled to sum to the measure.

    Args:
        outline: The boundary, including that of holes.
        measure: The area.
        n: The number of points.
    """
    strips = _strips(outline)
    m = max(2, round((n / len(strips)) ** 0.5))
    rules = [strip.rule(m) for strip in strips]
    weights = torch.from_numpy(np.concatenate([w for _, w in rules]))
    return Samples(torch.from_numpy(np.concatenate([x for x, _ in rules])), weights * (measure / weights.sum()))


def _strips(outline: Outline) -> list[_Strip]:
    """The set, cut at the ends of all curves; between two cuts the curves keep their order in y."""
    cuts = sorted({end for arc in outline.arcs for end in (arc.left, arc.right)})
    strips = []
    for left, right in pairwise(cuts):
        if right - left <= _ROUNDING * (cuts[-1] - cuts[0]):  # corners at the same x, up to rounding
            continue
        middle = np.array([(left + right) / 2])
        here = [arc.height for arc in outline.arcs if arc.left < middle[0] < arc.right]
        here.sort(key=lambda height: height(middle)[0])
        strips += [_Strip(left, right, low, high) for low, high in zip(here[::2], here[1::2], strict=True)]
    return strips
