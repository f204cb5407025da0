"""Networks that are zero at initialization (antisymmetric initialization, doubling trick), and a control of doubled width."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import torch

from pdefreq.core.errors import OptionError
from pdefreq.spaces.channels import Channels
from pdefreq.spaces.networks.feed_forward import FeedForward
from pdefreq.spaces.networks.stack import StackEvaluator
from pdefreq.spaces.trial_space import Evaluator, Network

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Coefficients, Gradients, Points, Values

T = TypeVar("T", bound=FeedForward)


@dataclass(frozen=True)
class AntisymmetricSpace(Network):
    """``u = factor (N(theta_1) - N(theta_2))`` with theta_1 = theta_2 at initialization (ASI).

    At initialization u is exactly zero and its tangent kernel is 2 factor^2 times that of N, thus the same for sqrt(1/2).

    Args:
        network: N, any network.
        factor: The factor.

    Source:
        Zhang, Xu, Luo, Ma (2020), A type of generalization error induced by initialization in deep neural networks, section 5.
    """

    network: Network
    factor: float = math.sqrt(0.5)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        inner = self.network.shapes
        return {f"{sign}.{name}": shape for sign in ("plus", "minus") for name, shape in inner.items()}

    @property
    def smoothness(self) -> float:
        return self.network.smoothness

    def initialize(self, stream: torch.Generator) -> Coefficients:
        return self.network.initialize(stream).repeat(2)

    def at(self, x: Points) -> Evaluator:
        return _Difference(self.network.at(x), self.factor)


class _Difference(Evaluator):
    def __init__(self, inner: Evaluator, factor: float) -> None:
        self._inner = inner
        self._factor = factor

    def with_second(self, matrix: Tensor) -> Evaluator:
        return _Difference(self._inner.with_second(matrix), self._factor)

    def value(self, c: Coefficients) -> Values:
        return self._of_both(c, self._inner.value)

    def gradient(self, c: Coefficients) -> Gradients:
        return self._of_both(c, self._inner.gradient)

    def value_and_gradient(self, c: Coefficients) -> tuple[Values, Gradients]:
        plus, minus = (self._inner.value_and_gradient(half) for half in c.chunk(2))
        return self._factor * (plus[0] - minus[0]), self._factor * (plus[1] - minus[1])

    def second_order(self, c: Coefficients) -> tuple[Values, Gradients, Values]:
        plus, minus = (self._inner.second_order(half) for half in c.chunk(2))
        return self._factor * (plus[0] - minus[0]), self._factor * (plus[1] - minus[1]), self._factor * (plus[2] - minus[2])

    def vjp(self, c: Coefficients, order: int) -> tuple[Channels, Callable[[Channels], Coefficients]]:
        (plus, of_plus), (minus, of_minus) = (self._inner.vjp(half, order) for half in c.chunk(2))

        def pull_back(weights: Channels) -> Coefficients:
            half = weights.map(lambda t: self._factor * t)
            return torch.cat([of_plus(half), of_minus(half).neg_()])

        return plus.plus(minus.map(torch.neg)).map(lambda t: self._factor * t), pull_back

    def gradient_of(
        self, c: Coefficients, value: Values | None = None, gradient: Gradients | None = None, second: Values | None = None
    ) -> Gradients:
        return self._of_both(c, lambda half: self._inner.gradient_of(half, value, gradient, second))

    def jacobian_factors(
        self, c: Coefficients, value: Values | None = None, gradient: Gradients | None = None, second: Values | None = None
    ) -> list[tuple[Tensor, Tensor]]:
        return [
            (sign * D, Z)
            for half, sign in zip(c.chunk(2), (self._factor, -self._factor), strict=True)
            for D, Z in self._inner.jacobian_factors(half, value, gradient, second)
        ]

    def _of_both(self, c: Coefficients, function: Callable[[Coefficients], Tensor]) -> Tensor:
        plus, minus = (function(half) for half in c.chunk(2))
        return self._factor * (plus - minus)


@dataclass(frozen=True)
class DoubledSpace(Network):
    """A network whose last hidden layer is used twice, with opposite output weights at initialization (the doubling trick).

    At initialization the network is zero. The contribution of the last hidden layer and the output weights to the tangent
    kernel is doubled, and the contribution of all lower layers vanishes; with one hidden layer the whole kernel is doubled.
    The last bias and the slope of an adaptive layer are not duplicated: the contribution of the former is unchanged, that of
    the latter vanishes. Fixed scales of the parameters, such as those of NTK, are the scales of the original network.

    Args:
        network: The network to double.

    Raises:
        OptionError: If a residual connection ends at the last hidden layer.

    Source:
        Chizat and Bach (2018), A note on lazy training in supervised differentiable programming, arXiv 1812.07956.
    """

    network: FeedForward

    def __post_init__(self) -> None:
        widths = self.network.widths
        if self.network.residual and len(widths) > 1 and widths[-1] == widths[-2]:
            raise OptionError(
                "the doubling trick copies the last hidden layer, which is impossible with a residual connection from a layer "
                f"of the same width: choose residual=false, or other `widths` than {list(widths)}"
            )

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        shapes = self.network.shapes
        return {
            name: tuple(p.shape) for name, p in self._doubled({k: torch.empty(shapes[k], device="meta") for k in shapes}).items()
        }

    @property
    def smoothness(self) -> float:
        return self.network.smoothness

    def initialize(self, stream: torch.Generator) -> Coefficients:
        p = self.network.unflatten(self.network.initialize(stream))
        return torch.cat([t.flatten() for t in self._doubled(p).values()])

    def at(self, x: Points) -> Evaluator:
        weight_scales = self.network.weight_scales()
        weight, bias = weight_scales[-2]
        weight_scales[-2] = weight.repeat(1, 2, 1) if weight.shape[1] > 1 else weight, bias
        return StackEvaluator(self.network, x, parameters=self, weight_scales=weight_scales)

    def _doubled(self, p: dict[str, Tensor]) -> dict[str, Tensor]:
        """The network's parameters with the units of the last hidden layer duplicated, and with a zero last bias."""
        last = len(self.network.widths)
        copies = {name: p[name].repeat(1, 2, 1) for name in (f"weight{last}", f"bias{last}") if name in p}
        out, shift = f"weight{last + 1}", f"bias{last + 1}"
        copies[out] = torch.cat([p[out], -p[out]], dim=2)
        return p | copies | ({shift: torch.zeros_like(p[shift])} if shift in p else {})


def width_doubled(network: T) -> T:
    """The network with twice as many units in each hidden layer, a control for `AntisymmetricSpace` and `DoubledSpace` (RND)."""
    return replace(network, widths=tuple(2 * width for width in network.widths))
