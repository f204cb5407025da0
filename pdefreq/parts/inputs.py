"""What a network sees in place of the coordinates."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pdefreq.composition import Part
from pdefreq.errors import IncompatibleError
from pdefreq.parts import INPUTS
from pdefreq.parts.part import COUNT, POSITIVE, require

if TYPE_CHECKING:
    from pdefreq.domains.domain import Domain
    from pdefreq.spaces.embedding import FourierFeatures


class Input(Part):
    """A fixed map of the input of a network."""

    registry = INPUTS

    @abstractmethod
    def size(self, dimension: int) -> tuple[str, int, int]:
        """The option that determines the size, its value, and the number of features, for `dimension` coordinates."""

    @abstractmethod
    def embedding(self, domain: Domain) -> FourierFeatures:
        """The map for one domain.

        Raises:
            IncompatibleError: If the domain has none.
        """


@dataclass(frozen=True, kw_only=True)
class Fourier(Input):
    """Cosines and sines of random frequencies, which are the same for every seed.

    Args:
        features: Number of frequencies; there are twice as many features.
        std: Standard deviation of the components of the frequencies, angular wavenumbers in rad per unit length.

    Source:
        Tancik et al. (2020), Fourier features let networks learn high frequency functions, arXiv 2006.10739, section 5.
    """

    features: int = 50
    std: float = 10.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, COUNT, "features")
        require(self, POSITIVE, "std")

    def size(self, dimension: int) -> tuple[str, int, int]:
        return "features", self.features, 2 * self.features

    def embedding(self, domain: Domain) -> FourierFeatures:
        from pdefreq.spaces.embedding import random_features

        return random_features(domain.dimension, self.features, self.std)


@dataclass(frozen=True, kw_only=True)
class Periodic(Input):
    """Cosines and sines of the harmonics of each side of a box, so that the network is periodic.

    Args:
        harmonics: Number of harmonics along each axis.
    """

    harmonics: int = 4

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, COUNT, "harmonics")

    def size(self, dimension: int) -> tuple[str, int, int]:
        return "harmonics", self.harmonics, 2 * self.harmonics * dimension

    def embedding(self, domain: Domain) -> FourierFeatures:
        from pdefreq.domains.box import Box
        from pdefreq.spaces.embedding import periodic_features

        if not isinstance(domain, Box):
            raise IncompatibleError(
                f"input=periodic takes the sides of a box as periods and this domain is none ({domain.title}): use input=fourier"
            )
        return periodic_features(domain, self.harmonics)
