"""Modifications of networks that determine the initial function, which is zero for most of them."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from pdefreq.core.composition import Part
from pdefreq.parts.tables import STARTS

if TYPE_CHECKING:
    from pdefreq.spaces import trial_space
    from pdefreq.spaces.networks.feed_forward import FeedForward


class Start(Part):
    """A modification of a network that determines its initial function.

    Attributes:
        copies: Number of copies of the network that are trained.
        widening: The largest factor by which a layer is widened.
        is_zero: Whether the initial function and its gradient are exactly zero.
    """

    registry = STARTS
    copies: ClassVar[int] = 1
    widening: ClassVar[int] = 1
    is_zero: ClassVar[bool] = False

    @abstractmethod
    def applied(self, network: FeedForward) -> trial_space.Network:
        """The modified network.

        Raises:
            OptionError: If the network can't be modified in this way.
        """


@dataclass(frozen=True)
class Antisymmetric(Start):
    """The difference of two copies of a network, divided by sqrt(2): initially zero, with the same tangent kernel.

    Args:
        normalized: Whether the difference is divided by sqrt(2). Otherwise the tangent kernel is doubled.

    Source:
        Zhang, Xu, Luo, Ma (2020), A type of generalization error induced by initialization in deep neural networks,
        arXiv 1905.07777.
    """

    normalized: bool = True
    copies = 2
    is_zero = True

    def applied(self, network: FeedForward) -> trial_space.Network:
        from pdefreq.spaces.networks.antisymmetric import AntisymmetricSpace

        return AntisymmetricSpace(network, math.sqrt(0.5) if self.normalized else 1.0)


@dataclass(frozen=True)
class Doubled(Start):
    """The last hidden layer twice, with opposite output weights: initially zero up to rounding."""

    widening = 2

    def applied(self, network: FeedForward) -> trial_space.Network:
        from pdefreq.spaces.networks.antisymmetric import DoubledSpace

        return DoubledSpace(network)


@dataclass(frozen=True)
class Wide(Start):
    """Twice the width without a zero initial function, for comparison with `Doubled`."""

    widening = 2

    def applied(self, network: FeedForward) -> trial_space.Network:
        from pdefreq.spaces.networks.antisymmetric import width_doubled

        return width_doubled(network)
