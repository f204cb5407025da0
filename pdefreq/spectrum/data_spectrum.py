"""The spectrum of a solution, estimated from the data of the problem before the solution is computed.

The source f is expanded in cosines and in sines of the bounding box of the domain, and each coefficient is divided by the symbol
of the equation with averaged coefficients. The transform with fewer large coefficients is kept. Sine coefficients decay slowly
(leakage) if the function does not vanish at the sides, and cosine coefficients if its slope does not vanish there. Wavenumbers
are given in units of pi per side: k = 1 is half of a period along a side of the box.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from pdefreq.core.fields import ConstantField
from pdefreq.core.streams import stream
from pdefreq.problem.solution_size import Averaged, SizeEstimate, finite_values
from pdefreq.spectrum.box_transform import Transform, decay_order, expanded, summed

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.fields import Field
    from pdefreq.core.shapes import Points
    from pdefreq.problem.problem import Problem

Decay = Literal["fast", "jumps", "flat"]

DELTA = 1e-3
"""The least amplitude of an occupied wavenumber, relative to the largest one."""

_CELLS = {1: 4096, 2: 256, 3: 64}  # along each axis
_LINES, _ALONG = 8, 512  # parallel lines along each axis, and points on each, in more than three dimensions
_ORDERS = {"flat": 0.6, "jumps": 1.4}  # largest orders of decay of noise (0 in theory) and of jumps (1); that of kinks is 2
_NOISES = 4.0  # coefficients below this multiple of the standard deviation of the noise are ignored
_SAME = 1e-10  # relative change of a load below which it is a rounding error
_PURE = 8  # to the power d: largest number of occupied wavenumbers in a spectrum of pure tones
_TAPER = 0.25  # part of a side on which the values are tapered
_NAMED = 3  # largest number of bands that is given in the sentence


@dataclass(frozen=True)
class DataSpectrum:
    """The estimated spectrum of a solution on the bounding box of its domain.

    Args:
        sides: The sides of the box, one for each axis.
        transform: The transform that was kept: sines, cosines, waves (all axes periodic), or lines (cosines along the
            axes only, in more than three dimensions).
        wavenumbers: The occupied wavenumbers, in units of pi per side, shape ``(m, d)``, the largest amplitude first.
        amplitudes: The amplitudes of the solution at these wavenumbers, relative to the largest one, shape ``(m,)``.
        largest: The largest occupied wavenumber along each axis, at least 1, in units of pi per side.
        cells: The number of points along each axis. Larger wavenumbers are not resolved.
        decay: Whether the spectrum of f decays fast, as slowly as that of a function with jumps, or not at all (noise, or
            features below the distance of the points).
        resonant: The angular wavenumber sqrt(-c / A), in rad per unit of length, if the reaction c is negative, otherwise 0.
        threshold: The least relative amplitude of an occupied wavenumber.

    Example:
        >>> from pdefreq import Box, Problem
        >>> data_spectrum(Problem(domain=Box((0,), (1,)), exact="sin(5*pi*x)")).largest
        (5.0,)
    """

    sides: tuple[float, ...]
    transform: Transform
    wavenumbers: np.ndarray
    amplitudes: np.ndarray
    largest: tuple[float, ...]
    cells: int
    decay: Decay
    resonant: float
    threshold: float

    @property
    def angular(self) -> np.ndarray:
        """The occupied wavenumbers in rad per unit of length, shape ``(m, d)``."""
        return math.pi * self.wavenumbers / np.array(self.sides)

    @property
    def radius(self) -> float:
        """The largest occupied angular wavenumber |omega|, or the resonant one if that is larger, in rad per unit of length."""
        return max(float(np.linalg.norm(self.angular, axis=1).max(initial=0.0)), self.resonant, math.pi / max(self.sides))

    def plane_waves(self, most: int) -> np.ndarray:
        """Angular wavevectors of the plane waves that products of sines and cosines consist of, the largest amplitudes first.

        A product with the wavenumbers (k_1, ..., k_d) is a sum of waves with omega = pi (k_1 / L_1, +-k_2 / L_2, ...).

        Args:
            most: The largest number of waves.

        Returns:
            Wavevectors in rad per unit of length, one of omega and -omega, shape ``(m, d)`` with m from 1 to `most`.
        """
        signs = np.array([(1, *rest) for rest in itertools.product((1, -1), repeat=len(self.sides) - 1)])
        angular = self.angular[np.any(self.wavenumbers != 0, axis=1)]  # a constant is no wave
        waves = (angular[:most, None, :] * signs).reshape(-1, len(self.sides))
        leading = waves[np.arange(len(waves)), np.argmax(waves != 0, axis=1)]
        waves = list(dict.fromkeys(map(tuple, (waves * np.sign(leading)[:, None] + 0.0).tolist())))
        return np.array(waves[:most] or [tuple(math.pi / side for side in self.sides)])

    @property
    def is_capped(self) -> bool:
        """Whether the spectrum reaches the largest wavenumber that the points resolve, so that larger ones may be present."""
        return max(self.largest) >= self.cells - 1 or self.decay == "flat"

    @functools.cached_property
    def bands(self) -> tuple[tuple[float, float, float], ...]:
        """Occupied intervals of |omega| in rad per unit of length, ascending, each with its share of the squared amplitudes.

        Intervals are at least two lattice steps wide. The resonant wavenumber is included in a band.
        """
        step = math.pi / max(self.sides)
        omega = np.linalg.norm(self.angular, axis=1)
        powers = self.amplitudes**2
        if self.resonant:
            omega, powers = np.append(omega, self.resonant), np.append(powers, 0.0)
        order = np.argsort(omega)
        omega, powers = omega[order], powers[order]
        if not len(omega):
            return ()
        starts = np.flatnonzero(np.diff(omega, prepend=-np.inf) > 2 * step)
        ends = np.append(starts[1:], len(omega))
        total = float(powers.sum()) or 1.0
        return tuple(
            (max(float(omega[a]) - step, 0.0), float(omega[b - 1]) + step, float(powers[a:b].sum()) / total)
            for a, b in zip(starts, ends, strict=True)
        )

    @property
    def reason(self) -> str:
        """The estimate as a clause for messages."""
        of = {"sine": "sines", "cosine": "cosines", "waves": "periodic waves", "lines": "cosines along the axes"}[self.transform]
        axes = "" if len(self.largest) == 1 else " along each axis" if len({*self.largest}) == 1 else " along the axes"
        numbers = ", ".join(f"{k:g}" for k in dict.fromkeys(self.largest))
        told = f"the expansion of the data in {of} has large coefficients at wavenumbers up to {numbers} (pi per side){axes}"
        if 1 < len(self.bands) <= _NAMED:
            told += f" in {len(self.bands)} bands"
        if self.resonant:
            told += f", and the equation is resonant at |omega| = {self.resonant:.3g}"
        told += {
            "fast": "",
            "jumps": "; they decay slowly, as for a function with a jump, so that larger wavenumbers also contribute",
            "flat": "; they do not decay up to the largest resolved wavenumber, as for noise or scales that are too fine",
        }[self.decay]
        return told


@dataclass(frozen=True)
class SpectralData:
    """The data of a problem for those who need their spectrum, which is estimated at the first use.

    Args:
        problem: The problem. The exact solution is not used.
    """

    problem: Problem

    @functools.cached_property
    def spectrum(self) -> DataSpectrum:
        """The spectrum with the default threshold."""
        return data_spectrum(self.problem)


def data_spectrum(problem: Problem, delta: float = DELTA) -> DataSpectrum:
    """The estimated spectrum of the solution.

    Prescribed values that vary are treated as amplitudes of the solution, and fluxes as amplitudes of its slope. Variable
    coefficients, convection and nonlinear terms are applied once to the solution with averaged coefficients and contribute a
    second load, which contains the products of their waves with those of the solution. For p != 2 this load is not used.
    Formulas are evaluated in the whole box, and values that are not finite are replaced by zero. Prescribed values with kinks or
    jumps, whose formulas are not smooth off the boundary either, are left out.

    Args:
        problem: The problem. The exact solution is not used.
        delta: The least amplitude of an occupied wavenumber, relative to the largest one. If many wavenumbers are above it, but
            only a few above ten times the value, these are considered pure tones, and ten times the value is used.

    Returns:
        The spectrum. If all data are zero, the lowest wavenumber is taken as occupied.
    """
    if problem.domain.dimension not in _CELLS:
        return _along_lines(problem, delta)
    return _on_lattice(problem, delta)


@dataclass(frozen=True)
class _Symbol:
    """The symbol of the equation with averaged coefficients, at wavenumbers in units of pi per side."""

    problem: Problem
    sides: tuple[float, ...]

    @functools.cached_property
    def averaged(self) -> Averaged:
        return SizeEstimate(self.problem, ConstantField(0.0)).averaged

    @property
    def resonant(self) -> float:
        if self.problem.is_regression or not self.averaged.reaction < 0:
            return 0.0
        return math.sqrt(-self.averaged.reaction / self.averaged.mean_diffusion)

    def at(self, k: list[np.ndarray]) -> np.ndarray:
        """The modulus of the symbol, at least the smallest eigenvalue of the diffusion; the arrays of the axes broadcast."""
        if self.problem.is_regression:
            return np.ones(np.broadcast_shapes(*(each.shape for each in k)))
        terms = [a * (math.pi * each / side) ** 2 for a, each, side in zip(self.averaged.diffusion, k, self.sides, strict=True)]
        least = min(a * (math.pi / side) ** 2 for a, side in zip(self.averaged.diffusion, self.sides, strict=True))
        return np.maximum(np.abs(functools.reduce(np.add, terms) + self.averaged.reaction), least)


def _on_lattice(problem: Problem, delta: float) -> DataSpectrum:
    import torch

    (lower, upper), d = problem.domain.bounds, problem.domain.dimension
    sides = tuple(b - a for a, b in zip(lower, upper, strict=True))
    cells = _CELLS[d]
    if problem.data is not None:  # values at points resolve half waves that are at least as long as their distance
        known = problem.data.number if problem.data.x is None else len(problem.data.x)
        cells = max(4, min(cells, round(known if problem.data.points == "uniform" else known ** (1 / d))))
    middle = (torch.arange(cells, dtype=torch.float64) + 0.5) / cells
    y = torch.cartesian_prod(*[middle] * d).reshape(-1, d)
    x = y * y.new_tensor(sides) + y.new_tensor(lower)
    symbol, grid = _Symbol(problem, sides), (cells,) * d
    target = problem.regression_target if problem.is_regression else None
    source = finite_values(problem.source if target is None else target, x)
    values, fluxes = _boundary_data(problem, x)
    noise = problem.data.noise if problem.data is not None else 0.0
    found: dict[Transform, tuple[list[np.ndarray], np.ndarray]] = {}
    periodic = problem.periodic_axes
    kinds: tuple[Transform, ...] = ("waves",) if len(periodic) == d else ("cosine", "sine")
    for kind in kinds:
        f, k = expanded(_array(source, grid), kind, periodic)
        f = np.where(np.abs(f) > _NOISES * noise * _white(cells, d), f, 0.0)
        at = symbol.at(k)
        u = np.abs(f) / at
        if (
            target is None
            and symbol.averaged.exponent == 2
            and (second := _second_load(problem, symbol, x, f / at, kind, grid)) is not None
        ):
            u = np.maximum(u, np.abs(expanded(second, kind, periodic)[0]) / at)
        slopes = math.pi * functools.reduce(np.hypot, [each / side for each, side in zip(k, sides, strict=True)])
        for data, order in ((values, 0), (fluxes, 1)):
            for column in data:
                whole = _array(column, grid)
                varying = whole - whole.mean()
                # A constant leaks into sines; the taper removes leakage and widens peaks: the smallest value has neither fault.
                forms = (whole, varying, _tapered(varying, periodic))
                g = functools.reduce(np.minimum, (np.abs(expanded(form, kind, periodic)[0]) for form in forms))
                divisor = 1.0 if order == 0 else symbol.averaged.mean_diffusion * np.maximum(slopes, math.pi / max(sides))
                u = np.maximum(u, g / divisor)
        found[kind] = k, u
    kind = min(found, key=lambda each: int((found[each][1] > delta * found[each][1].max()).sum()))
    k, u = found[kind]
    top = float(u.max())
    if not 0 < top < math.inf:
        return _lowest(sides, cells, kind, symbol.resonant, delta)
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
    return DataSpectrum(
        sides, kind, wavenumbers, u[tuple(index.T)] / top, largest, cells, _decay(source, grid), symbol.resonant, threshold
    )


def _array(values: Tensor, grid: tuple[int, ...]) -> np.ndarray:
    return values.reshape(grid).numpy()


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


def _white(cells: int, d: int) -> float:
    """The standard deviation of the coefficients of white noise of unit variance."""
    return (2 / cells) ** (d / 2)


def _boundary_data(problem: Problem, x: Points) -> tuple[list[Tensor], list[Tensor]]:
    """The prescribed values and the fluxes that vary, extended to the box by their formulas."""
    values, fluxes = [], []
    if problem.is_regression:
        return [], []
    for condition in problem.boundary:
        chosen: tuple[Field, list[Tensor]] | None = None
        if condition.kind == "dirichlet":
            chosen = condition.value, values
        elif condition.kind == "robin":
            chosen = condition.flux, fluxes
        if chosen is not None and chosen[0].constant is None and not chosen[0].has_kinks:
            chosen[1].append(finite_values(chosen[0], x))
    return values, fluxes


def _second_load(
    problem: Problem, symbol: _Symbol, x: Points, u: np.ndarray, kind: Transform, grid: tuple[int, ...]
) -> np.ndarray | None:
    """The second load, f - (L - L_averaged) u with the solution u for averaged coefficients; None if it is equal to f.

    Args:
        problem: The problem.
        symbol: The equation with averaged coefficients.
        x: The points of the grid.
        u: The coefficients of u.
        kind: The transform.
        grid: The shape of the grid.
    """
    import torch

    coefficients = [field for term in problem.equation for field in vars(term).values()]
    linear_and_constant = problem.is_linear and all(
        getattr(field, "constant", None) is not None for field in coefficients if not isinstance(field, (int, float))
    )
    if linear_and_constant:
        return None
    cells = [side / n for side, n in zip(symbol.sides, grid, strict=True)]
    values = summed(u, kind, problem.periodic_axes)
    slopes = np.stack([np.gradient(values, step, axis=axis) for axis, step in enumerate(cells)], axis=-1)
    v, q = torch.from_numpy(values.reshape(-1)), torch.from_numpy(slopes.reshape(-1, len(grid)))
    averaged = symbol.averaged
    load, stiffness = finite_values(problem.source, x), torch.zeros_like(v)
    for term in problem.equation:
        strong = term.strong(x)
        lower, second = strong.lower(v, q), strong.second(v, q)
        load = load if lower is None else load - lower
        if second is not None:
            isotropic = second.expand(len(v)) if second.ndim < 2 else second.diagonal(dim1=1, dim2=2).mean(dim=1)
            stiffness = stiffness + isotropic
    ratio = torch.where(stiffness > 0, averaged.mean_diffusion / stiffness, 1.0)
    load = torch.nan_to_num((load + averaged.reaction * v) * ratio, 0.0, 0.0, 0.0)
    first = finite_values(problem.source, x)
    if not bool((load - first).abs().max() > _SAME * first.abs().max()):
        return None
    return _array(load, grid)


def _decay(source: Tensor, grid: tuple[int, ...]) -> Decay:
    """The decay of the spectrum of f along the axis with the slowest decay."""
    order = decay_order(_array(source, grid))
    return "flat" if order < _ORDERS["flat"] else "jumps" if order < _ORDERS["jumps"] else "fast"


def _lowest(sides: tuple[float, ...], cells: int, kind: Transform, resonant: float, delta: float) -> DataSpectrum:
    """The spectrum of data that vanish or are not finite."""
    d = len(sides)
    largest = tuple(max(1.0, resonant * side / math.pi) for side in sides)
    return DataSpectrum(sides, kind, np.ones((1, d)), np.ones(1), largest, cells, "fast", resonant, delta)


def _along_lines(problem: Problem, delta: float) -> DataSpectrum:
    """The spectrum along lines parallel to the axes, in more than three dimensions."""
    import torch

    (lower, upper), d = problem.domain.bounds, problem.domain.dimension
    sides = tuple(b - a for a, b in zip(lower, upper, strict=True))
    symbol, bases = _Symbol(problem, sides), problem.domain.interior(_LINES, stream(0, "lines")).x
    middle = (torch.arange(_ALONG, dtype=torch.float64) + 0.5) / _ALONG
    fields: list[tuple[Field | None, int]] = [(None, 2)]
    if not problem.is_regression:
        fields += [
            (condition.value if condition.kind == "dirichlet" else condition.flux, 0 if condition.kind == "dirichlet" else 1)
            for condition in problem.boundary
            if condition.kind != "periodic"
        ]
    columns, slowest = [], math.inf
    for axis in range(d):
        x = bases[:, None, :].repeat(1, _ALONG, 1)
        x[:, :, axis] = lower[axis] + sides[axis] * middle
        k = np.arange(_ALONG, dtype=float)
        along = [k if other == axis else np.zeros(1) for other in range(d)]
        total = np.zeros(_ALONG)
        for field, order in fields:
            if field is not None and (field.constant is not None or field.has_kinks):
                continue
            function = field if field is not None else (problem.regression_target if problem.is_regression else problem.source)
            values = finite_values(function, x.reshape(-1, d)).reshape(_LINES, _ALONG).numpy()
            if field is not None:
                values = values - values.mean()
            else:
                slowest = min(slowest, *(decay_order(line) for line in values))
            c = np.sqrt((np.stack([expanded(line, "cosine", ())[0] for line in values]) ** 2).mean(axis=0))
            scale = {0: 1.0, 1: symbol.averaged.mean_diffusion * math.pi * np.maximum(k, 1) / sides[axis], 2: symbol.at(along)}[
                order
            ]
            total = np.maximum(total, c / scale)
        columns.append(total)
    u = np.stack(columns)
    top = float(u.max())
    if not 0 < top < math.inf:
        return _lowest(sides, _ALONG, "lines", symbol.resonant, delta)
    index = np.argwhere(u > delta * top)
    index = index[np.argsort(-u[tuple(index.T)], kind="stable")]
    wavenumbers = np.eye(d)[index[:, 0]] * index[:, 1:]
    largest = tuple(max(1.0, float(wavenumbers[:, axis].max()), symbol.resonant * sides[axis] / math.pi) for axis in range(d))
    decay = "flat" if slowest < _ORDERS["flat"] else "jumps" if slowest < _ORDERS["jumps"] else "fast"
    return DataSpectrum(sides, "lines", wavenumbers, u[tuple(index.T)] / top, largest, _ALONG, decay, symbol.resonant, delta)
