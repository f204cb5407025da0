"""The part of multi-scale networks (MscaleDNN)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Self

from pdefreq.core.errors import OptionError
from pdefreq.parts.inputs import Bands
from pdefreq.parts.networks import FeedForwardNetwork
from pdefreq.parts.part import POSITIVE, require

if TYPE_CHECKING:
    from pdefreq.domains.domain import Domain
    from pdefreq.domains.frame import Frame
    from pdefreq.spaces.networks.feed_forward import FeedForward
    from pdefreq.spectrum.data_spectrum import SpectralData

_MOST_SCALES = 12  # 2048 in units of the domain
_ABOVE = 1e-9  # a wavenumber that is a power of two up to rounding needs no larger scale


@dataclass(frozen=True, kw_only=True)
class Mscale(FeedForwardNetwork):
    """MscaleDNN: sub-networks on scaled inputs, or one network whose first layer is split into scales.

    Args:
        scales: Factors of the input, or auto: powers of two from 1 to the largest wavenumber that the data occupy, and with
            sub-networks, further ones that are added during training if the residual shows errors at larger wavenumbers.
        form: One sub-network for each scale (subnetworks, MscaleDNN-2), or one network whose first layer is split
            (first-layer, MscaleDNN-1).

    Source:
        Liu, Cai, Xu (2020), Multi-scale deep neural network (MscaleDNN), arXiv 2007.11207, section 3.
    """

    widths: tuple[int, ...] | None = (30, 30, 30)
    activation: str | Callable[..., Any] = "sin"
    scales: tuple[float, ...] | Literal["auto"] = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
    form: Literal["subnetworks", "first-layer"] = "subnetworks"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.scales == "auto":
            return
        require(self, POSITIVE, "scales")
        if self.form == "subnetworks":
            return
        if len(self.scales) == 1:
            raise OptionError("`form` does nothing here: it needs `scales`, several of them; set that, or leave `form` out")
        if self.layer_widths[0] < len(self.scales):
            raise OptionError(
                f"the first of `widths` must be at least the number of scales, {len(self.scales)}, so that each has a unit, "
                f"got {self.layer_widths[0]}"
            )

    @property
    def stack(self) -> int:
        return len(self._known_scales) if self.form == "subnetworks" else 1

    def num_parameters(self, dimension: int) -> int:
        return 0 if self.scales == "auto" else super().num_parameters(dimension)

    def settled(self, data: SpectralData, frame: Frame) -> tuple[FeedForwardNetwork, str]:
        if self.scales != "auto":
            return super().settled(data, frame)
        found = data.spectrum
        reach = max(2.0, found.radius * self._length(data, frame))
        number = 2 + min(_MOST_SCALES - 2, math.floor(math.log2(reach) - _ABOVE))
        number = number if self.form == "subnetworks" else min(number, self.layer_widths[0])
        scales = tuple(2.0**k for k in range(number))
        told = f"scales=auto chose {', '.join(f'{s:g}' for s in scales)}, since {found.reason}."
        if scales[-1] * 2 <= reach:
            told += f" These scales end below the largest wavenumber, which needs {reach:.3g}."
        network, waves = replace(self, scales=scales).settled(data, frame)
        return network, f"{told} {waves}".strip()

    def bands(self, data: SpectralData, frame: Frame) -> Bands | None:
        if self.scales != "auto" or self.form != "subnetworks":
            return None
        network, _ = self.settled(data, frame)
        assert isinstance(network, Mscale)
        return Bands(self._length(data, frame), len(network._known_scales) - 1)

    def with_bands(self, octaves: tuple[int, ...]) -> Self:
        return replace(self, scales=(*self._known_scales, *(2.0**j for j in octaves)))

    def _length(self, data: SpectralData, frame: Frame) -> float:
        """The length over which the first layer changes by about 1 at the scale 1."""
        return frame.length if self.input is None else self.input.length(data.problem.domain, frame)

    @property
    def _known_scales(self) -> tuple[float, ...]:
        if self.scales == "auto":
            raise OptionError("scales=auto depends on the problem: use `settled` first, or give a list such as [1,2,4]")
        return self.scales  # pyright: ignore[reportReturnType]  # "auto" is the only text

    def drawn_on(self, domain: Domain, layers: dict[str, Any]) -> FeedForward:
        from pdefreq.spaces.networks.mscale import MscaleSpace

        return MscaleSpace(domain, self._known_scales, form=self.form, **layers)
