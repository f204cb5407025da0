"""Expansions of values at the midpoints of equal cells of a box in sines, cosines and periodic waves."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

Transform = Literal["sine", "cosine", "waves", "lines"]

_FLOOR = 1e-11  # relative; smaller coefficients are rounding errors of a transform
_OCTAVES = 3  # whose coefficients are compared
_HIGH = 0.75  # of the resolved wavenumbers; above it coefficients of the midpoint rule contain those of folded waves


def expanded(f: np.ndarray, kind: Transform, periodic: Sequence[int] = ()) -> tuple[np.ndarray, list[np.ndarray]]:
    """The coefficients of values at midpoints, and the wavenumbers of each axis in units of pi per side.

    Args:
        f: Values, one axis of the array for each coordinate.
        kind: ``"sine"`` or ``"cosine"``; along the periodic axes waves are used, whose coefficients are the moduli of those of
            exp(+-i k x), combined.
        periodic: The periodic axes.

    Returns:
        The coefficients of functions with the largest value 1, and the wavenumbers of each axis, shaped so that they broadcast.
    """
    from scipy import fft

    wavenumbers = []
    for axis in range(f.ndim):
        n = f.shape[axis]
        if axis in periodic:
            c: Any = np.abs(fft.rfft(f, axis=axis)) * (2 / n)
            c = _scaled(c, axis, 0, 0.5)
            k = 2.0 * np.arange(c.shape[axis])
        elif kind == "sine":
            c, k = fft.dst(f, type=2, axis=axis) / n, 1.0 + np.arange(n)  # pyright: ignore[reportOperatorIssue]
            c = _scaled(c, axis, n - 1, 0.5)
        else:
            c, k = fft.dct(f, type=2, axis=axis) / n, 1.0 * np.arange(n)  # pyright: ignore[reportOperatorIssue]
            c = _scaled(c, axis, 0, 0.5)
        f = c
        wavenumbers.append(k.reshape([-1 if other == axis else 1 for other in range(f.ndim)]))
    return f, wavenumbers


def summed(c: np.ndarray, kind: Transform, periodic: Sequence[int] = ()) -> np.ndarray:
    """The values at midpoints of an expansion in sines or cosines.

    Along periodic axes, whose phases `expanded` drops, the waves are cosines: the result has the right spectrum only.
    """
    from scipy import fft

    f: Any = c
    for axis in range(c.ndim):
        n = c.shape[axis]
        if axis in periodic:
            n = 2 * (n - 1)
            f = fft.irfft(_scaled(f, axis, 0, 2.0) * (n / 2), n=n, axis=axis)
        elif kind == "sine":
            f = fft.idst(_scaled(f * n, axis, n - 1, 2.0), type=2, axis=axis)
        else:
            f = fft.idct(_scaled(f * n, axis, 0, 2.0), type=2, axis=axis)
    return np.asarray(f)


def _scaled(c: np.ndarray, axis: int, index: int, factor: float) -> np.ndarray:
    """The array with one slice multiplied by a factor."""
    c = np.array(c)
    c[(slice(None),) * axis + (index,)] *= factor
    return c


def decay_order(f: np.ndarray) -> float:
    """The order s with which the coefficients of values at midpoints decay along the slowest axis, like k^-s.

    The root mean squares of the coefficients over the last octaves of the resolved wavenumbers are compared, for cosines and for
    sines, and the larger order counts. Cosine coefficients of a smooth function decay at least like k^-2, because its slope at
    the sides is not zero. The order of a function with jumps is 1 in both transforms, and that of white noise 0. The order is
    infinite if the last octave contains rounding errors only.
    """
    orders = [[_order(np.sqrt((c**2).sum(axis=_others(axis, f.ndim)))) for axis in range(f.ndim)] for c in _both(f)]
    return min(max(pair) for pair in zip(*orders, strict=True))


def _both(f: np.ndarray) -> list[np.ndarray]:
    return [expanded(f, "cosine")[0], expanded(f, "sine")[0]]


def _others(axis: int, d: int) -> tuple[int, ...]:
    return tuple(other for other in range(d) if other != axis)


def _order(sizes: np.ndarray) -> float:
    """The order of decay of the sizes of coefficients along one axis, the largest of those from two octaves to the last one."""
    top, high = float(sizes.max()), int(_HIGH * len(sizes))
    edges = [int(high / 2**j) for j in range(_OCTAVES + 1)]
    if edges[-1] < 1 or not top > 0:
        return np.inf
    last, *before = (float(np.sqrt((sizes[b:a] ** 2).mean())) for a, b in itertools.pairwise(edges))
    if last <= _FLOOR * top:
        return np.inf
    return max(float(np.log2(octave / last)) / j if octave > 0 else 0.0 for j, octave in enumerate(before, start=1))
