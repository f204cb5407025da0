"""The common base of the mode families of a box: mode numbers, sampling on a uniform grid, positions in fast transforms."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Self

import numpy as np
import torch

from pdefreq.core.scaling import power_of_two_near
from pdefreq.domains.box import Box
from pdefreq.spectrum.family import Expansion, Modes
from pdefreq.spectrum.sampling_grid import DEFAULT_INTERVALS, RECORDED_INTERVALS, grid_axes, grid_intervals, tensor_points

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from pdefreq.core.shapes import Points
    from pdefreq.spaces.trial_space import TrialSpace

_INTERVALS_PER_HALF_WAVE = 3  # of the recorded grid, unless the default grid is finer


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
    _signs: ClassVar[tuple[int, ...]] = (1,)  # the entries of a transform that belong to mode k are sign x k

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
        """See `Modes`; the matrix is a product of matrices for the axes."""
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
        and their ratio is correct. In three dimensions, where errors use random points, modes keep their own grid.
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
