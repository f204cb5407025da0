"""Two iterations in a row as one: the space of the iterates changes once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

from pdefreq.iterations.chain.parts import ChainParts, stage_and_step, wrapped
from pdefreq.iterations.chain.protocols import composed
from pdefreq.iterations.iteration import Iteration, State

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.fields import Field
    from pdefreq.core.shapes import Coefficients

P = TypeVar("P")


class ChainIteration(Iteration):
    """The first iteration until the hand-over step or its end, then the second.

    Args:
        first: The first iteration.
        second: The second iteration, prepared for any initial guess.
        prepare_second: A function that prepares the second iteration for a given initial guess.
        hand_over_step: The number of steps of the first iteration.
    """

    def __init__(
        self, first: Iteration, second: Iteration, prepare_second: Callable[[Field], Iteration], hand_over_step: int
    ) -> None:
        self._parts = ChainParts(first, second, prepare_second, hand_over_step)

    def init(self) -> State:
        return wrapped(self._parts.first.init(), stage=0, step=0)

    def step(self, state: State) -> State:
        stage, step = stage_and_step(state.memory)
        part, inner = self._parts.active(state)
        if stage == 0 and (step >= self._parts.hand_over_step or inner.done):
            stage, inner = 1, self._parts.take_over(inner)
            part = self._parts.second
        return wrapped(part.step(inner), stage, step + 1)

    def objective(self, state: State) -> dict[str, Tensor]:
        part, inner = self._parts.active(state)
        return part.objective(inner)

    def restore(self, coefficients: Coefficients, memory: Mapping[str, Tensor]) -> State:
        return self._parts.restore(coefficients, memory)

    def find(self, protocol: type[P]) -> P | None:
        return composed(self._parts, protocol)
