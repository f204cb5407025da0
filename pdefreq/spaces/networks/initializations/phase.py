"""The initializations of the phase diagram, including the tangent-kernel and mean-field parametrizations."""

from __future__ import annotations

import torch
from torch import Tensor

from pdefreq.core.errors import OptionError
from pdefreq.spaces.networks.initializations.initialization import Initialization, Layer

_MOST_EXPONENT = 10  # of a width, so that powers of any width that fits into memory do not overflow


def phase(gamma: float, gamma_prime: float) -> Initialization:
    """The initialization of the phase diagram, ``f = (1 / alpha) sum_k a_k sigma(w_k . x + b_k)`` with m units.

    w, b ~ N(0, 1) and a ~ N(0, beta^2) with ``beta = m^-gamma_prime`` and ``alpha = m^(gamma - gamma_prime)``, so that
    ``beta / alpha = m^-gamma``. Only these two ratios of the three numbers in the paper matter. gamma = 1/2 and gamma = 1
    with gamma_prime = 0 are the NTK and mean-field parametrizations. Layers between the first and the last, which do not
    occur in the paper, are ``sigma(W h / sqrt(fan_in) + b)`` with W, b ~ N(0, 1). The last bias is initially zero.

    Args:
        gamma: -log(beta_1 beta_2 / alpha) / log m, between -10 and 10.
        gamma_prime: -log(beta_1 / beta_2) / log m, between -10 and 10.

    Source:
        Luo, Xu, Ma, Zhang (2021), Phase diagram for two-layer ReLU neural networks at infinite-width limit, JMLR 22(71).
        Jacot, Gabriel, Hongler (2018), arXiv 1806.07572, section 2.
    """
    for name, value in (("gamma", gamma), ("gamma_prime", gamma_prime)):
        if not -_MOST_EXPONENT <= value <= _MOST_EXPONENT:
            raise OptionError(
                f"`{name}` of phase(gamma, gamma_prime) must lie between -{_MOST_EXPONENT} and {_MOST_EXPONENT}, got {value:g}"
            )

    def draw(layer: Layer, stream: torch.Generator) -> tuple[Tensor, Tensor]:
        if layer.activation is None:
            weight = layer.normal(layer.fan_in, layer.fan_in**-gamma_prime, stream)
            return weight, torch.zeros_like(weight[..., :1])
        return layer.normal(layer.fan_in, 1.0, stream), layer.normal(1, 1.0, stream)

    def weight_scales(layer: Layer) -> tuple[float, float]:
        if layer.activation is None:
            return layer.fan_in ** (gamma_prime - gamma), 1.0
        return 1.0 if layer.first is not None else layer.fan_in**-0.5, 1.0

    return Initialization(draw, weight_scales)


NTK = phase(0.5, 0.0)
MEAN_FIELD = phase(1.0, 0.0)
