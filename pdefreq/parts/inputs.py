"""Fixed maps that are applied to the coordinates before a network."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, Protocol, Self, runtime_checkable

from pdefreq.core.composition import Part
from pdefreq.core.errors import IncompatibleError, OptionError
from pdefreq.parts.part import COUNT, NONNEGATIVE, POSITIVE, require
from pdefreq.parts.tables import INPUTS

if TYPE_CHECKING:
    from pdefreq.domains.domain import Domain
    from pdefreq.domains.frame import Frame
    from pdefreq.spaces.networks.embedding import FourierFeatures
    from pdefreq.spectrum.data_spectrum import SpectralData

_ROUNDING = 1e-9  # a wavenumber that is a power of two up to rounding is in the lower octave


@dataclass(frozen=True)
class Bands:
    """The octaves of wavenumbers ``2^(j-1) < |omega| length <= 2^j``, and the ones in which a network has units initially.

    Args:
        length: The length.
        covered: The number j of the highest of these octaves.
    """

    length: float
    covered: int

    @classmethod
    def up_to(cls, omega: float, length: float) -> Bands:
        """The octaves up to a wavenumber, in rad per unit of length."""
        return cls(length, max(0, math.ceil(math.log2(max(1.0, omega * length)) - _ROUNDING)))


@runtime_checkable
class ReceivesBands(Protocol):
    """The part can receive features or units for further bands during training."""

    def bands(self, data: SpectralData, frame: Frame) -> Bands | None:
        """The bands that the part can receive; None if its frequencies or scales are given.

        Args:
            data: The data of the problem.
            frame: The coordinates that the part receives.
        """
        ...

    def with_bands(self, octaves: tuple[int, ...]) -> Self:
        """The part, after `settled`, with features or units for further octaves of `bands`."""
        ...


class Input(Part):
    """A fixed map of the input of a network."""

    registry = INPUTS

    @abstractmethod
    def size(self, dimension: int) -> tuple[str, int, int]:
        """The option that determines the size, its value, and the number of features, for `dimension` coordinates."""

    def resolved(self, periodic_axes: tuple[int, ...]) -> Input:
        """The same part with all defaults set that depend on the periodic axes of the problem."""
        return self

    def settled(self, data: SpectralData, frame: Frame) -> tuple[Input, str]:
        """The part with all options set that depend on the spectrum of the data, and a sentence on the choice, or ""."""
        return self, ""

    def length(self, domain: Domain, frame: Frame) -> float:
        """The length over which the features change by about 1. A wavenumber needs the input factor wavenumber times this length.

        Args:
            domain: The domain.
            frame: The frame in whose units coordinates and wavenumbers are measured.
        """
        return frame.length

    @abstractmethod
    def embedding(self, domain: Domain, frame: Frame) -> FourierFeatures:
        """The map for one domain.

        Args:
            domain: The domain.
            frame: The frame in whose units coordinates and wavenumbers are measured.

        Raises:
            IncompatibleError: If there is no such map for the domain.
        """


@dataclass(frozen=True, kw_only=True)
class Fourier(Input):
    """Cosines and sines of random frequencies, which are the same for every seed.

    Args:
        features: Number of frequencies; there are twice as many features.
        std: Standard deviation of the components of the frequencies, angular wavenumbers in rad per unit of length of the domain
            (`scaling`), or auto: half of the largest wavenumber that the data of the problem occupy, over sqrt(d); as many
            frequencies are added during training for each octave in which the residual shows errors.

    Source:
        Tancik et al. (2020), Fourier features let networks learn high frequency functions, arXiv 2006.10739, section 5.
    """

    features: int = 50
    std: float | Literal["auto"] = 10.0
    octaves: tuple[int, ...] = field(default=(), metadata={"option": False})  # added by `with_bands`

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, COUNT, "features")
        if self.std != "auto":
            require(self, POSITIVE, "std")

    def size(self, dimension: int) -> tuple[str, int, int]:
        return "features", self.features, 2 * self.features * (1 + len(self.octaves))

    def settled(self, data: SpectralData, frame: Frame) -> tuple[Input, str]:
        if self.std != "auto":
            return self, ""
        found = data.spectrum
        std = found.radius * frame.length / (2 * math.sqrt(data.problem.domain.dimension))
        return replace(self, std=std), f"std=auto chose {std:.3g}, since {found.reason}."

    def bands(self, data: SpectralData, frame: Frame) -> Bands | None:
        return Bands.up_to(data.spectrum.radius, frame.length) if self.std == "auto" else None

    def with_bands(self, octaves: tuple[int, ...]) -> Self:
        return replace(self, octaves=octaves)

    def length(self, domain: Domain, frame: Frame) -> float:
        return frame.length / self.std if isinstance(self.std, float) else frame.length

    def embedding(self, domain: Domain, frame: Frame) -> FourierFeatures:
        from pdefreq.spaces.networks.embedding import random_features

        if isinstance(self.std, str):
            raise OptionError("std=auto depends on the problem: call `settled` first, or give a number such as 10")
        return random_features(domain.dimension, self.features, self.std, octaves=self.octaves, frame=frame)


@dataclass(frozen=True, kw_only=True)
class Periodic(Input):
    """Cosines and sines of the harmonics of the sides of a box, so that the network is periodic.

    This input, with a single harmonic, is the default for problems with periodic sides.

    Args:
        harmonics: Number of harmonics along each axis.
        axes: Numbers of these axes, from 0; the other coordinates are not changed. Null means the periodic axes of the problem,
            or all axes if it has none.
    """

    harmonics: int = 4
    axes: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, COUNT, "harmonics")
        require(self, NONNEGATIVE, "axes")

    def resolved(self, periodic_axes: tuple[int, ...]) -> Input:
        return self if self.axes is not None or not periodic_axes else replace(self, axes=periodic_axes)

    def size(self, dimension: int) -> tuple[str, int, int]:
        number = dimension if self.axes is None else len(self.axes)
        return "harmonics", self.harmonics, 2 * self.harmonics * number + dimension - number

    def length(self, domain: Domain, frame: Frame) -> float:
        sides = [b - a for a, b in zip(*domain.bounds, strict=True)]
        return min(sides) / (2 * math.pi * self.harmonics)

    def embedding(self, domain: Domain, frame: Frame) -> FourierFeatures:
        from pdefreq.domains.box import Box
        from pdefreq.spaces.networks.embedding import periodic_features

        if not isinstance(domain, Box):
            raise IncompatibleError(
                f"input=periodic needs a box, whose sides are the periods, and this is a {domain.title}: "
                "use `--set input=fourier`"
            )
        axes = range(domain.dimension) if self.axes is None else self.axes
        if not axes or max(axes) >= domain.dimension:
            raise OptionError(f"`axes` must be numbers from 0 to {domain.dimension - 1} here, got {list(axes)}")
        return periodic_features(domain, self.harmonics, axes, frame=frame)
