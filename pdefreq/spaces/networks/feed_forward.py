"""Feed-forward networks: sums of S networks of equal shape, with all parameters in one coefficient vector."""

from __future__ import annotations

import itertools
import math
from abc import abstractmethod
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

import torch

from pdefreq.core.errors import OptionError
from pdefreq.spaces.networks.activations import activation_named
from pdefreq.spaces.networks.initializations import initialization_named
from pdefreq.spaces.networks.initializations.initialization import Layer
from pdefreq.spaces.networks.stack import StackEvaluator
from pdefreq.spaces.networks.stacked import Stacked
from pdefreq.spaces.trial_space import Evaluator

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from pdefreq.core.shapes import Coefficients, Points
    from pdefreq.domains.domain import Domain


class FeedForward(Stacked):
    """The sum of S networks of equal shape: ``h_1 = sigma(s W_1 x + b_1)``, ``h_l = sigma(W_l h_(l-1) + b_l)``, ``W h_L + b``.

    The scales s of the units of the first layer are fixed; plain networks have S = 1 and s = 1. The parameters of the S
    networks are stacked, ``(S, out, in)``, so that each layer is one batched product.

    Raises:
        OptionError: If there is no hidden layer, or a hidden layer has no units.
        UnknownNameError: If the activation or the initialization is unknown.
    """

    domain: Domain
    widths: tuple[int, ...]
    activation: str | Callable[[Tensor], Tensor]
    initialization: str

    def __post_init__(self) -> None:
        if not self.widths or min(self.widths) < 1:
            raise OptionError(f"`widths` must list at least one hidden layer, each with at least 1 unit, got {list(self.widths)}")
        activation_named(self.activation)
        initialization_named(self.initialization)

    @property
    @abstractmethod
    def unit_scales(self) -> Tensor:
        """The scales s, shape ``(S, widths[0], 1)``, float64 on the CPU."""

    @property
    def stack(self) -> int:
        return len(self.unit_scales)

    @property
    def smoothness(self) -> float:
        return activation_named(self.activation).smoothness

    @cached_property
    def shapes(self) -> dict[str, tuple[int, ...]]:  # pyright: ignore[reportIncompatibleMethodOverride]  # needed in each step
        shapes: dict[str, tuple[int, ...]] = {}
        last = len(self.layers)
        for number, layer in enumerate(self.layers, start=1):
            shapes[f"weight{number}"] = (self.stack, layer.fan_out, layer.fan_in)
            if self.bias == "all" or (self.bias == "hidden" and number < last):
                shapes[f"bias{number}"] = self._last_bias if number == last else (self.stack, layer.fan_out, 1)
            if self.adaptive is not None and number < last:
                shapes[f"slope{number}"] = (self.stack, 1, 1)
        return shapes

    @property
    def num_linear(self) -> int:
        last = len(self.widths) + 1
        return sum(math.prod(self.shapes.get(name, (0,))) for name in (f"weight{last}", f"bias{last}"))

    @property
    def layers(self) -> list[Layer]:
        """The properties of each layer for the initialization, in order; the last layer is linear."""
        sigma, scales = activation_named(self.activation), self.unit_scales
        inputs = self.domain.dimension if self.embedding is None else self.embedding.number
        fans = list(itertools.pairwise((inputs, *self.widths, 1)))
        layers = [
            Layer(a, b, len(scales), sigma if i < len(self.widths) else None, (self._inputs, scales) if i == 0 else None)
            for i, (a, b) in enumerate(fans)
        ]
        return [replace(layers[0], waves=self.waves), *layers[1:]]

    def weight_scales(self) -> list[tuple[Tensor, float]]:
        """The fixed scales of the weights, ``(S or 1, out or 1, 1)``, and of the biases of each layer, including s."""
        scheme = initialization_named(self.initialization)
        found = [(torch.full((1, 1, 1), w, dtype=torch.float64), b) for w, b in map(scheme.weight_scales, self.layers)]
        return [(found[0][0] * self.unit_scales, found[0][1]), *found[1:]]

    def initialize(self, stream: torch.Generator) -> Coefficients:
        scheme = initialization_named(self.initialization)
        drawn: dict[str, Tensor] = {}
        for number, layer in enumerate(self.layers, start=1):
            drawn[f"weight{number}"], drawn[f"bias{number}"] = scheme.parameters(layer, stream)
            drawn[f"slope{number}"] = torch.full((self.stack,), 1 / (self.adaptive or 1), dtype=torch.float64)
        parts = []
        for name, shape in self.shapes.items():
            summed = math.prod(shape) < drawn[name].numel()  # the S last biases are replaced by their sum
            parts.append(drawn[name].sum().view(1) if summed else drawn[name].flatten())
        return torch.cat(parts)

    def at(self, x: Points) -> Evaluator:
        return StackEvaluator(self, x)

    @property
    def _last_bias(self) -> tuple[int, ...]:
        return (1,)

    def _inputs(self, n: int, stream: torch.Generator) -> Tensor:
        """Inputs of the first layer at random points of the domain, ``(n, fan_in)``."""
        x = self.domain.interior(n, stream).x
        return x if self.embedding is None else self.embedding(x)
