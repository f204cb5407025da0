"""How a network is made to start at zero."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from pdefreq.core.composition import Part
from pdefreq.parts.tables import STARTS

if TYPE_CHECKING:
    from pdefreq.spaces import trial_space
    from pdefreq.spaces.networks.feed_forward import FeedForward


class Start(Part):
    """A change of a network that sets the function at which training starts.

    Attributes:
        copies: How many copies of the network are trained.
        widening: The largest factor by which a layer is widened.
        is_zero: Whether the start is exactly zero, and its gradient too.
    """

    registry = STARTS
    copies: ClassVar[int] = 1
    widening: ClassVar[int] = 1
    is_zero: ClassVar[bool] = False

    @abstractmethod
    def applied(self, network: FeedForward) -> trial_space.Network:
        """The network with this start.

        Raises:
            OptionError: If the network does not allow it.
        """


@dataclass(frozen=True)
class Antisymmetric(Start):
    """The difference of two networks with equal weights, over the root of 2: zero at the start, with the same kernel.

    Source:
        Zhang, Xu, Luo, Ma (2020), A type of generalization error induced by initialization in deep neural networks,
        arXiv 1905.07777.
    """

    copies = 2
    is_zero = True

    def applied(self, network: FeedForward) -> trial_space.Network:
        from pdefreq.spaces.networks.antisymmetric import AntisymmetricSpace

        return AntisymmetricSpace(network)


@dataclass(frozen=True)
class Doubled(Start):
    """The last hidden layer twice with opposite signs: zero at the start up to rounding."""

    widening = 2

    def applied(self, network: FeedForward) -> trial_space.Network:
        from pdefreq.spaces.networks.antisymmetric import DoubledSpace

        return DoubledSpace(network)


@dataclass(frozen=True)
class Wide(Start):
    """Twice the width and no zero start: the control of `Doubled`."""

    widening = 2

    def applied(self, network: FeedForward) -> trial_space.Network:
        from pdefreq.spaces.networks.antisymmetric import width_doubled

        return width_doubled(network)
