"""Waves along one direction by least squares, in any dimension and without a grid.

The projection method of Xu, Zhang, Luo, Xiao, Ma: Frequency principle (2020), arXiv 1901.06523, computes the
non-uniform Fourier transform of a function for wavevectors along one direction p. The paper uses the sum
(1/n) sum_j u(x_j) exp(-i xi p.x_j). Here all waves are fitted together, since in this sum every wave leaks into the others if
points are few or not uniform.
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Self

import numpy as np
from scipy.linalg import solve_triangular

from pdefreq.core.scaling import power_of_two_near
from pdefreq.core.streams import stream
from pdefreq.domains.box import Box
from pdefreq.spectrum.family import Modes
from pdefreq.spectrum.sampling_grid import recorded_points

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from pdefreq.core.shapes import Points
    from pdefreq.domains.domain import Domain
    from pdefreq.problem.data import Data
    from pdefreq.problem.problem import Problem
    from pdefreq.spaces.trial_space import TrialSpace

NUMBER = 2**14
"""Number of points, a power of two for Sobol sets."""
HIGHEST = 32
"""The number of the last wave of a ray."""
_DIGITS = 9  # of the places of points along a direction, by which points are counted
_TELLABLE = 3.0  # in standard errors: noise alone exceeds it with probability exp(-9)


class WaveFit:
    """Least-squares fit of 1 and cos, sin(xi p.(x - lower)) at fixed points.

    Args:
        x: The points, shape ``(n, d)``.
        lower: The origin of phases, shape ``(d,)``.
        direction: The unit vector p, shape ``(d,)``.
        wavenumbers: xi > 0, rad per unit length, shape ``(m,)``.
        weights: Weights of the points in the sum of squares, shape ``(n,)``; by default equal.

    Attributes:
        condition: Condition number of the matrix of waves with columns of equal norm.
    """

    def __init__(
        self,
        x: Points,
        lower: Sequence[float],
        direction: np.ndarray,
        wavenumbers: np.ndarray,
        weights: np.ndarray | None = None,
    ) -> None:
        self.x, self.direction, self.wavenumbers = x, direction, np.concatenate([[0.0], wavenumbers])
        weights = np.ones(len(x)) if weights is None else weights
        self._root = np.sqrt(weights / weights.mean())
        phase = np.outer((x.numpy() - np.asarray(lower)) @ direction, wavenumbers)
        waves = np.stack([np.cos(phase), np.sin(phase)], axis=-1).reshape(len(phase), -1)
        self._waves = np.column_stack([np.ones(len(phase)), waves])
        q, r = np.linalg.qr(self._root[:, None] * self._waves)
        self._q = np.ascontiguousarray(q.T)
        self._inverse = solve_triangular(r, np.eye(len(r))) if np.diag(r).all() else np.full(r.shape, np.inf)
        self.condition = float(np.linalg.cond(r / np.linalg.norm(r, axis=0)))

    def solve(self, values: np.ndarray) -> np.ndarray:
        """Complex coefficients ``(m + 1,)`` of values ``(n,)``, the constant first: A cos(xi s + phi) has (A/2) exp(i phi)."""
        return _complex(self._inverse @ (self._q @ (self._root * values)))

    def matrix(self) -> np.ndarray:
        """The matrix of `solve`, complex, shape ``(m + 1, n)``."""
        return _complex(self._inverse @ self._q * self._root)

    def noise(self, values: np.ndarray) -> np.ndarray:
        """The standard error of each coefficient ``(m + 1,)``, if the remainder were independent noise at each point."""
        unit = power_of_two_near(values)
        values = self._root * (values / unit)
        rest = values - self._q.T @ (self._q @ values)
        variance = float(rest @ rest) / (len(values) - len(self._inverse)) * (self._inverse**2).sum(axis=1)
        return unit * np.sqrt(np.concatenate([variance[:1], (variance[1::2] + variance[2::2]) / 4]))

    def without(self, values: np.ndarray, coefficients: np.ndarray, places: np.ndarray) -> np.ndarray:
        """Values minus the waves of these indices with these coefficients."""
        parts = np.zeros(self._waves.shape[1])
        wave = places > 0
        parts[2 * places[wave] - 1] = 2 * np.real(coefficients[wave])
        parts[2 * places[wave]] = -2 * np.imag(coefficients[wave])
        parts[0] = np.real(coefficients[~wave]).sum()
        return values - self._waves @ parts

    def root_mean_square(self, values: np.ndarray) -> float:
        """The root of the weighted mean of the squares of values ``(n,)``."""
        unit = power_of_two_near(values)
        return unit * math.sqrt(float(np.mean((self._root * (values / unit)) ** 2)))


def _complex(parts: np.ndarray) -> np.ndarray:
    """Complex coefficients from those of the constant, the cosines and the sines along the first axis."""
    return np.concatenate([parts[:1], (parts[1::2] - 1j * parts[2::2]) / 2])


class RayModes(Modes):
    """Waves exp(i j 2 pi s / W) along a direction, s = p.(x - lower), j = 0 ... 32; W = sqrt(12) times the deviation of s.

    W is the length of the interval on which a uniform distribution has the deviation of s. Along an axis of a box these are the
    Fourier modes of that axis. On other domains waves at this spacing are nearly orthogonal, and closer waves are not.

    All waves are fitted together, whichever are watched, so that a coefficient depends on the function alone. Variation across
    the direction acts as noise, and amplitudes within three standard errors count as zero. A function of s that is not periodic
    in W leaks into all waves, so that the family is not complete and no bias index is computed.

    For a regression of values at given points the points are those of its training, with the deviation of s over these. Waves
    are then left out from the number on at which they are shorter than two mean distances between the values of s.

    Args:
        domain: The domain, which determines the points.
        fit: The least-squares fit of the waves.
        indices: Numbers j of the modes; by default all.
    """

    kind = "ray"
    complete = False

    def __init__(self, domain: Domain, fit: WaveFit, indices: ArrayLike | None = None) -> None:
        self._domain, self._fit = domain, fit
        places = np.arange(len(fit.wavenumbers)) if indices is None else np.asarray(indices, dtype=int).reshape(-1)
        self.indices = places[:, None]
        self.wavenumber = fit.wavenumbers[places]
        self.wavevectors = self.wavenumber[:, None] * fit.direction

    @classmethod
    def check(cls, problem: Problem) -> None:
        """Check that a problem has such modes.

        Raises:
            IncompatibleError: If there are none. Ray modes exist on every domain.
        """

    @classmethod
    def of(cls, problem: Problem, indices: ArrayLike | None = None) -> Self:
        """The modes along the direction of a problem, by default the diagonal of the bounding box of its domain."""
        domain, direction = problem.domain, direction_of(problem)
        if not problem.is_known_at_points:
            return cls(domain, _ray(domain, direction), indices)
        assert problem.data is not None
        return cls(domain, _ray_of_data(problem.data, domain.bounds[0], direction), indices)

    def points(self, space: TrialSpace | None = None) -> Points:
        """Points of a fixed Sobol set in the domain, independent of the space."""
        return self._fit.x

    def decompose(self, values: ArrayLike, space: TrialSpace | None = None) -> tuple[np.ndarray, float]:
        """See `Modes`; coefficients are complex, and the norm is that of the remainder."""
        values, places = np.asarray(values, dtype=float), self.indices[:, 0]
        coefficients = self._fit.solve(values)[places]
        rest = self._fit.without(values, coefficients, places)
        return coefficients, math.sqrt(self._domain.measure) * self._fit.root_mean_square(rest)

    def analysis(self, space: TrialSpace | None = None) -> np.ndarray:
        return self._fit.matrix()[self.indices[:, 0]]

    def amplitudes(self, values: np.ndarray, space: TrialSpace | None = None) -> np.ndarray:
        """Moduli of the coefficients, ``(m,)``; 0 for coefficients below the level of noise."""
        amplitude = super().amplitudes(values, space)
        return np.where(amplitude > _TELLABLE * self._fit.noise(values)[self.indices[:, 0]], amplitude, 0.0)

    def take(self, places: np.ndarray) -> Self:
        return type(self)(self._domain, self._fit, self.indices[places])

    def wavenumber_range(self, space: TrialSpace | None = None) -> tuple[float, float]:
        return float(self._fit.wavenumbers[min(1, len(self._fit.wavenumbers) - 1)]), float(self._fit.wavenumbers[-1])

    def recorded(self) -> Self:
        """The same waves; on an interval they are fitted on the grid of `RECORDED_INTERVALS` by the trapezoidal rule.

        The grid has a thirtieth of the points. Coefficients of exp(x / 3) on (0, 2 pi) in 1, exp(ix) and exp(5ix) had relative
        errors of at most 3e-4.
        """
        if not (isinstance(self._domain, Box) and self._domain.dimension == 1) or len(self._fit.x) != NUMBER:
            return self
        direction, wavenumbers = tuple(self._fit.direction.tolist()), tuple(self._fit.wavenumbers[1:].tolist())
        return type(self)(self._domain, _on_interval(self._domain, direction, wavenumbers), self.indices)


def direction_of(problem: Problem) -> tuple[float, ...]:
    """The unit vector of the waves of a problem."""
    lower, upper = problem.domain.bounds
    vector = np.array(problem.spectrum.direction or np.subtract(upper, lower), dtype=float)
    return tuple((vector / np.linalg.norm(vector)).tolist())


@functools.lru_cache(maxsize=8)
def _ray(domain: Domain, direction: tuple[float, ...]) -> WaveFit:
    if isinstance(domain, Box):
        width = math.hypot(*np.multiply(direction, domain.lengths).tolist())
    else:
        width = math.sqrt(12) * float(np.std(_points(domain).numpy() @ np.array(direction)))
    return wave_fit(domain, direction, tuple((2 * math.pi / width * np.arange(1, HIGHEST + 1)).tolist()))


@functools.lru_cache(maxsize=8)
def _ray_of_data(data: Data, lower: tuple[float, ...], direction: tuple[float, ...]) -> WaveFit:
    """Waves along a direction at the points of data, as long as these resolve them."""
    x = data.training_points()
    s = x.numpy() @ np.array(direction)
    different = np.unique(np.round(s / (np.ptp(s) or 1.0), _DIGITS))
    spacing = np.ptp(s) / max(len(different) - 1, 1)
    width = math.sqrt(12) * float(np.std(s))
    number = min(HIGHEST, (len(different) - 1) // 2, math.floor(width / (2 * spacing)) if spacing else 0)
    return WaveFit(x, lower, np.array(direction), 2 * math.pi / (width or 1.0) * np.arange(1, number + 1))


@functools.lru_cache(maxsize=8)
def wave_fit(domain: Domain, direction: tuple[float, ...], wavenumbers: tuple[float, ...]) -> WaveFit:
    """Waves along a direction at the fixed points of a domain."""
    return WaveFit(_points(domain), domain.bounds[0], np.array(direction), np.array(wavenumbers))


@functools.lru_cache(maxsize=8)
def _on_interval(interval: Box, direction: tuple[float, ...], wavenumbers: tuple[float, ...]) -> WaveFit:
    """Waves along a direction at the points of a uniform grid, with the weights of the trapezoidal rule."""
    x = recorded_points(interval)
    assert x is not None
    weights = np.ones(len(x))
    weights[[0, -1]] = 0.5
    return WaveFit(x, interval.lower, np.array(direction), np.array(wavenumbers), weights)


def _points(domain: Domain) -> Points:
    return domain.interior(NUMBER, stream(0, "ray points"), sobol=True).x
