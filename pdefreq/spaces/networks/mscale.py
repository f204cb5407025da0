"""Multiscale networks (MscaleDNN), with inputs scaled by several factors so that each part learns a low frequency."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch

from pdefreq.core.errors import OptionError
from pdefreq.spaces.networks.feed_forward import FeedForward

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from pdefreq.domains.domain import Domain


@dataclass(frozen=True)
class MscaleSpace(FeedForward):
    """The trial space of an MscaleDNN in either of its two forms.

    Args:
        domain: The domain of the inputs.
        scales: The factors a_i.
        widths: The number of units in each hidden layer; with sub-networks, of each sub-network.
        activation: The name of the activation function sigma, or a function of a tensor.
        initialization: Name of the initialization of the parameters.
        form: ``"subnetworks"`` (MscaleDNN-2): ``sum_i f_i(a_i x)``; ``"first-layer"`` (MscaleDNN-1): one network whose
            first layer's units are divided into equal groups ``sigma(a_i w x + b)``.

    Raises:
        OptionError: If there is no scale, a scale is not positive and finite, or `widths` is empty.
        UnknownNameError: If the activation or the initialization is unknown.

    Source:
        Liu, Cai, Xu (2020), Multi-scale deep neural network (MscaleDNN), arXiv 2007.11207, section 3.
    """

    domain: Domain
    scales: tuple[float, ...]
    widths: tuple[int, ...]
    activation: str | Callable[[Tensor], Tensor] = "sin"
    initialization: str = "tiled"
    form: Literal["subnetworks", "first-layer"] = "subnetworks"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.scales or not all(0 < scale < math.inf for scale in self.scales):
            raise OptionError(f"`scales` must be one or more positive and finite numbers, got {list(self.scales)}")

    @property
    def unit_scales(self) -> Tensor:
        scales = torch.tensor(self.scales, dtype=torch.float64)
        if self.form == "subnetworks":
            return scales[:, None, None].expand(-1, self.widths[0], 1)
        group = torch.arange(self.widths[0]) * len(scales) // self.widths[0]
        return scales[group][None, :, None]
