"""The activation ReLU, (a)+."""

from __future__ import annotations

import torch
from torch import Tensor

from pdefreq.spaces.networks.activations.activation import Activation


def _derivatives(a: Tensor, order: int) -> list[Tensor]:
    jet = [a.relu()]
    if order >= 1:
        jet.append((a > 0).to(a))
    return jet + [torch.zeros_like(a)] * (order - 1)


RELU = Activation("relu", _derivatives, 1)
