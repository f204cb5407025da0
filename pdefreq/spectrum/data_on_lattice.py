"""The spectrum of the data on a lattice of points in the bounding box of the domain, in one to three dimensions."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pdefreq.problem.solution_size import finite_values
from pdefreq.spectrum.averaged_symbol import AveragedSymbol
from pdefreq.spectrum.box_transform import Transform, decay_order, expanded
from pdefreq.spectrum.data_loads import boundary_data, second_load
from pdefreq.spectrum.occupied_wavenumbers import DataSpectrum, decay_class

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Points
    from pdefreq.problem.problem import Problem

CELLS = {1: 4096, 2: 256, 3: 64}
"""Number of cells along each axis, by dimension."""

_NOISES = 4.0  # coefficients below this multiple of the standard deviation of the noise are ignored
_PURE = 8  # to the power d: largest number of occupied wavenumbers in a spectrum of pure tones
_TAPER = 0.25  # fraction of a side on which the values are tapered


def on_lattice(problem: Problem, delta: float) -> DataSpectrum:
    """The spectrum from values at the midpoints of equal cells of the box, in one to three dimensions.

    Args:
        problem: The problem. The exact solution is not used.
        delta: The least relative amplitude of an occupied wavenumber, as in `data_spectrum`.
    """
    (lower, upper), d = problem.domain.bounds, problem.domain.dimension
    sides = tuple(b - a for a, b in zip(lower, upper, strict=True))
    lattice, symbol = _Lattice(lower, sides, _cells(problem)), AveragedSymbol(problem, sides)
    target = problem.regression_target if problem.is_regression else None
    source = lattice.array(finite_values(problem.source if target is None else target, lattice.points))
    kinds: tuple[Transform, ...] = ("waves",) if len(problem.periodic_axes) == d else ("cosine", "sine")
    found: dict[Transform, tuple[np.ndarray, list[np.ndarray]]] = {
        kind: _amplitudes(problem, symbol, lattice, source, kind) for kind in kinds
    }
    kind = min(found, key=lambda each: int((found[each][0] > delta * found[each][0].max()).sum()))
    u, k = found[kind]
    top = float(u.max())
    if not 0 < top < math.inf:
        return DataSpectrum.lowest(sides, lattice.cells, kind, symbol.resonant, delta)
    above = u > delta * top
    threshold = delta
    if int((u > 10 * delta * top).sum()) <= _PURE**d and int(above.sum()) > _PURE**d:
        threshold = 10 * delta
        above = u > threshold * top
    index = np.argwhere(above)
    index = index[np.argsort(-u[above], kind="stable")]
    wavenumbers = np.stack([k[axis].reshape(-1)[index[:, axis]] for axis in range(d)], axis=1)
    largest = tuple(max(1.0, float(column.max())) for column in wavenumbers.T)
    if symbol.resonant:
        largest = tuple(max(each, symbol.resonant * side / math.pi) for each, side in zip(largest, sides, strict=True))
    decay = decay_class(decay_order(source))
    amplitudes = u[tuple(index.T)] / top
    return DataSpectrum(sides, kind, wavenumbers, amplitudes, largest, lattice.cells, decay, symbol.resonant, threshold)


@dataclass(frozen=True)
class _Lattice:
    """The midpoints of equal cells of a box."""

    lower: tuple[float, ...]
    sides: tuple[float, ...]
    cells: int

    @functools.cached_property
    def points(self) -> Points:
        import torch

        d = len(self.sides)
        middle = (torch.arange(self.cells, dtype=torch.float64) + 0.5) / self.cells
        y = torch.cartesian_prod(*[middle] * d).reshape(-1, d)
        return y * y.new_tensor(self.sides) + y.new_tensor(self.lower)

    def array(self, values: Tensor) -> np.ndarray:
        """Values at the points as an array with one axis for each coordinate."""
        return values.reshape((self.cells,) * len(self.sides)).numpy()


def _cells(problem: Problem) -> int:
    """The number of cells along each axis."""
    d = problem.domain.dimension
    if problem.data is None:
        return CELLS[d]
    # values at points resolve half waves that are at least as long as the distance of the points
    known = problem.data.number if problem.data.x is None else len(problem.data.x)
    return max(4, min(CELLS[d], round(known if problem.data.points == "uniform" else known ** (1 / d))))


def _amplitudes(
    problem: Problem, symbol: AveragedSymbol, lattice: _Lattice, source: np.ndarray, kind: Transform
) -> tuple[np.ndarray, list[np.ndarray]]:
    """The largest amplitude at each wavenumber that any of the data implies for the solution, and the wavenumbers by axis."""
    periodic = problem.periodic_axes
    noise = problem.data.noise if problem.data is not None else 0.0
    f, k = expanded(source, kind, periodic)
    f = np.where(np.abs(f) > _NOISES * noise * _white(source.shape), f, 0.0)
    at = symbol.at(k)
    u = np.abs(f) / at
    if not problem.is_regression and symbol.averaged.exponent == 2:
        second = second_load(problem, symbol, lattice.points, f / at, kind)
        if second is not None:
            u = np.maximum(u, np.abs(expanded(lattice.array(second), kind, periodic)[0]) / at)
    slopes = math.pi * functools.reduce(np.hypot, [each / side for each, side in zip(k, symbol.sides, strict=True)])
    values, fluxes = boundary_data(problem, lattice.points)
    for data, order in ((values, 0), (fluxes, 1)):
        for column in data:
            whole = lattice.array(column)
            varying = whole - whole.mean()
            # A constant leaks into sines, and the taper removes leakage but widens peaks; the smallest value avoids both errors.
            forms = (whole, varying, _tapered(varying, periodic))
            g = functools.reduce(np.minimum, (np.abs(expanded(form, kind, periodic)[0]) for form in forms))
            divisor = 1.0 if order == 0 else symbol.averaged.mean_diffusion * np.maximum(slopes, math.pi / max(symbol.sides))
            u = np.maximum(u, g / divisor)
    return u, k


def _tapered(values: np.ndarray, periodic: Sequence[int]) -> np.ndarray:
    """The values, multiplied by a taper that decreases to zero at the sides across axes that are not periodic.

    The expansion of prescribed values is not divided by the symbol of the equation. Without the taper, waves that are not
    periodic on the box would have coefficients at all wavenumbers, which decay only like 1/k (leakage).
    """
    from scipy.signal.windows import tukey

    for axis, n in enumerate(values.shape):
        if axis not in periodic:
            values = values * tukey(n, _TAPER).reshape([-1 if other == axis else 1 for other in range(values.ndim)])
    return values


def _white(shape: tuple[int, ...]) -> float:
    """The standard deviation of the coefficients of white noise of unit variance on a lattice with equal numbers of cells."""
    return (2 / shape[0]) ** (len(shape) / 2)
