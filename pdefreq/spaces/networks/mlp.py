"""The plain feed-forward network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from pdefreq.spaces.networks.feed_forward import FeedForward

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from pdefreq.domains.domain import Domain


@dataclass(frozen=True)
class MlpSpace(FeedForward):
    """``x -> W h_L + b`` with ``h_l = sigma(W_l h_(l-1) + b_l)`` and ``h_0 = x``.

    Args:
        domain: The domain of the inputs.
        widths: The number of units in each hidden layer.
        activation: The name of the activation function sigma, or a function of a tensor.
        initialization: Name of the initialization of the parameters.
    """

    domain: Domain
    widths: tuple[int, ...]
    activation: str | Callable[[Tensor], Tensor] = "tanh"
    initialization: str = "tiled"

    @property
    def unit_scales(self) -> Tensor:
        return torch.ones(1, self.widths[0], 1, dtype=torch.float64)
