"""Boundary values built into the space, so that every member has them exactly."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import torch

from pdefreq.spaces.trial_space import Evaluator, Network

if TYPE_CHECKING:
    from pdefreq.fields import Field
    from pdefreq.shapes import Coefficients, Gradients, Points, Values


@dataclass(frozen=True)
class HardBoundary(Network):
    """``u = L + D N`` with a network N.

    Args:
        network: N.
        lifting: L, equal to the boundary values on the boundary.
        distance: D, zero exactly on the boundary, positive inside.

    Source:
        Lagaris, Likas, Fotiadis (1998), IEEE Trans. Neural Networks 9(5), section II.
    """

    network: Network
    lifting: Field
    distance: Field

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        return self.network.shapes

    @property
    def smoothness(self) -> float:
        return self.network.smoothness

    def initialize(self, stream: torch.Generator) -> Coefficients:
        return self.network.initialize(stream)

    def at(self, x: Points) -> Evaluator:
        return _HardEvaluator(self, x)


class _HardEvaluator(Evaluator):
    """Lifting and distance are evaluated once, their gradients when first asked for: errors need none."""

    def __init__(self, space: HardBoundary, x: Points) -> None:
        self._space, self._x, self._inner = space, x, space.network.at(x)
        with torch.no_grad():
            self._lifting, self._distance = space.lifting(x), space.distance(x)

    @cached_property
    def _slopes(self) -> tuple[Gradients, Gradients]:
        """Of the lifting and of the distance."""
        return self._space.lifting.gradient(self._x), self._space.distance.gradient(self._x)

    def value(self, c: Coefficients) -> Values:
        return self._lifting + self._distance * self._inner.value(c)

    def gradient(self, c: Coefficients) -> Gradients:
        return self.value_and_gradient(c)[1]

    def value_and_gradient(self, c: Coefficients) -> tuple[Values, Gradients]:
        value, gradient = self._inner.value_and_gradient(c)
        lifting, distance = self._slopes
        return (
            self._lifting + self._distance * value,
            lifting + distance * value[:, None] + self._distance[:, None] * gradient,
        )
