"""The two iterations of a chain, and the form of their states within the state of the chain."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from pdefreq.iterations.defaults import result_state_of
from pdefreq.iterations.iteration import Iteration, State
from pdefreq.spaces.trial_space import SpaceField

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.fields import Field
    from pdefreq.core.shapes import Coefficients

_INNER = "inner."  # prefix of the memory of the active iteration, for chains of chains


class ChainParts:
    """Two iterations in a row. Their numbers, 0 and 1, are the stages of a chain.

    Args:
        first: The first iteration.
        second: The second iteration, prepared for any initial guess.
        prepare_second: A function that prepares the second iteration for a given initial guess.
        hand_over_step: The number of steps of the first iteration.
    """

    def __init__(
        self, first: Iteration, second: Iteration, prepare_second: Callable[[Field], Iteration], hand_over_step: int
    ) -> None:
        self.first, self.second, self.hand_over_step = first, second, hand_over_step
        self._prepare_second = prepare_second

    def active(self, state: State) -> tuple[Iteration, State]:
        """The iteration to which a state of the chain belongs, and its own state."""
        return self._part(state.memory), _unwrapped(state)

    def take_over(self, state: State) -> State:
        """The initial state of the second iteration, from a state of the first."""
        end = result_state_of(self.first, state)
        self.second = self._prepare_second(SpaceField(end.space, end.coefficients.detach().clone()))
        return self.second.init()

    def restore(self, coefficients: Coefficients, memory: Mapping[str, Tensor]) -> State:
        """The state of the chain that was saved with these coefficients and this memory."""
        inner = self._part(memory).restore(coefficients, _inner(memory))
        return wrapped(replace(inner, done=bool(memory["part_done"])), *stage_and_step(memory))

    def _part(self, memory: Mapping[str, Tensor]) -> Iteration:
        stage, _ = stage_and_step(memory)
        return self.second if stage else self.first


def stage_and_step(memory: Mapping[str, Tensor]) -> tuple[int, int]:
    """The stage of the chain, and the number of its steps."""
    return int(memory["stage"]), int(memory["step"])


def wrapped(inner: State, stage: int, step: int) -> State:
    """The state of the chain for a state of its active iteration."""
    memory = {_INNER + name: value for name, value in inner.memory.items()}
    memory |= {"stage": torch.tensor(stage), "step": torch.tensor(step), "part_done": torch.tensor(inner.done)}
    return State(inner.space, inner.coefficients, memory, done=inner.done and stage == 1)


def _unwrapped(state: State) -> State:
    return State(state.space, state.coefficients, _inner(state.memory), done=bool(state.memory["part_done"]))


def _inner(memory: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(_INNER): value for name, value in memory.items() if name.startswith(_INNER)}
