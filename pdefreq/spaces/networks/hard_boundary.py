"""Networks multiplied by a function and added to another one: built-in boundary values, and outputs in a unit."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pdefreq.core.fields import ConstantField
from pdefreq.spaces.channels import Channels, by_axes
from pdefreq.spaces.networks.multiplication import FieldAt, Multiplication
from pdefreq.spaces.trial_space import Evaluator, Network

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch
    from torch import Tensor

    from pdefreq.core.fields import Field
    from pdefreq.core.shapes import Coefficients, Gradients, Points, Values


class AffineNetwork(Network):
    """The trial space of ``u = L + D N`` with a network N and two functions L and D."""

    network: Network
    lifting: Field
    """The function L."""
    distance: Field
    """The function D."""

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        return self.network.shapes

    @property
    def num_linear(self) -> int:
        return self.network.num_linear

    @property
    def smoothness(self) -> float:
        return min(self.network.smoothness, self.lifting.smoothness, self.distance.smoothness)

    def initialize(self, stream: torch.Generator) -> Coefficients:
        return self.network.initialize(stream)

    def at(self, x: Points) -> Evaluator:
        return _AffineEvaluator(self, x)


@dataclass(frozen=True)
class HardBoundary(AffineNetwork):
    """Networks that satisfy the Dirichlet conditions exactly.

    Args:
        network: The network N.
        lifting: The lifting L, equal to the boundary values on the boundary.
        distance: The distance function D, zero on the boundary only and positive inside.

    Source:
        Lagaris, Likas, Fotiadis (1998), IEEE Trans. Neural Networks 9(5), section II.
    """

    network: Network
    lifting: Field
    distance: Field


@dataclass(frozen=True)
class InUnits(AffineNetwork):
    """Networks whose output is measured from an offset, in an amplitude: ``u = offset + amplitude N``.

    Args:
        network: The network N.
        offset: The offset.
        amplitude: The amplitude.
    """

    network: Network
    offset: float
    amplitude: float

    @property
    def lifting(self) -> Field:  # pyright: ignore[reportIncompatibleVariableOverride]
        return ConstantField(self.offset)

    @property
    def distance(self) -> Field:  # pyright: ignore[reportIncompatibleVariableOverride]
        return ConstantField(self.amplitude)


class _AffineEvaluator(Evaluator):
    """The product rule applied to the evaluator of the network; weights of u are converted to weights of N."""

    def __init__(self, space: AffineNetwork, x: Points) -> None:
        self._inner = space.network.at(x)
        self._x = x
        self._lifting, self._distance = Multiplication(FieldAt(space.lifting, x)), Multiplication(FieldAt(space.distance, x))

    def with_second(self, matrix: Tensor) -> Evaluator:
        bound = copy.copy(self)
        bound._inner = self._inner.with_second(matrix)
        bound._lifting, bound._distance = (each.with_second(by_axes(matrix)) for each in (self._lifting, self._distance))
        return bound

    def value(self, c: Coefficients) -> Values:
        return self._lifting.value + self._distance.value * self._inner.value(c)

    def gradient(self, c: Coefficients) -> Gradients:
        return self.value_and_gradient(c)[1]

    def value_and_gradient(self, c: Coefficients) -> tuple[Values, Gradients]:
        u = self._composed(self._inner.channels(c, 1))
        assert u.gradient is not None
        return u.value, u.gradient.T

    def second_order(self, c: Coefficients) -> tuple[Values, Gradients, Values]:
        u = self._composed(self._inner.channels(c, 2))
        assert u.gradient is not None and u.second is not None
        return u.value, u.gradient.T, u.second

    def gradient_of(
        self, c: Coefficients, value: Values | None = None, gradient: Gradients | None = None, second: Values | None = None
    ) -> Gradients:
        weights = Channels.weights(self._x, value, gradient, second)
        network = self._inner.channels(c, weights.order)
        outside = self._lifting.slope(weights) + self._distance.slope_of_weights(weights, network)
        return outside.T + self._inner.gradient_of(c, *self._distance.pull_back(weights).by_point())

    def vjp(self, c: Coefficients, order: int) -> tuple[Channels, Callable[[Channels], Coefficients]]:
        network, pull_back = self._inner.vjp(c, order)
        return self._composed(network), lambda weights: pull_back(self._distance.pull_back(weights))

    def jacobian(
        self, c: Coefficients, value: Values | None = None, gradient: Gradients | None = None, second: Values | None = None
    ) -> Tensor:
        weights = Channels.weights(self._x, value, gradient, second)
        return self._inner.jacobian(c, *self._distance.pull_back(weights).by_point())

    def jacobian_factors(
        self, c: Coefficients, value: Values | None = None, gradient: Gradients | None = None, second: Values | None = None
    ) -> list[tuple[Tensor, Tensor]]:
        weights = Channels.weights(self._x, value, gradient, second)
        return self._inner.jacobian_factors(c, *self._distance.pull_back(weights).by_point())

    def _composed(self, network: Channels) -> Channels:
        return self._lifting.channels(network.order).plus(self._distance.times(network))
