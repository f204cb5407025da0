"""The waves of variable coefficients and weak tones of the source, seen through a window that has no leakage.

The expansions of `pdefreq.spectrum.data_spectrum` find waves with large amplitudes in the solution. If the equation has a
coefficient with the wavenumber q, a wave of the solution with the wavenumber k causes waves with k + q and k - q, these cause
waves with k + 2q and k - 2q, and so on. Their amplitudes decrease geometrically but may be small from the start, although their
second derivatives are large. They are found from the spectra of the coefficients themselves.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import numpy as np

from pdefreq.problem.solution_size import finite_values

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

    from pdefreq.core.shapes import Points
    from pdefreq.problem.problem import Problem

_CELLS = {1: 4096, 2: 256, 3: 64}  # along each axis
_TONE = 1e-3  # least peak, relative to the largest value of the function; side lobes of the window are below 3e-5
_LEAST_CHANGE = 1e-12  # relative size of a product below which a coefficient counts as a constant


def coefficient_waves(problem: Problem) -> np.ndarray:
    """The wavenumbers of the variable coefficients, in units of pi per side, nonnegative, shape ``(m, d)``.

    Coefficients that are constant or smooth have the wavenumber zero only, which is left out.

    Args:
        problem: A differential equation in at most three dimensions.
    """
    x, grid = _points(problem)
    found = [peaks(values.reshape(grid), problem.periodic_axes) for values in _varying(problem, x)]
    return _unique(found, len(grid))


def source_tones(problem: Problem) -> np.ndarray:
    """The wavenumbers of peaks in the spectrum of the source, also weak ones, as in `coefficient_waves`."""
    x, grid = _points(problem)
    values = finite_values(problem.source, x).numpy().reshape(grid)
    return _unique([peaks(values, problem.periodic_axes)], len(grid))


def peaks(values: np.ndarray, periodic: Sequence[int] = (), least: float = _TONE) -> np.ndarray:
    """The wavenumbers of local maxima in the spectrum of a function, apart from those near zero.

    The values at midpoints of equal cells are multiplied by a Blackman-Harris window along the axes that are not periodic. A wave
    then has one peak, whatever its phase and its values at the sides. A window of length L does not resolve wavenumbers that
    differ by less than about 4 half waves. Waves that are present only near the sides are not seen.

    Args:
        values: The values, one axis of the array for each coordinate.
        periodic: The axes along which the function is periodic.
        least: The least height of a peak, relative to the largest one or, if that is larger, to the mean of the function.

    Returns:
        The wavenumbers in units of pi per side, nonnegative, shape ``(m, d)``, the highest peak first.

    Source:
        Harris (1978), On the use of windows for harmonic analysis with the discrete Fourier transform, Proc. IEEE 66: the 4-term
        window has side lobes below -92 dB and a main lobe of 8 half waves to each side.
    """
    from scipy.ndimage import maximum_filter
    from scipy.signal.windows import blackmanharris

    d, weighted, lobe = values.ndim, values, []
    for axis, n in enumerate(values.shape):
        inside = axis not in periodic
        if inside:
            window = blackmanharris(n, sym=False).reshape([-1 if other == axis else 1 for other in range(d)])
            weighted = weighted * (window / window.mean())
        lobe.append(_LOBE if inside else 0)
    shape = [n if axis in periodic else 2 * n for axis, n in enumerate(values.shape)]
    spectrum = np.abs(np.fft.fftn(weighted, shape)) * (2 / values.size)
    steps = [2 if axis in periodic else 1 for axis in range(d)]  # half waves from one coefficient to the next
    k = np.meshgrid(*[step * np.abs(np.fft.fftfreq(n, 1 / n)) for step, n in zip(steps, shape, strict=True)], indexing="ij")
    far = np.any([each > limit for each, limit in zip(k, lobe, strict=True)], axis=0)
    top = spectrum == maximum_filter(spectrum, size=3, mode="wrap")
    high = spectrum > least * spectrum.max()
    at = np.flatnonzero(far & top & high)
    at = at[np.argsort(-spectrum.flat[at], kind="stable")]
    return np.stack([each.flat[at] for each in k], axis=1)
