"""Expansions of values at the midpoints of equal cells of a box in sines, cosines and periodic waves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

Transform = Literal["sine", "cosine", "waves", "lines"]

_FLOOR = 1e-11  # relative; smaller coefficients are rounding errors of a transform
_OCTAVE = 2.0
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

    The root mean squares of the cosine coefficients over the octaves of resolved wavenumbers are compared. A smooth function
    decays at least like k^-2, because its slope at the sides is not zero; a function with jumps like k^-1, and white noise like
    k^0. The order is infinite if the last octave contains rounding errors only.
    """
    c, _ = expanded(f, "cosine")
    orders = []
    for axis in range(f.ndim):
        others = tuple(other for other in range(f.ndim) if other != axis)
        sizes = np.sqrt((c**2).sum(axis=others))
        top, high = float(sizes.max()), int(_HIGH * len(sizes))
        edges = [int(high / _OCTAVE**j) for j in range(4)]
        if edges[-1] < 1 or not top > 0:
            continue
        last, before = (float(np.sqrt((sizes[edges[j + 1] : edges[j]] ** 2).mean())) for j in (0, 2))
        if last > _FLOOR * top:
            orders.append(float(np.log(before / last) / np.log(_OCTAVE**2)) if before > 0 else 0.0)
    return min(orders, default=np.inf)
