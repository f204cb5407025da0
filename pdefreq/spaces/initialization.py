"""How weights are drawn, by name, with the standard deviations stated."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import torch

from pdefreq.errors import OptionError
from pdefreq.registry import named

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.spaces.activations import Activation


@dataclass(frozen=True)
class Layer:
    """What a layer's parameters may depend on.

    Args:
        fan_in: Inputs of a unit.
        fan_out: Units.
        stack: How many equal layers are drawn at once.
        activation: What the units apply; None for the last layer, which is linear.
        first: For the first layer, a function that draws n of its inputs, ``(n, fan_in)``, and the fixed factors of its
            units' inputs, ``(stack, fan_out, 1)``; else None.
    """

    fan_in: int
    fan_out: int
    stack: int
    activation: Activation | None
    first: tuple[Callable[[int, torch.Generator], Tensor], Tensor] | None

    @property
    def glorot_std(self) -> float:
        """Sqrt(2 / (fan_in + fan_out)): Glorot and Bengio (2010), equation 12."""
        return math.sqrt(2 / (self.fan_in + self.fan_out))

    def normal(self, columns: int, std: float, stream: torch.Generator) -> Tensor:
        """Normal numbers, ``(stack, fan_out, columns)``, float64."""
        return std * torch.randn(self.stack, self.fan_out, columns, generator=stream, dtype=torch.float64)

    def uniform(self, columns: int, bound: float, stream: torch.Generator) -> Tensor:
        """Numbers uniform in +-bound, ``(stack, fan_out, columns)``, float64."""
        unit = torch.rand(self.stack, self.fan_out, columns, generator=stream, dtype=torch.float64)
        return bound * (2 * unit - 1)


_MOST_EXPONENT = 10  # of a width in the phase family: the powers of every width that fits into memory are then numbers

Draw: TypeAlias = "Callable[[Layer, torch.Generator], tuple[Tensor, Tensor]]"
"""Draws weights ``(stack, fan_out, fan_in)`` and biases ``(stack, fan_out, 1)``."""


@dataclass(frozen=True)
class Initialization:
    """How parameters are drawn, and by which fixed factors they are multiplied in the network.

    Args:
        draw: Draws a layer's weights and biases.
        factors: Of a layer's weights and biases.
    """

    draw: Draw
    factors: Callable[[Layer], tuple[float, float]] = lambda _: (1.0, 1.0)


def glorot(layer: Layer, stream: torch.Generator) -> tuple[Tensor, Tensor]:
    """Weights N(0, 2 / (fan_in + fan_out)), biases zero."""
    weight = layer.normal(layer.fan_in, layer.glorot_std, stream)
    return weight, torch.zeros_like(weight[..., :1])


def he(layer: Layer, stream: torch.Generator) -> tuple[Tensor, Tensor]:
    """Weights N(0, 2 / fan_in), biases zero: He et al. (2015), equation 10."""
    weight = layer.normal(layer.fan_in, math.sqrt(2 / layer.fan_in), stream)
    return weight, torch.zeros_like(weight[..., :1])


def lecun(layer: Layer, stream: torch.Generator) -> tuple[Tensor, Tensor]:
    """Weights N(0, 1 / fan_in), biases zero: LeCun et al. (1998), Efficient BackProp, equation 16."""
    weight = layer.normal(layer.fan_in, math.sqrt(1 / layer.fan_in), stream)
    return weight, torch.zeros_like(weight[..., :1])


def torch_linear(layer: Layer, stream: torch.Generator) -> tuple[Tensor, Tensor]:
    """Weights and biases uniform in +-1 / sqrt(fan_in), variance 1 / (3 fan_in): the default of PyTorch.

    Source:
        ``torch.nn.Linear.reset_parameters``: ``kaiming_uniform_`` with a = sqrt(5), whose bound is sqrt(6 / ((1 + a^2) fan_in)).
    """
    bound = 1 / math.sqrt(layer.fan_in)
    return layer.uniform(layer.fan_in, bound, stream), layer.uniform(1, bound, stream)


def normal(std: float) -> Initialization:
    """Weights and biases N(0, std^2)."""
    _require_positive("std of normal(std)", std)
    return Initialization(lambda layer, stream: (layer.normal(layer.fan_in, std, stream), layer.normal(1, std, stream)))


def siren(omega: float) -> Initialization:
    """Sine networks: hidden layers ``sin(omega (W h + b))``, made for the activation sin.

    Weights are uniform in +-1 / fan_in in the first layer and +-sqrt(6 / fan_in) / omega in the others, biases in
    +-1 / sqrt(fan_in), so that the inputs of all sines behind the first layer are standard normal.

    Args:
        omega: The factor of all hidden layers, 30 in the paper.

    Source:
        Sitzmann et al. (2020), Implicit neural representations with periodic activation functions, arXiv 2006.09661, section 3.2
        and supplement 1; the biases are those of the authors' code.
    """
    _require_positive("omega of siren(omega)", omega)

    def draw(layer: Layer, stream: torch.Generator) -> tuple[Tensor, Tensor]:
        bound = 1 / layer.fan_in if layer.first is not None else math.sqrt(6 / layer.fan_in) / omega
        return layer.uniform(layer.fan_in, bound, stream), layer.uniform(1, 1 / math.sqrt(layer.fan_in), stream)

    return Initialization(draw, lambda layer: (1.0, 1.0) if layer.activation is None else (omega, omega))


def phase(gamma: float, gamma_prime: float) -> Initialization:
    """The family of the phase diagram, ``f = (1 / alpha) sum_k a_k sigma(w_k . x + b_k)`` with m units.

    w, b ~ N(0, 1) and a ~ N(0, beta^2) with ``beta = m^-gamma_prime`` and ``alpha = m^(gamma - gamma_prime)``, so that
    ``beta / alpha = m^-gamma``: of the paper's three numbers only these two ratios matter. gamma = 1/2 and 1 with
    gamma_prime = 0 are the NTK and mean-field parametrizations. Layers between the first and the last, which the paper has
    not, are ``sigma(W h / sqrt(fan_in) + b)`` with W, b ~ N(0, 1). The last bias starts at zero.

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

    def factors(layer: Layer) -> tuple[float, float]:
        if layer.activation is None:
            return layer.fan_in ** (gamma_prime - gamma), 1.0
        return 1.0 if layer.first is not None else layer.fan_in**-0.5, 1.0

    return Initialization(draw, factors)


