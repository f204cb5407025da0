"""The symbol of the equation with averaged coefficients, the factor by which this equation multiplies a wave."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pdefreq.core.fields import ConstantField
from pdefreq.problem.solution_size import Averaged, SizeEstimate

if TYPE_CHECKING:
    from pdefreq.problem.problem import Problem


@dataclass(frozen=True)
class AveragedSymbol:
    """The symbol of the equation with averaged coefficients, sum_i A_i omega_i^2 + c.

    Args:
        problem: The problem. The exact solution is not used.
        sides: The sides of the bounding box of its domain.
    """

    problem: Problem
    sides: tuple[float, ...]

    @functools.cached_property
    def averaged(self) -> Averaged:
        """The averages of the coefficients over the domain."""
        return SizeEstimate(self.problem, ConstantField(0.0)).averaged

    @property
    def resonant(self) -> float:
        """The angular wavenumber sqrt(-c / A), in rad per unit of length, if the reaction c is negative, otherwise 0."""
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
