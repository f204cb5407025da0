"""The number of functions that waves with given wavevectors span on a box, up to an accuracy."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pdefreq.spaces.features.wave_bands import WaveBands

_EXTRA = 40  # Gauss points beyond those per half wave, which resolve the singular functions to rounding
_LARGEST = 200.0  # bandwidth above which the number is extrapolated


@functools.lru_cache(maxsize=256)
def num_significant(bandwidth: float, accuracy: float) -> int:
    """The number of functions that span the waves on an interval with wavenumbers up to a bandwidth.

    It is the number of singular values of the map from amplitudes of the waves exp(ikx), |k| <= K, to functions on the interval
    that are at least `accuracy` times the largest one. The singular functions are prolate spheroidal wave functions. For large
    bandwidths, the number is the bandwidth R plus about (2 / pi^2) log(1 / accuracy) log(pi R / 2), which is used above R = 200.

    Args:
        bandwidth: The largest wavenumber R, in units of pi per side.
        accuracy: The smallest relative singular value, at least 1e-14.

    Source:
        Landau, Widom (1980), Eigenvalue distribution of time and frequency limiting, J. Math. Anal. Appl. 77.
    """
    if bandwidth > _LARGEST:
        further = num_significant(_LARGEST, accuracy) - _LARGEST
        return math.ceil(bandwidth + further * math.log(math.pi * bandwidth / 2) / math.log(math.pi * _LARGEST / 2))
    c = math.pi * bandwidth / 2
    nodes, weights = np.polynomial.legendre.leggauss(math.ceil(c) + _EXTRA)
    scale = np.sqrt(weights)
    angles = c * np.outer(nodes, nodes)
    # Even functions of x are spanned by cosines and odd ones by sines: two real matrices instead of a complex one.
    values = np.concatenate([np.linalg.svd(scale[:, None] * wave(angles) * scale, compute_uv=False) for wave in (np.cos, np.sin)])
    return int((values > accuracy * values.max()).sum())


def effective_dimension(bands: WaveBands, accuracy: float) -> float:
    """The approximate number of functions that waves with wavevectors in a set span on a box, up to an accuracy.

    The waves with wavenumbers in an interval of 2 R half waves per side span R functions, and t further ones with smaller
    singular values. In several dimensions, the number is the volume of all wavevectors within t_k of the set along each axis k,
    divided by 2^d, where t_k belongs to the mean length of the intervals along this axis. For a box, it is the product of the
    numbers of its axes. Products of several functions with small singular values are included, so that the number is too large
    rather than too small.

    Args:
        bands: The wavevectors, in units of pi per side.
        accuracy: The smallest relative singular value along an axis.
    """
    widths = bands.widths.numpy()
    if bands.is_box:
        return math.prod(num_significant(round(high, 6), accuracy) for high in bands.largest)
    inside = _occupied(np.rint(bands.corners.numpy() / widths).astype(int))
    lengths: list[NDArray[np.float64]] = []
    for axis, width in enumerate(widths):
        padded = np.pad(inside > 0, [(1, 1) if other == axis else (0, 0) for other in range(inside.ndim)])
        starts = int(np.diff(padded.astype(np.int8), axis=axis).clip(min=0).sum())
        half = width * int((inside > 0).sum()) / starts / 2
        inside, steps = _dilated(inside, axis, (num_significant(round(half, 6), accuracy) - half) / width)
        lengths.append(width * steps)
    volume = functools.reduce(lambda rest, steps: np.tensordot(steps, rest, axes=(0, 0)), lengths, inside.astype(float))
    return float(volume) / 2 ** len(widths)


def _occupied(cells: NDArray[np.int_]) -> NDArray[np.bool_]:
    """The lattice of cells with all signs of the wavenumbers; entries are true for cells of the set, ``(2 n_1, 2 n_2, ...)``.

    Args:
        cells: The indices of the cells with positive wavenumbers, ``(c, d)``.
    """
    inside = np.zeros(cells.max(axis=0) + 1, dtype=bool)
    inside[tuple(cells.T)] = True
    for axis in range(inside.ndim):
        inside = np.concatenate([np.flip(inside, axis), inside], axis)
    return inside


def _dilated(inside: NDArray[np.bool_], axis: int, by: float) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """The set of points within a distance of a set along an axis, in parts of cells, and the lengths of these parts.

    Args:
        inside: The set, as cells of unit length along the axis.
        axis: The axis.
        by: The distance, in cells.
    """
    count = inside.shape[axis]
    edges = np.arange(count + 1.0)
    edges = np.unique(np.concatenate([edges - by, edges + by]))
    middle = (edges[:-1] + edges[1:]) / 2
    low, high = (np.clip(np.floor(at), -1, count).astype(int) for at in (middle - by, middle + by))
    before = np.cumsum(inside, axis=axis, dtype=np.int32)
    before = np.concatenate([np.zeros_like(before.take([0], axis)), before], axis)
    found = before.take(np.clip(high + 1, 0, count), axis) - before.take(np.clip(low, 0, count), axis)
    return found > 0, np.diff(edges)
