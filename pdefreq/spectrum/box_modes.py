"""Mode families on a box: sine, cosine and Fourier modes, by fast transforms on a uniform grid.

The convention of the package (docs/modes.md): wavenumbers are angular, phases are relative to the lower corner, and
``sin(xi (x - lower))`` has sine coefficient 1, ``cos(xi (x - lower))`` cosine coefficient 1 and Fourier coefficient 1/2.
"""

from __future__ import annotations

import functools
import math
from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Protocol, Self, runtime_checkable

import numpy as np
import scipy.fft
import torch

from pdefreq.core.errors import IncompatibleError, UnknownNameError
from pdefreq.core.registry import nearest
from pdefreq.core.scaling import power_of_two_near
from pdefreq.domains.box import Box
from pdefreq.spectrum.family import Expansion, Modes

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from pdefreq.core.shapes import Points
    from pdefreq.spaces.trial_space import TrialSpace

DEFAULT_INTERVALS = {1: 1024, 2: 128, 3: 32}
"""Intervals per axis, by dimension, of the grid on which functions without a grid are sampled."""
RECORDED_INTERVALS = {1: 461, 2: 113}
"""The same at the recorded steps of a run, where errors use this grid as well, so that one evaluation serves both.

They are prime, so that the inner nodes are not nodes of other grids, where the error of P1 elements in one dimension is zero up
to rounding. Their quotients with powers of two and ten are far from fractions with small denominators, so that the nodes lie at
many different places of the cells of such grids.
"""
_INTERVALS_PER_HALF_WAVE = 3  # of the recorded grid, unless the default grid is finer


@runtime_checkable
class UniformGrid(Protocol):
    """A space whose coefficients are values at the nodes of a uniform grid, whose modes are used."""

    @property
    def box(self) -> Box: ...

    @property
    def intervals(self) -> tuple[int, ...]: ...


def grid_intervals(box: Box, space: TrialSpace | None = None, default: Sequence[int] | None = None) -> tuple[int, ...]:
    """Intervals per axis of the grid on which members of a space are sampled: those of its own grid, or the default."""
    if isinstance(space, UniformGrid) and space.box == box:
        return space.intervals
    return (DEFAULT_INTERVALS[box.dimension],) * box.dimension if default is None else tuple(default)


def grid_axes(box: Box, intervals: Sequence[int]) -> list[np.ndarray]:
    """Coordinates of the nodes of a uniform grid along each axis, including both ends."""
    return [np.linspace(a, b, n + 1) for a, b, n in zip(box.lower, box.upper, intervals, strict=True)]


def tensor_points(axes: Sequence[np.ndarray]) -> np.ndarray:
    """All points with these coordinates, shape ``(n, d)``, in C order (the last axis varies fastest)."""
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))


def recorded_points(box: Box) -> Points | None:
    """The nodes of the grid of `RECORDED_INTERVALS`, ``(n, d)`` in C order; None beyond two dimensions."""
    if box.dimension not in RECORDED_INTERVALS:
        return None
    return torch.from_numpy(tensor_points(grid_axes(box, (RECORDED_INTERVALS[box.dimension],) * box.dimension)))


@functools.lru_cache(maxsize=32)
def _ramps(size: int) -> tuple[np.ndarray, np.ndarray]:
    """The linear functions from 0 to 1 and from 1 to 0 at the nodes."""
    up = np.linspace(0, 1, size)
    return up, 1 - up


class _ModesOnGrid(NamedTuple):
    """The positions of modes in the transforms of functions on a grid.

    Args:
        intervals: Intervals of the grid along each axis.
        sizes: Number of points along each axis.
        position: The position of each mode, one array for each axis.
        is_resolved: Whether the grid resolves the mode, shape ``(m,)``.
        places: The indices of all entries of these modes.
        squared_norms: Squared norms of the modes along each axis.
    """

    intervals: tuple[int, ...]
    sizes: tuple[int, ...]
    position: tuple[np.ndarray, ...]
    is_resolved: np.ndarray
    places: list[tuple[np.ndarray, ...]]
    squared_norms: list[np.ndarray]


