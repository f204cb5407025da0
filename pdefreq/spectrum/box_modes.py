"""Mode families on a box: sine, cosine and Fourier modes, by fast transforms on a uniform grid.

The convention of the package (docs/modes.md): wavenumbers are angular, phases are relative to the lower corner, and
``sin(xi (x - lower))`` has sine coefficient 1, ``cos(xi (x - lower))`` cosine coefficient 1 and Fourier coefficient 1/2.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import scipy.fft

from pdefreq.core.errors import IncompatibleError, UnknownNameError
from pdefreq.core.registry import nearest
from pdefreq.domains.box import Box
from pdefreq.spectrum.box_family import BoxModes
from pdefreq.spectrum.sampling_grid import DEFAULT_INTERVALS, grid_intervals

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


class SineModes(BoxModes):
    """Dirichlet eigenfunctions of the Laplacian, ``prod_a sin(k_a pi (x_a - lower_a) / L_a)``, computed by DST-I.

    An interpolant of the boundary values is subtracted first, since it would leak into every mode as 1/k. In one dimension it is
    the linear interpolant. In higher dimensions it is the transfinite interpolant from the faces, `I - prod_a (I - P_a)` with P_a
    linear along axis a (Gordon and Hall, 1973).
    """

    kind = "sine"
    complete = True
    _unit = math.pi

    @staticmethod
    def _numbers(n: int) -> np.ndarray:
        return np.arange(1.0, n)

    @staticmethod
    def _squared_norms(n: int, length: float) -> np.ndarray:
        return np.full(n - 1, length / 2)

    @staticmethod
    def _transform(values: np.ndarray) -> np.ndarray:
        for axis, size in enumerate(values.shape):
            up, down = (ramp.reshape([-1 if a == axis else 1 for a in range(values.ndim)]) for ramp in _ramps(size))
            before = (slice(None),) * axis
            first, last = values[(*before, slice(0, 1))], values[(*before, slice(-1, None))]
            with np.errstate(invalid="ignore"):  # the modes of infinite values are nan
                values = values - (down * first + up * last)
        inner = values[(slice(1, -1),) * values.ndim]
        return np.asarray(scipy.fft.dstn(inner, type=1)) / math.prod(size - 1 for size in values.shape)

    @staticmethod
    def _inverse(transform: np.ndarray) -> np.ndarray:
        return np.pad(np.asarray(scipy.fft.dstn(transform, type=1)) / 2**transform.ndim, 1)


@functools.lru_cache(maxsize=32)
def _ramps(size: int) -> tuple[np.ndarray, np.ndarray]:
    """The linear functions from 0 to 1 and from 1 to 0 at the nodes."""
    up = np.linspace(0, 1, size)
    return up, 1 - up


class CosineModes(BoxModes):
    """Neumann eigenfunctions of the Laplacian, ``prod_a cos(k_a pi (x_a - lower_a) / L_a)``, by DCT-I."""

    kind = "cosine"
    complete = True
    _unit = math.pi

    @staticmethod
    def _numbers(n: int) -> np.ndarray:
        return np.arange(n + 1.0)

    @staticmethod
    def _squared_norms(n: int, length: float) -> np.ndarray:
        norms = np.full(n + 1, length / 2)
        norms[[0, n]] = length  # with the trapezoidal rule, for which the modes of the grid are orthogonal
        return norms

    @staticmethod
    def _transform(values: np.ndarray) -> np.ndarray:
        transform = np.asarray(scipy.fft.dctn(values, type=1)) / math.prod(size - 1 for size in values.shape)
        for axis in range(values.ndim):
            np.moveaxis(transform, axis, 0)[[0, -1]] /= 2
        return transform

    @staticmethod
    def _inverse(transform: np.ndarray) -> np.ndarray:
        doubled = transform.copy()  # DCT-I counts the terms at both ends once and all others twice
        for axis in range(transform.ndim):
            np.moveaxis(doubled, axis, 0)[[0, -1]] *= 2
        return np.asarray(scipy.fft.dctn(doubled, type=1)) / 2**transform.ndim


class FourierModes(BoxModes):
    """Complex exponentials ``exp(2 pi i k . (x - lower) / L)``, by DFT on the grid without its last point along each axis.

    Coefficients of k and -k are conjugate, so that modes are indices whose first nonzero entry is positive. Functions that are
    not periodic leak into all modes as 1/k.
    """

    kind = "fourier"
    complete = False
    _unit = 2 * math.pi
    _signs = (1, -1)

    @staticmethod
    def _numbers(n: int) -> np.ndarray:
        numbers = np.fft.fftfreq(n, 1 / n).round()
        numbers[2 * np.abs(numbers) == n] = np.nan  # n/2 and -n/2 are equal on the grid
        return numbers

    @staticmethod
    def _squared_norms(n: int, length: float) -> np.ndarray:
        return np.full(n, length)

    @staticmethod
    def _transform(values: np.ndarray) -> np.ndarray:
        return np.asarray(scipy.fft.fftn(values, norm="forward"))

    @staticmethod
    def _inverse(transform: np.ndarray) -> np.ndarray:
        return np.asarray(scipy.fft.ifftn(transform, norm="forward")).real  # pyright: ignore[reportAttributeAccessIssue]

    @staticmethod
    def _distinct(indices: np.ndarray) -> np.ndarray:
        base = 2 * np.abs(indices).max(initial=0) + 1  # the sign of a number in this base is that of its first digit
        return indices[indices @ base ** np.arange(indices.shape[1])[::-1] >= 0]

    @staticmethod
    def _sizes(intervals: Sequence[int]) -> tuple[int, ...]:
        return tuple(intervals)


class PeriodicModes(FourierModes):
    """Fourier modes for functions that are periodic along all axes, a complete orthogonal family."""

    complete = True


BOX_FAMILIES: dict[str, type[BoxModes]] = {family.kind: family for family in (SineModes, CosineModes, FourierModes)}


def make_modes(
    kind: str, box: Box, indices: ArrayLike | None = None, *, intervals: Sequence[int] | None = None, periodic: bool = False
) -> BoxModes:
    """Modes of a mode family on a box, by name.

    Args:
        kind: ``"sine"``, ``"cosine"`` or ``"fourier"``.
        box: The box.
        indices: Mode numbers, shape ``(m, d)`` or in one dimension ``(m,)``; by default all that the grid resolves.
        intervals: Intervals of the grid along each axis; by default `DEFAULT_INTERVALS`.
        periodic: Whether functions are periodic along all axes.

    Raises:
        UnknownNameError: If the family does not exist.
        IncompatibleError: If the box has more than three dimensions.

    Example:
        >>> modes = make_modes("sine", Box((0.0,), (3.141592653589793,)), [1, 2])
        >>> x = modes.points()[:, 0].numpy()
        >>> modes.coefficients(np.sin(x) + 3 * np.sin(2 * x)).round(12).tolist()
        [1.0, 3.0]
    """
    if kind not in BOX_FAMILIES:
        raise UnknownNameError(f"unknown modes '{kind}': {nearest(kind, BOX_FAMILIES)}", name=kind)
    if box.dimension not in DEFAULT_INTERVALS:
        raise IncompatibleError(
            f"{kind} modes need a grid, which is possible in up to 3 dimensions, got {box.dimension}; "
            "watch the error without a spectrum there"
        )
    family = PeriodicModes if periodic and kind == PeriodicModes.kind else BOX_FAMILIES[kind]
    return family.of_grid(box, intervals or grid_intervals(box)) if indices is None else family(box, indices)
