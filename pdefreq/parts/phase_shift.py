"""The part of phase shift networks (PhaseDNN)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pdefreq.core.errors import OptionError
from pdefreq.parts.networks import FeedForwardNetwork
from pdefreq.parts.part import FINITE

if TYPE_CHECKING:
    from pdefreq.domains.domain import Domain
    from pdefreq.spaces.networks.feed_forward import FeedForward


@dataclass(frozen=True, kw_only=True)
class PhaseShift(FeedForwardNetwork):
    """PhaseDNN: sub-networks shifted by known frequencies, two for each frequency.

    Args:
        frequencies: Angular wavenumbers in rad per unit length: a list of numbers in 1-D, of wavevectors beyond.

    Source:
        Cai, Li, Liu (2020), A phase shift deep neural network for high frequency approximation and wave problems, SIAM J. Sci.
        Comput. 42(5), section 3.
    """

    frequencies: tuple[float, ...] | tuple[tuple[float, ...], ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        for omega in self.wavevectors:
            if not all(FINITE[0](component) for component in omega):
                raise OptionError(f"`frequencies` must be finite, got {', '.join(f'{component:g}' for component in omega)}")

    @property
    def wavevectors(self) -> tuple[tuple[float, ...], ...]:
        """The frequencies as wavevectors."""
        return tuple(omega if isinstance(omega, tuple) else (omega,) for omega in self.frequencies)

    @property
    def stack(self) -> int:
        return 2 * len(self.frequencies)

    def drawn_on(self, domain: Domain, layers: dict[str, Any]) -> FeedForward:
        from pdefreq.spaces.networks.phase_shift import PhaseShiftSpace

        return PhaseShiftSpace(domain, self.wavevectors, **layers)
