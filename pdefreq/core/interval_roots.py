"""Roots of functions on an interval."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

_SAMPLES = 4096  # roots closer than a cell are found only where |f| has a local minimum between the samples
_HALVINGS = 60  # reduce a cell to the spacing of floating-point numbers
_GOLDEN = 80  # steps of golden-section search: the bracket shrinks by 0.618^80 = 2e-17


def interval_roots(
    functions: Sequence[Callable[[np.ndarray], np.ndarray]], lower: float, upper: float, *, samples: int = _SAMPLES
) -> np.ndarray:
    """The points inside an interval at which one of several functions changes its sign.

    The functions are sampled uniformly and at the roots of the functions before them, so that a function such as ``|x - a| - w``
    is resolved for every w > 0 if ``x - a`` comes before it. Two roots between neighboring samples are found by a search for
    local minima of the absolute value. Sign changes are located by bisection.

    Args:
        functions: Functions of arrays ``(n,)`` that return ``(n,)``. Values that are not finite separate the samples.
        lower: The lower end.
        upper: The upper end.
        samples: The number of cells in which the functions are sampled.

    Returns:
        The roots in ascending order, without the ends, shape ``(m,)``.
    """
    roots = np.empty(0)
    for f in functions:
        x = np.union1d(np.linspace(lower, upper, samples + 1), roots)
        x = np.union1d(x, _least(f, x))
        value = f(x)
        at = np.flatnonzero(np.sign(value[:-1]) * np.sign(value[1:]) < 0)
        exact = x[(value == 0) & _isolated(value)]
        roots = np.unique(np.concatenate([roots, exact, _bisected(f, x[at], x[at + 1])]))
    return roots[(roots > lower) & (roots < upper)]


def _isolated(value: np.ndarray) -> np.ndarray:
    """Whether a neighbor of each sample has a value other than zero."""
    padded = np.concatenate([value[:1], value, value[-1:]])
    return (padded[:-2] != 0) | (padded[2:] != 0)


def _bisected(f: Callable[[np.ndarray], np.ndarray], low: np.ndarray, high: np.ndarray) -> np.ndarray:
    if len(low) == 0:
        return low
    start = np.sign(f(low))
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        left = np.sign(f(middle)) == start
        low, high = np.where(left, middle, low), np.where(left, high, middle)
    return high


def _least(f: Callable[[np.ndarray], np.ndarray], x: np.ndarray) -> np.ndarray:
    """Local minima of |f| between samples of equal sign, by golden-section search."""
    value = f(x)
    size, inner = np.abs(value), slice(1, -1)
    local = (size[inner] <= size[:-2]) & (size[inner] <= size[2:]) & (np.sign(value[:-2]) * np.sign(value[2:]) > 0)
    local &= (size[inner] < size[:-2]) | (size[inner] < size[2:])  # constants have no minimum
    at = np.flatnonzero(local) + 1
    if len(at) == 0:
        return np.empty(0)
    low, high, sign = x[at - 1], x[at + 1], np.sign(value[at - 1])
    ratio = (np.sqrt(5) - 1) / 2
    for _ in range(_GOLDEN):
        first, second = high - ratio * (high - low), low + ratio * (high - low)
        left = sign * f(first) < sign * f(second)
        low, high = np.where(left, low, first), np.where(left, second, high)
    return (low + high) / 2