class BoxModes(Modes):
    """Modes of a box, whose wavevectors are given by mode numbers along the axes.

    Args:
        box: The box.
        indices: Mode numbers along each axis, shape ``(m, d)``.
        intervals: Intervals per axis of the grid for functions without a grid; by default `DEFAULT_INTERVALS`.
    """

    _unit: ClassVar[float]  # wavenumber of mode 1 on an interval of length 1
    _signs: ClassVar[tuple[int, ...]] = (1,)  # the entries of a transform that belong to mode k: sign x k

    def __init__(self, box: Box, indices: ArrayLike, intervals: Sequence[int] | None = None) -> None:
        self.box, self._intervals = box, intervals
        self.indices = np.asarray(indices, dtype=int).reshape(-1, box.dimension)
        self.wavevectors = self.indices * self._unit / np.array(box.lengths)
        self.wavenumber = np.linalg.norm(self.wavevectors, axis=1)
        self._last: tuple[TrialSpace | None, _ModesOnGrid] | None = None

    def points(self, space: TrialSpace | None = None) -> Points:
        """The points at which functions are sampled, ``(n, d)`` float64 in C order: the nodes of a grid space, or a fine grid."""
        grid = self._grid(space)
        axes = zip(grid_axes(self.box, grid.intervals), grid.sizes, strict=True)
        return torch.from_numpy(tensor_points([axis[:size] for axis, size in axes]))

    def decompose(self, values: ArrayLike, space: TrialSpace | None = None) -> tuple[np.ndarray, float]:
        """See `Modes`; coefficients of Fourier modes are complex."""
        grid = self._grid(space)
        transform = self._transform(np.asarray(values, dtype=float).reshape(grid.sizes))
        coefficients = np.where(grid.is_resolved, transform[grid.position], 0)
        for place in grid.places:
            transform[place] = 0
        unit = power_of_two_near(transform)
        power = np.abs(transform / unit) ** 2
        for norms in grid.squared_norms:
            power = np.tensordot(norms, power, axes=1)
        return coefficients, unit * math.sqrt(float(power))

    def coefficients(self, values: ArrayLike, space: TrialSpace | None = None) -> np.ndarray:
        grid = self._grid(space)
        return np.where(grid.is_resolved, self._transform(np.asarray(values, dtype=float).reshape(grid.sizes))[grid.position], 0)

    def analysis(self, space: TrialSpace | None = None) -> np.ndarray:
        """The matrix ``(m, n)`` from values at ``points(space)`` to coefficients, a product of matrices for the axes."""
        rows = np.ones((len(self), 1))
        for k, n in zip(self.indices.T, self._grid(space).intervals, strict=True):
            along = np.stack([self._transform(unit) for unit in np.eye(self._sizes((n,))[0])], axis=1)
            (position,), is_resolved = self._locate(k[:, None], (n,))
            part = np.where(is_resolved[:, None], along[position], 0)
            rows = (rows[:, :, None] * part[:, None, :]).reshape(len(self), -1)
        return rows

    def take(self, places: np.ndarray) -> Self:
        return type(self)(self.box, self.indices[places], self._intervals)

    def wavenumber_range(self, space: TrialSpace | None = None) -> tuple[float, float]:
        """See `Modes`; beyond the larger wavenumber, modes with small numbers along some of the axes may be resolved as well."""
        numbers = [np.abs(self._numbers(n)) for n in grid_intervals(self.box, space, self._intervals)]
        units = self._unit / np.array(self.box.lengths)
        lowest = float(np.linalg.norm([np.nanmin(k) * unit for k, unit in zip(numbers, units, strict=True)]))
        highest = min(float(np.nanmax(k) * unit) for k, unit in zip(numbers, units, strict=True))
        return lowest or float(units.min()), highest

    def recorded(self) -> Self:
        """The same modes on the grid of `RECORDED_INTERVALS`, refined by halving until it resolves them.

        Modes k and 2n - k are equal on n intervals. With 3 k <= n the latter has at least five times the wavenumber. If both
        coefficients are c / k^2, from the slope at the ends, the error and the solution have the same relative aliasing error,
        and their ratio is right. In three dimensions, with random points for errors, modes keep their own grid.
        """
        d = self.box.dimension
        if d not in RECORDED_INTERVALS:
            return self
        number, half_waves = RECORDED_INTERVALS[d], self._unit / math.pi * np.abs(self.indices).max(initial=0)
        while number < min(_INTERVALS_PER_HALF_WAVE * half_waves, DEFAULT_INTERVALS[d]):
            number *= 2
        return type(self)(self.box, self.indices, (number,) * d)

    def sampled_on(self, intervals: Sequence[int]) -> Self:
        """The same modes with another grid for functions without a grid."""
        return type(self)(self.box, self.indices, intervals)

    @classmethod
    def of_grid(cls, box: Box, intervals: Sequence[int]) -> Self:
        """All modes that a grid resolves, in order of wavenumber."""
        numbers = [cls._numbers(n) for n in intervals]
        axes = [k[np.isfinite(k)].astype(int) for k in numbers]
        indices = cls._distinct(np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes)))
        modes = cls(box, indices)
        return cls(box, modes.indices[np.argsort(modes.wavenumber, kind="stable")])

    @classmethod
    def expand(cls, box: Box, values: np.ndarray) -> Expansion:
        """The expansion of a function on a grid in all modes of the grid.

        Args:
            box: The box.
            values: Values at all nodes of a uniform grid, ends included, one axis per dimension.
        """
        intervals = [size - 1 for size in values.shape]
        sizes = cls._sizes(intervals)
        squares = []
        for n, length in zip(intervals, box.lengths, strict=True):
            numbers = cls._numbers(n)
            numbers = np.where(np.isnan(numbers), n / 2, numbers)  # only the sign of this number is ambiguous
            squares.append((numbers * cls._unit / length) ** 2)
        wavenumber = np.sqrt(sum(np.meshgrid(*squares, indexing="ij")))

        def synthesize(transform: np.ndarray) -> np.ndarray:
            ends = [(0, n + 1 - size) for n, size in zip(intervals, sizes, strict=True)]
            return np.pad(cls._inverse(transform), ends, mode="wrap")  # a periodic function repeats its first node at the end

        return Expansion(cls._transform(values[tuple(map(slice, sizes))]), wavenumber, synthesize)

    @staticmethod
    @abstractmethod
    def _numbers(n: int) -> np.ndarray:
        """The mode number at each place of a transform along an axis of `n` intervals; nan where it is ambiguous."""

    @staticmethod
    @abstractmethod
    def _squared_norms(n: int, length: float) -> np.ndarray:
        """The squared L2 norm of each of these modes along an axis."""

    @staticmethod
    @abstractmethod
    def _transform(values: np.ndarray) -> np.ndarray:
        """All coefficients of values on the grid, a new array."""

    @staticmethod
    @abstractmethod
    def _inverse(transform: np.ndarray) -> np.ndarray:
        """The sum of the modes with these coefficients at the points of the grid, real."""

    @staticmethod
    def _distinct(indices: np.ndarray) -> np.ndarray:
        """The rows of `indices` that are different modes of real functions."""
        return indices

    @staticmethod
    def _sizes(intervals: Sequence[int]) -> tuple[int, ...]:
        return tuple(n + 1 for n in intervals)

    def _grid(self, space: TrialSpace | None) -> _ModesOnGrid:
        """The positions of the modes on the grid of a space, cached for the last grid."""
        if self._last is None or self._last[0] is not space:
            intervals = grid_intervals(self.box, space, self._intervals)
            position, is_resolved = self._locate(self.indices, intervals)
            places = [self._locate(sign * self.indices, intervals) for sign in self._signs]
            grid = _ModesOnGrid(
                intervals=intervals,
                sizes=self._sizes(intervals),
                position=position,
                is_resolved=is_resolved,
                places=[tuple(p[there] for p in place) for place, there in places],
                squared_norms=[self._squared_norms(n, length) for n, length in zip(intervals, self.box.lengths, strict=True)],
            )
            self._last = space, grid
        return self._last[1]

    def _locate(self, indices: np.ndarray, intervals: Sequence[int]) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
        """The positions of modes in a transform, one array for each axis, and whether the grid resolves them."""
        position, is_resolved = [], np.ones(len(indices), dtype=bool)
        for k, n in zip(indices.T, intervals, strict=True):
            numbers = self._numbers(n)
            place = (k - int(numbers[0])) % len(numbers)
            is_resolved &= numbers[place] == k
            position.append(place)
        return tuple(position), is_resolved


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
            values = values - (down * first + up * last)
        inner = values[(slice(1, -1),) * values.ndim]
        return np.asarray(scipy.fft.dstn(inner, type=1)) / math.prod(size - 1 for size in values.shape)

    @staticmethod
    def _inverse(transform: np.ndarray) -> np.ndarray:
        return np.pad(np.asarray(scipy.fft.dstn(transform, type=1)) / 2**transform.ndim, 1)


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
