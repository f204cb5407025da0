"""The order of convergence of a sequence of errors, as a slope over levels."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

_LEVELS = 3  # smallest number of levels of a fit
_STRAIGHT = 0.05  # largest standard error of a slope that counts as an order
_DRIFT = 0.1  # largest difference between the slopes of a window and of its finer half
_SPAN = 3.0  # smallest ratio of mesh widths in a fit, since adaptive levels are close to each other
_APART = 1.5  # smallest ratio of mesh widths of two levels that give an order
_FALL = 2.0  # smallest decrease of the error in a fit, which excludes the level of rounding
_ALGEBRAIC = 8.0  # largest slope that is an algebraic order


@dataclass(frozen=True)
class Order:
    """The order of convergence in the mesh width.

    Args:
        value: The slope of log(error) against log(h); None if there is no order.
        error: The standard error of the slope.
        levels: First and last level of the fit, counted from zero; None without a fit.
        faster: Whether the error decreases faster than any power.
        reason: The reason if there is no order; otherwise empty.
    """

    value: float | None
    error: float | None
    levels: tuple[int, int] | None
    faster: bool
    reason: str


def fit_order(h: np.ndarray, errors: np.ndarray, *, floor: float = 0.0) -> Order:
    """The slope of log(error) against log(h) over the longest straight window of levels, the finest of equal length.

    A window consists of three or more successive levels over a factor of three in h, whose errors are above the floor and
    decrease by a factor of at least two. It is straight if the slope has a standard error of at most 0.05 and differs by at most
    0.1 from that of its finer half. This excludes levels that do not resolve the solution, and the level of rounding. Slopes
    above 8 are not algebraic orders, since exponential convergence passes through every order.

    Args:
        h: Mesh widths, shape ``(levels,)``, decreasing.
        errors: Errors, shape ``(levels,)``; nan if unknown.
        floor: Errors at or below this are not used, such as the error of the reference solution.

    Example:
        >>> h = np.array([1 / 8, 1 / 16, 1 / 32, 1 / 64])
        >>> order = fit_order(h, 3 * h**2 + 1e-20)
        >>> round(order.value, 3), order.levels
        (2.0, (0, 3))
    """
    h, errors = np.asarray(h, dtype=float), np.asarray(errors, dtype=float)
    usable = np.isfinite(errors) & (errors > max(floor, 0.0))
    if usable.sum() < _LEVELS:
        return _faster(h, errors, usable) or Order(None, None, None, False, "fewer than three levels count")
    x, y = np.log(h), np.log(np.where(usable, errors, 1.0))
    for length in range(len(h), _LEVELS - 1, -1):
        for first in range(len(h) - length, -1, -1):
            window = slice(first, first + length)
            if not usable[window].all():
                continue
            slope, spread = _line(x[window], y[window])
            half = slice(first + length - max(_LEVELS, length // 2), first + length)
            steady = abs(slope - _line(x[half], y[half])[0]) <= _DRIFT
            wide = h[window][0] >= _SPAN * h[window][-1] and y[window][0] - y[window][-1] >= math.log(_FALL)
            if wide and steady and spread <= _STRAIGHT and 0 < slope <= _ALGEBRAIC:
                return Order(slope, spread, (first, first + length - 1), False, "")
    return _faster(h, errors, usable) or Order(None, None, None, False, "no three levels in a row lie on a line")


def _line(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Slope of the least-squares line, and its standard error."""
    dx, dy = x - x.mean(), y - y.mean()
    slope = float(dx @ dy / (dx @ dx))
    return slope, math.sqrt(float(np.square(dy - slope * dx).sum()) / (len(x) - 2) / float(dx @ dx))


def _faster(h: np.ndarray, errors: np.ndarray, usable: np.ndarray) -> Order | None:
    """The result if the error decreases faster than h^8 between two levels; None otherwise."""
    known = np.isfinite(errors)
    pairs = [(i, int(j)) for i in np.flatnonzero(usable) for j in np.flatnonzero(known & (h[i] >= _APART * h))[:1]]
    with np.errstate(divide="ignore"):
        orders = [np.log(errors[i] / errors[j]) / np.log(h[i] / h[j]) for i, j in pairs]
    if not orders or max(orders) <= _ALGEBRAIC:
        return None
    return Order(None, None, None, True, "faster than any power")
