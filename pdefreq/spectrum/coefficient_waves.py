"""The waves of variable coefficients and weak tones of the source, determined with a window that has little leakage.

The expansions of `pdefreq.spectrum.data_spectrum` find waves with large amplitudes in the solution. If the equation has a
coefficient with the wavenumber q, a wave of the solution with the wavenumber k generates waves with k + q and k - q, these
generate waves with k + 2q and k - 2q, and so on. Their amplitudes decrease geometrically. Even the largest one may be small,
while its second derivatives are large. These waves are found from the spectra of the coefficients themselves.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import numpy as np

from pdefreq.problem.solution_size import finite_values
from pdefreq.spectrum.box_transform import decay_order

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pdefreq.core.fields import Field
    from pdefreq.problem.problem import Problem

_CELLS = {1: 4096, 2: 256, 3: 64}  # number of cells along each axis
_LOBE = 8.0  # half width of the main lobe of the window, in half waves
_LEAST = 1e-4  # least height of a peak, relative to the highest one; the side lobes of the window are below 3e-5
_MOST = 32  # largest number of waves of all coefficients
_POINTS = 4096  # number of points at which coefficients are compared with their means
_DEGREE = 4  # of the polynomials that are subtracted
_SMOOTH = 1.4  # least order of decay of the spectrum of a function without jumps


def coefficient_waves(problem: Problem) -> np.ndarray:
    """The wavenumbers of waves in the variable coefficients, in units of pi per side, nonnegative, shape ``(m, d)``.

    Wavenumbers below 8 and coefficients with jumps are left out.

    Args:
        problem: A differential equation in at most three dimensions.
    """
    varying = [field for field in problem.equation.coefficients.values() if field.constant is None]
    return np.unique(
        np.concatenate([_of(problem, field) for field in varying] or [np.zeros((0, problem.domain.dimension))]), axis=0
    )


def source_tones(problem: Problem) -> np.ndarray:
    """The wavenumbers of peaks in the spectrum of the source, including low ones; units and limits as in `coefficient_waves`."""
    return _of(problem, problem.source)


def strongest_waves(problem: Problem) -> np.ndarray:
    """The wavenumber of the highest peak of the source and of each variable coefficient, as in `coefficient_waves`."""
    fields = [problem.source, *problem.equation.coefficients.values()]
    return np.concatenate(
        [_of(problem, field)[:1] for field in fields if field.constant is None] or [np.zeros((0, problem.domain.dimension))]
    )


def products(wavenumbers: np.ndarray, waves: np.ndarray, most: int) -> Iterator[np.ndarray]:
    """The wavenumbers of products with waves, with one further factor in each item, rounded to integers, ``(m, d)``.

    The product of a wave k with a wave q consists of waves k + q and k - q, also with other signs of the components.

    Args:
        wavenumbers: The first item, nonnegative, ``(m, d)``.
        waves: The wavenumbers q, nonnegative, ``(n, d)``.
        most: The iterator ends before an item with more wavenumbers.
    """
    signs = np.array([*itertools.product((1.0, -1.0), repeat=waves.shape[1])])
    shifts = np.unique((waves[:, None] * signs).reshape(-1, waves.shape[1]), axis=0)
    found = newest = np.unique(np.round(wavenumbers), axis=0)
    while len(found) <= most:
        yield found
        newest = np.unique(np.abs(np.round((newest[:, None] + shifts).reshape(-1, waves.shape[1]))), axis=0)
        found = np.unique(np.concatenate([found, newest]), axis=0)


def _of(problem: Problem, field: Field) -> np.ndarray:
    """The wavenumbers of the highest peaks of a function on the bounding box."""
    import torch

    (lower, upper), d = problem.domain.bounds, problem.domain.dimension
    middle = (torch.arange(_CELLS[d], dtype=torch.float64) + 0.5) / _CELLS[d]
    y = torch.cartesian_prod(*[middle] * d).reshape(-1, d)
    x = y * (y.new_tensor(upper) - y.new_tensor(lower)) + y.new_tensor(lower)
    values = finite_values(field, x).numpy().reshape((_CELLS[d],) * d)
    return np.zeros((0, d)) if decay_order(values) < _SMOOTH else peaks(values, problem.periodic_axes)[:_MOST]


def product_ratio(problem: Problem, waves: np.ndarray) -> float:
    """The estimated ratio by which one further factor reduces the amplitude of a product, between 1e-3 and 0.95.

    For a diffusion with the contrast K = max A / min A it is (K^(1/2) - 1) / (K^(1/2) + 1): the Fourier coefficients of
    1 / (1 + c sin x) decrease with this ratio. A velocity b and a reaction c add |b - mean| / (2 A q) and |c - mean| / (2 A q^2)
    with the smallest wavenumber q of the coefficients.

    Args:
        problem: A differential equation with variable coefficients.
        waves: The `coefficient_waves`, at least one.
    """
    import torch

    x = problem.regular(problem.domain.quadrature(_POINTS)).x
    u, slope = torch.zeros_like(x[:, 0]), torch.zeros_like(x)
    diffusion, velocity, reaction = torch.zeros_like(u), torch.zeros_like(x), torch.zeros_like(u)
    for term in problem.equation:
        found = term.weak(x).slopes(u, slope)
        diffusion = diffusion if found.isotropic is None else diffusion + found.isotropic
        diffusion = diffusion if found.matrix is None else diffusion + found.matrix.diagonal(dim1=1, dim2=2).mean(dim=1)
        velocity = velocity if found.value_q is None else velocity + found.value_q
        reaction = reaction if found.value_u is None else reaction + found.value_u
    lower, upper = problem.domain.bounds
    sides = np.subtract(upper, lower)
    q = float(np.linalg.norm(np.pi * waves / sides, axis=1).min())
    least, mean = float(diffusion.min()), float(diffusion.mean())
    root = math.sqrt(max(1.0, float(diffusion.max()) / least)) if least > 0 else math.inf
    ratio = (root - 1) / (root + 1) if math.isfinite(root) else 1.0
    for part, order in ((velocity, 1), (reaction[:, None], 2)):
        ratio += float((part - part.mean(dim=0)).norm(dim=1).max()) / (2 * mean * q**order)
    return min(max(ratio, 1e-3), 0.95)


def peaks(values: np.ndarray, periodic: Sequence[int] = (), least: float = _LEAST) -> np.ndarray:
    """The wavenumbers of local maxima in the spectrum of a function, except those near zero.

    The values at midpoints of equal cells are multiplied by a Blackman-Harris window along the axes that are not periodic. A wave
    then has one peak, whatever its phase and its values at the sides. A window of length L does not resolve wavenumbers that
    differ by less than about 4 half waves. Waves that are present only near the sides are not detected.

    The best approximation by polynomials of degree 4 along each axis is subtracted first, because the side lobes of the window
    times a polynomial are higher than those of the window. Along periodic axes these polynomials are constants.

    Args:
        values: The values, one axis of the array for each coordinate.
        periodic: The axes along which the function is periodic.
        least: The least height of a peak, relative to the highest one, which may be near zero.

    Returns:
        The wavenumbers in units of pi per side, nonnegative, shape ``(m, d)``, the highest peak first.

    Source:
        Harris (1978), On the use of windows for harmonic analysis with the discrete Fourier transform, Proc. IEEE 66: the 4-term
        window has side lobes below -92 dB and a main lobe of 8 half waves to each side.
    """
    from scipy.ndimage import maximum_filter
    from scipy.signal.windows import blackmanharris

    d, weights, lobe = values.ndim, np.ones((1,) * values.ndim), []
    for axis, n in enumerate(values.shape):
        inside = axis not in periodic
        if inside:
            window = blackmanharris(n, sym=False).reshape([-1 if other == axis else 1 for other in range(d)])
            weights = weights * (window / window.mean())
        lobe.append(_LOBE if inside else 0)
    shape = [n if axis in periodic else 2 * n for axis, n in enumerate(values.shape)]
    smooth, whole = (np.fft.fftn(weights * each, shape, axes=range(d)) for each in (_polynomial(values, periodic), values))
    spectrum = np.abs(whole - smooth)
    steps = [2 if axis in periodic else 1 for axis in range(d)]  # half waves from one coefficient to the next
    k = np.meshgrid(*[step * np.abs(np.fft.fftfreq(n, 1 / n)) for step, n in zip(steps, shape, strict=True)], indexing="ij")
    far = np.any([each > limit for each, limit in zip(k, lobe, strict=True)], axis=0)
    top = spectrum == maximum_filter(spectrum, size=[1 if axis in periodic else 3 for axis in range(d)], mode="wrap")
    high = spectrum > least * np.abs(whole).max()
    at = np.flatnonzero(far & top & high)
    at = at[np.argsort(-spectrum.flat[at], kind="stable")]
    return np.stack([each.flat[at] for each in k], axis=1)


def _polynomial(values: np.ndarray, periodic: Sequence[int]) -> np.ndarray:
    """The best approximation by products of polynomials of degree 4 in each coordinate, constant along periodic axes."""
    for axis, n in enumerate(values.shape):
        degree = 0 if axis in periodic else min(_DEGREE, n - 1)
        basis = np.linalg.qr(np.polynomial.legendre.legvander(np.linspace(-1, 1, n), degree))[0]
        values = np.moveaxis(np.tensordot(basis, np.tensordot(basis, values, (0, axis)), 1), 0, axis)
    return values
