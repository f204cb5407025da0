"""The error of an iterate in octaves of wavenumbers, estimated from the residual of the equation."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from pdefreq.functionals.equation_at_points import StrongEquation, as_matrix
from pdefreq.functionals.sampling import points_at_once
from pdefreq.problem.solution_size import finite_values
from pdefreq.spectrum.box_transform import Transform, expanded

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Coefficients, Points
    from pdefreq.problem.problem import Problem
    from pdefreq.spaces.trial_space import TrialSpace

CELLS = {1: 4096, 2: 256, 3: 64}
"""The largest number of cells along each axis, by dimension."""

_ABOVE = 2  # octaves above the covered ones that the lattice resolves
_RESOLVED = 0.75  # part of the wavenumbers of a lattice that is used; higher coefficients contain aliasing errors
_ROUNDING = 1e-9  # a wavenumber that is a power of two up to rounding belongs to the lower octave


@dataclass(frozen=True)
class BandSizes:
    """Estimates by octaves; octave j contains the wavenumbers 2^(j-1) < |omega| l <= 2^j, and octave 0 all lower ones.

    Args:
        errors: Squared amplitudes of the error u - u*, shape ``(octaves,)``.
        solutions: Squared amplitudes of the solution u*, shape ``(octaves,)``.
        variance: The mean square of u minus its mean.
    """

    errors: np.ndarray
    solutions: np.ndarray
    variance: float


@dataclass(frozen=True)
class ResidualBands:
    """The error of an iterate and the solution in octaves of |omega|, estimated from the residual of the equation.

    The residual r = L(u) - f and u at the midpoints of equal cells of the bounding box, zero outside the domain, are expanded in
    cosines and in sines. Each coefficient of r is divided by the symbol of the equation, linearized at u with averaged
    coefficients. If the coefficients are constant, this is the coefficient of the error u - u*, and its difference from that of u
    is the coefficient of the solution u*. In each octave the smallest result is used, since both expansions have slowly
    decaying coefficients for certain values at the sides; u minus its mean is expanded as well.

    Args:
        problem: The problem, with a source that is known everywhere, in at most three dimensions.
        length: The length l.
        like: A tensor with the dtype and device of the iterate.
    """

    problem: Problem
    length: float
    like: Tensor

    def at(self, space: TrialSpace, c: Coefficients, covered: int) -> BandSizes:
        """The sizes in the octaves of an iterate.

        Args:
            space: The space of the iterate, with two derivatives if the equation is of second order.
            c: Its coefficients.
            covered: The number of the highest octave in which the space has units; the next ones are resolved as well.
        """
        shape, points, inside = self._lattice(covered)
        residual, values, symbols = self._residual(space, c, points[inside])
        whole = np.zeros((3, len(points)))
        whole[:, inside.numpy()] = residual, values, values - values.mean()  # a constant has slowly decaying sine coefficients
        r, u, varying = whole.reshape(3, *shape)
        forms: tuple[tuple[np.ndarray, Transform], ...] = ((u, "cosine"), (u, "sine"), (varying, "sine"))
        sizes = [self._by_octaves(r, form, kind, symbols) for form, kind in forms]
        error, solution = functools.reduce(np.minimum, sizes)
        return BandSizes(error, solution, float(values.var()))

    def _lattice(self, covered: int) -> tuple[tuple[int, ...], Points, Tensor]:
        """The number of cells along each axis, the midpoints, and which of these lie in the domain."""
        domain, d = self.problem.domain, self.problem.domain.dimension
        highest = 2.0 ** (covered + _ABOVE) / self.length
        needed = [highest * side / (math.pi * _RESOLVED) for side in self._sides]
        shape = tuple(min(CELLS[d], 2 ** max(3, math.ceil(math.log2(n)))) for n in needed)
        middles = [(torch.arange(n, dtype=torch.float64) + 0.5) / n for n in shape]
        x = torch.cartesian_prod(*middles).reshape(-1, d)
        x = x * x.new_tensor(self._sides) + x.new_tensor(domain.bounds[0])
        return shape, x, domain.contains(x)

    @property
    def _sides(self) -> tuple[float, ...]:
        return tuple(b - a for a, b in zip(*self.problem.domain.bounds, strict=True))

    @torch.no_grad()
    def _residual(self, space: TrialSpace, c: Coefficients, points: Points) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The residual and u at points, ``(n,)``, and the means of the diagonal entries of S and of L_u, ``(d + 1,)``."""
        size = points_at_once(space, self.like, channels=points.shape[1])
        rows = [self._rows(space, c, x) for x in points.split(size)]
        residual, values, slopes = (torch.cat(column).double().cpu().numpy() for column in zip(*rows, strict=True))
        return residual, values, slopes.mean(axis=0)

    def _rows(self, space: TrialSpace, c: Coefficients, x: Points) -> tuple[Tensor, Tensor, Tensor]:
        """The residual ``(n,)``, u, and the diagonal of S and L_u as columns ``(n, d + 1)``."""
        n, d = x.shape
        at, equation = space.at(x.to(self.like)), StrongEquation.at(self.problem.equation, x, self.like)
        u, q = at.value_and_gradient(c)
        second, lower = as_matrix(equation.second(u, q), n, d), equation.lower(u, q)
        if bool(second.any()):
            lower = lower - at.with_second(second).second(c)
        at_u, _ = equation.lower_slopes(u, q)
        symbols = torch.cat([second.diagonal(dim1=1, dim2=2), at_u[:, None]], dim=1)
        residual = lower - finite_values(self.problem.source, x).to(self.like)
        return torch.nan_to_num(residual, 0.0, 0.0, 0.0), u, torch.nan_to_num(symbols, 0.0, 0.0, 0.0)

    def _by_octaves(self, residual: np.ndarray, values: np.ndarray, kind: Transform, symbols: np.ndarray) -> np.ndarray:
        """The squared amplitudes of the error and of the solution in each octave, ``(2, octaves)``."""
        (r, k), (u, _) = (expanded(each, kind) for each in (residual, values))
        squares = [(math.pi * each / side) ** 2 for each, side in zip(k, self._sides, strict=True)]
        terms = [a * square for a, square in zip(symbols[:-1], squares, strict=True)]
        least = min(abs(a) * (math.pi / side) ** 2 for a, side in zip(symbols[:-1], self._sides, strict=True))
        symbol = functools.reduce(np.add, terms) + symbols[-1]
        least = max(least, np.finfo(float).tiny)
        error = r / np.where(np.abs(symbol) < least, least, symbol)
        omega = np.sqrt(functools.reduce(np.add, squares)) * self.length
        octave = np.ceil(np.log2(np.maximum(omega, 1.0)) - _ROUNDING).astype(int)
        resolved = functools.reduce(np.logical_and, [each < _RESOLVED * n for each, n in zip(k, residual.shape, strict=True)])
        return np.stack([np.bincount(octave[resolved], weights=each[resolved] ** 2) for each in (error, u - error)])