def mscale(layer: Layer, stream: torch.Generator) -> tuple[Tensor, Tensor]:
    """Weights and biases N(0, 4 / (fan_in + fan_out)), twice Glorot's variance; the last layer N(0, 2 / fan_in).

    The authors' program takes the fans of the layer before for the last one, so that with hidden layers of equal width its
    fan_out is not 1 but fan_in. Of a network of one hidden layer, or of uneven widths, theirs would depend on the layer before.

    Source:
        The code of Liu, Cai, Xu (2020), github.com/xuzhiqin1990/mscalednn.
    """
    fan_out = layer.fan_in if layer.activation is None else layer.fan_out
    std = 2 / math.sqrt(layer.fan_in + fan_out)
    return layer.normal(layer.fan_in, std, stream), layer.normal(1, std, stream)


def tiled(layer: Layer, stream: torch.Generator) -> tuple[Tensor, Tensor]:
    """Glorot's weights, with the first layer's units spread over the domain: without it, those of high scale all sit at zero.

    First layer: the bias moves the middle of a unit's support to a point drawn from the domain, so that the units of each
    scale tile it. Further layers of compact support [l, r]: biases uniform in [l, r], and weights N(0, v) with v such that
    the weighted sum has standard deviation (r - l) / 8 when its inputs are sigma of uniform numbers in [l, r].
    """
    left, right = (layer.activation and layer.activation.support) or (0.0, 0.0)
    if layer.first is not None:
        inputs, scales = layer.first
        weight = layer.normal(layer.fan_in, layer.glorot_std, stream)
        point = inputs(layer.stack * layer.fan_out, stream).view_as(weight)
        return weight, (left + right) / 2 - scales * (weight * point).sum(dim=2, keepdim=True)
    if layer.activation is None or layer.activation.support is None:
        return glorot(layer, stream)
    even = torch.linspace(left, right, 1001, dtype=torch.float64)
    mean_square = float(layer.activation(even).square().mean())
    std = (right - left) / 8 / math.sqrt(layer.fan_in * mean_square)
    uniform = torch.rand(layer.stack, layer.fan_out, 1, generator=stream, dtype=torch.float64)
    return layer.normal(layer.fan_in, std, stream), left + (right - left) * uniform


def _require_positive(name: str, value: float) -> None:
    if not 0 < value < math.inf:
        raise OptionError(f"the {name} must be positive and finite, got {value:g}")


INITIALIZATIONS = {
    "tiled": Initialization(tiled),
    "glorot": Initialization(glorot),
    "he": Initialization(he),
    "lecun": Initialization(lecun),
    "torch": Initialization(torch_linear),
    "mscale": Initialization(mscale),
    "ntk": phase(0.5, 0.0),
    "mean-field": phase(1.0, 0.0),
    "siren": siren(30.0),
}
FAMILIES = {"normal": normal, "phase": phase, "siren": siren}
"""Initializations with numbers: ``normal(0.1)``, ``phase(1.5, 0)``, ``siren(30)``."""


def initialization_named(name: str) -> Initialization:
    """An initialization by name.

    Raises:
        UnknownNameError: If there is none of this name.
        OptionError: If its numbers are missing or wrong.
    """
    return named("initialization", name, INITIALIZATIONS, FAMILIES)
