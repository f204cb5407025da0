"""Initializations whose variance depends on the fans of a unit: Glorot, He, LeCun, and the default of PyTorch."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pdefreq.spaces.networks.initializations.initialization import Initialization, Layer


def glorot(layer: Layer, stream: torch.Generator) -> tuple[Tensor, Tensor]:
    """Weights from N(0, 2 / (fan_in + fan_out)), zero biases."""
    weight = layer.normal(layer.fan_in, layer.glorot_std, stream)
    return weight, torch.zeros_like(weight[..., :1])


def he(layer: Layer, stream: torch.Generator) -> tuple[Tensor, Tensor]:
    """Weights from N(0, 2 / fan_in), zero biases. Source: He et al. (2015), equation 10."""
    weight = layer.normal(layer.fan_in, math.sqrt(2 / layer.fan_in), stream)
    return weight, torch.zeros_like(weight[..., :1])


def lecun(layer: Layer, stream: torch.Generator) -> tuple[Tensor, Tensor]:
    """Weights from N(0, 1 / fan_in), zero biases. Source: LeCun et al. (1998), Efficient BackProp, equation 16."""
    weight = layer.normal(layer.fan_in, math.sqrt(1 / layer.fan_in), stream)
    return weight, torch.zeros_like(weight[..., :1])


def torch_linear(layer: Layer, stream: torch.Generator) -> tuple[Tensor, Tensor]:
    """Weights and biases uniform in +-1 / sqrt(fan_in), with variance 1 / (3 fan_in), the default of PyTorch.

    Source:
        ``torch.nn.Linear.reset_parameters``: ``kaiming_uniform_`` with a = sqrt(5), whose bound is sqrt(6 / ((1 + a^2) fan_in)).
    """
    bound = 1 / math.sqrt(layer.fan_in)
    return layer.uniform(layer.fan_in, bound, stream), layer.uniform(1, bound, stream)


GLOROT = Initialization(glorot)
HE = Initialization(he)
LECUN = Initialization(lecun)
TORCH = Initialization(torch_linear)
