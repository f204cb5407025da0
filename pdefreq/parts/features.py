"""Families of features, the functions that the method `random-features` combines linearly."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from pdefreq.core.composition import Part
from pdefreq.parts.part import NONNEGATIVE, POSITIVE, require
from pdefreq.parts.tables import FEATURES, SINGULAR

if TYPE_CHECKING:
    import torch

    from pdefreq.problem.problem import Problem
    from pdefreq.spaces.features.features import FeatureFamily
    from pdefreq.spaces.features.wave_bands import WaveBands


class WaveFeatures(Part):
    """A family of functions that resolves bands of wavenumbers on a box.

    Attributes:
        redundancy: The default number of functions over that of sines for the same bands.
    """

    registry = FEATURES
    redundancy: ClassVar[float] = 1.0

    @abstractmethod
    def family(self, problem: Problem, bands: WaveBands, number: int, draw: torch.Generator) -> FeatureFamily:
        """The functions.

        Args:
            problem: The problem; along periodic axes the functions must be periodic.
            bands: The wavevectors, in rad per unit of length.
            number: The approximate number of functions.
            draw: The random generator.
        """


@dataclass(frozen=True, kw_only=True)
class RandomSines(WaveFeatures):
    """Sines with random wavevectors and phases; if all sides of a box are periodic, all periodic sines and cosines.

    Source:
        Chen, Chi, E, Yang (2022), Bridging traditional and machine learning-based algorithms for solving PDEs: the random feature
        method, arXiv 2207.13380.
    """

    def family(self, problem: Problem, bands: WaveBands, number: int, draw: torch.Generator) -> FeatureFamily:
        from pdefreq.spaces.features.sine_features import lattice_sines, random_sines

        (lower, upper), periodic = problem.domain.bounds, problem.periodic_axes
        lengths = [b - a for a, b in zip(lower, upper, strict=True)]
        middle = [(a + b) / 2 for a, b in zip(lower, upper, strict=True)]
        if len(periodic) == len(lengths):
            return lattice_sines(bands.largest, lengths, middle)
        return random_sines(bands, number, lengths, middle, draw, periodic)


@dataclass(frozen=True, kw_only=True)
class Singular(Part):
    """Functions around holes and at corners of plane domains, where sums of waves converge slowly.

    Args:
        multipoles: The largest order of multipoles around each hole. With 0 there is only the logarithm (1/r in space); with null
            the order is chosen for each problem.
        corners: The largest exponent of the functions at corners; null means 8.
    """

    registry = SINGULAR

    multipoles: int | None = None
    corners: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, NONNEGATIVE, "multipoles")
        require(self, POSITIVE, "corners")

    def families(self, problem: Problem) -> list[FeatureFamily]:
        """The functions for a problem."""
        from pdefreq.spaces.features.multipoles import multipoles

        return [*multipoles(problem, self.multipoles), *self.at_corners(problem)]

    def at_corners(self, problem: Problem) -> tuple[FeatureFamily, ...]:
        """The functions at corners only; none if all their exponents are above the largest one."""
        from pdefreq.spaces.features.corner_functions import LARGEST_EXPONENT, corner_functions

        return corner_functions(problem, LARGEST_EXPONENT if self.corners is None else self.corners)
