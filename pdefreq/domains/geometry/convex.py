"""Exact tests whether an ellipsoid or box is inside or disjoint from another, with axes along the coordinates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_TOUCH = 1e-12  # relative distance below which sets are considered to touch, because of rounding errors


@dataclass(frozen=True)
class Convex:
    """The closed set ``|(x - midpoint) / half|_q <= 1``, with q = 2 for an ellipsoid (or ball) and q = infinity for a box.

    Args:
        midpoint: The center, shape ``(d,)``.
        half: The half axes, shape ``(d,)``.
        round: Whether q = 2.
    """

    midpoint: np.ndarray
    half: np.ndarray
    round: bool

    def scaled(self, by: Convex) -> Convex:
        """This set in coordinates in which `by` is the unit ball or the cube [-1, 1]^d."""
        return Convex((self.midpoint - by.midpoint) / by.half, self.half / by.half, self.round)

    @property
    def nearest(self) -> float:
        """The distance of the set from the origin."""
        if not self.round:
            return float(np.linalg.norm(np.maximum(abs(self.midpoint) - self.half, 0)))
        if np.linalg.norm(self.midpoint / self.half) <= 1:
            return 0.0
        return self._stationary(-1)

    @property
    def farthest(self) -> float:
        """The largest distance of a point of the set from the origin."""
        return self._stationary(+1) if self.round else float(np.linalg.norm(abs(self.midpoint) + self.half))

    def _stationary(self, sign: int) -> float:
        """The largest (+1) or smallest (-1) value of |c + a v| over unit vectors v, where a = half and c = |midpoint|.

        The extremum is at v = sign a c / (gap + s) with gap = max a^2 - a^2 or a^2, where the multiplier s > 0 solves |v| = 1.
        """
        from scipy.optimize import brentq

        size = float(self.half.max())
        a, c = self.half / size, abs(self.midpoint) / size
        c = c + 1e-14 * (1 + c.max())  # on an axis of symmetry s is zero and v is a limit, which this perturbation selects
        gap = 1 - a**2 if sign > 0 else a**2

        def v(s: float) -> np.ndarray:
            return sign * a * c / (gap + s)

        s = brentq(lambda s: np.linalg.norm(v(s)) - 1, 1e-15 if sign > 0 else 0.0, 1 + np.linalg.norm(a * c), xtol=1e-30)
        assert isinstance(s, float)
        return size * float(np.linalg.norm(c + a * v(s)))


def inside(small: Convex, large: Convex) -> bool:
    """Whether the closed set `small` is in the interior of `large`."""
    if not large.round:
        return bool((abs(small.midpoint - large.midpoint) + small.half < large.half).all())
    return small.scaled(large).farthest < 1 - _TOUCH


def are_disjoint(first: Convex, second: Convex) -> bool:
    """Whether two closed sets are disjoint."""
    if not (first.round or second.round):
        return bool((abs(first.midpoint - second.midpoint) > first.half + second.half).any())
    ball, other = (first, second) if first.round else (second, first)
    return other.scaled(ball).nearest > 1 + _TOUCH
