"""The order of convergence of a sequence of errors: a slope over the levels where there is one."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

_LEVELS = 3  # through two points there always is a line
_STRAIGHT = 0.05  # largest standard error of a slope that counts as an order
_DRIFT = 0.1  # largest difference between the slopes of a window and of its finer half
_SPAN = 3.0  # in mesh width: adaptive levels follow each other closely
_APART = 1.5  # the same between two levels from which an order is read
_FALL = 2.0  # by which the error must fall over the window: a floor is straight, too
_ALGEBRAIC = 8.0  # largest order that is read as a power


@dataclass(frozen=True)
class Order:
    """How fast errors fall with the mesh width.

    Args:
        value: The slope of log(error) against log(h); None where there is none.
        error: Its standard error.
        levels: First and last level of the fit, counted from zero; None where there is no fit.
        faster: Whether the error falls faster than any power.
        reason: Why there is no order; empty where there is one.
    """

    value: float | None
    error: float | None
    levels: tuple[int, int] | None
    faster: bool
    reason: str


def fit_order(h: np.ndarray, errors: np.ndarray, *, floor: float = 0.0) -> Order:
    """The slope of log(error) against log(h) over the longest straight window of levels; of equally long ones the finest.

    A window is three levels or more in a row, over a factor of three in h, whose errors are above the floor and fall by a factor
    of two at least. It is straight if the slope has a standard error of at most 0.05 and differs by at most 0.1 from that of the
    finer half. That leaves out levels that do not resolve the solution yet, and the floor of rounding, where errors stop falling.
    Slopes above 8 are no powers: exponential convergence passes through every order.

    Args:
        h: Mesh widths, shape ``(levels,)``, falling.
        errors: Shape ``(levels,)``; nan where unknown.
        floor: Errors at or below this are not counted, e.g. the error of the reference solution.

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
    """What is said where between levels the error falls by more than h^8."""
    known = np.isfinite(errors)
    pairs = [(i, int(j)) for i in np.flatnonzero(usable) for j in np.flatnonzero(known & (h[i] >= _APART * h))[:1]]
    with np.errstate(divide="ignore"):
        orders = [np.log(errors[i] / errors[j]) / np.log(h[i] / h[j]) for i, j in pairs]
    if not orders or max(orders) <= _ALGEBRAIC:
        return None
    return Order(None, None, None, True, "faster than any power")
