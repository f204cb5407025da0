"""Uniform weights and biases with given bounds, as in the experiments on the linear frequency principle."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pdefreq.core.errors import OptionError
from pdefreq.spaces.networks.initializations.initialization import Initialization, Layer


def uniform(inner: float, bias: float, outer: float) -> Initialization:
    """Independent uniform parameters of a network with one hidden layer.

    Args:
        inner: Bound of the weights of hidden layers.
        bias: Bound of their biases.
        outer: Bound of the weights of the last layer, whose bias is initially zero.

    Raises:
        OptionError: If a bound is not positive and finite.

    Source:
        Zhang, Xu, Luo, Ma (2019), arXiv 1905.10264, the authors' code: uniform(3, 3, 0.1) for the cubic spline, and
        uniform(0.2, 1, 1) for linear interpolation.
    """
    for name, bound in (("inner", inner), ("bias", bias), ("outer", outer)):
        if not 0 < bound < math.inf:
            raise OptionError(f"`{name}` of uniform(inner, bias, outer) must be positive and finite, got {bound:g}")

    def draw(layer: Layer, stream: torch.Generator) -> tuple[Tensor, Tensor]:
        if layer.activation is None:
            weight = layer.uniform(layer.fan_in, outer, stream)
            return weight, torch.zeros_like(weight[..., :1])
        return layer.uniform(layer.fan_in, inner, stream), layer.uniform(1, bias, stream)

    return Initialization(draw)
