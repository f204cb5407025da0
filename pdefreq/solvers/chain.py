"""Two methods in a row: the second starts where the first stops, in its own trial space."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pdefreq.errors import IncompatibleError, OptionError
from pdefreq.fields import ConstantField, Field
from pdefreq.history import Status, Stop
from pdefreq.iterations.iteration import Iteration, State
from pdefreq.solvers.solver import Solver

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from pdefreq.problem import Problem
    from pdefreq.shapes import Coefficients

_INNER = "inner."  # prefix of what the active method remembers, so that chains of chains do not clash


@dataclass(frozen=True)
class Chain(Solver):
    """`first` for a number of steps, then `second` from what it reached, e.g. a network and then Jacobi.

    The hand-over is a step count, not a time or a tolerance, so that a resumed run hands over at the same step.

    Args:
        first: The method that starts.
        second: The method that goes on; it must be able to start from a given function.
        switch: Steps of the first method; null means its own budget.

    Source:
        Xu, Zhang, Luo, Xiao, Ma (2020), arXiv 1901.06523, section 5: a network first, Jacobi after it.
    """

    first: Solver
    second: Solver
    switch: int | None = None

    def __post_init__(self) -> None:
        if self.switch is not None and self.switch < 0:
            raise OptionError(f"`switch` must be at least 0 steps, got {self.switch}")

    @property
    def name(self) -> str:
        return f"{self.first.name}+{self.second.name}"

    @property
    def hand_over(self) -> int:
        """The step after which the second method takes over."""
        steps = self.switch if self.switch is not None else self.first.budget.steps
        if steps is None:
            raise OptionError("the first method of the chain has no step budget: give `switch`, the step of the hand-over")
        return steps

    @property
    def budget(self) -> Stop:
        return Stop(steps=self.hand_over + (self.second.budget.steps or 0))

    def within(self, stop: Stop) -> Chain:
        first, second = self.first.within(Stop(steps=self.hand_over)), self.second
        if stop.steps is not None:
            second = second.within(Stop(steps=max(0, stop.steps - self.hand_over)))
        return replace(self, first=first, second=second)

    def prepare(
        self, problem: Problem, *, seed: int, device: torch.device, dtype: torch.dtype, guess: Field | None = None
    ) -> Iteration:
        def prepare_second(start: Field) -> Iteration:
            return self.second.prepare(problem, seed=seed, device=device, dtype=dtype, guess=start)

        first = self.first.prepare(problem, seed=seed, device=device, dtype=dtype, guess=guess)
        try:
            second = prepare_second(ConstantField(0.0))  # refuses now what it would refuse at the hand-over
        except IncompatibleError as error:
            raise IncompatibleError(f"the second method of the chain can't take over: {error}") from None
        return ChainIteration(first, second, prepare_second, self.hand_over)


class ChainIteration(Iteration):
    """The loop's view of a chain: one run whose space changes once."""

    def __init__(self, first: Iteration, second: Iteration, prepare_second: Callable[[Field], Iteration], hand_over: int) -> None:
        self._methods = [first, second]
        self._prepare_second = prepare_second
        self._hand_over = hand_over
        self.tends_to_zero = first.tends_to_zero and second.tends_to_zero

    def init(self) -> State:
        return self._wrap(self._methods[0].init(), stage=0, step=0)

    def step(self, state: State) -> State:
        stage, step = self._position(state.memory)
        inner = self._unwrap(state)
        if stage == 0 and (step >= self._hand_over or inner.done):
            stage, inner = 1, self._take_over(inner)
        return self._wrap(self._methods[stage].step(inner), stage, step + 1)

    def objective(self, state: State) -> dict[str, Tensor]:
        return self._active(state).objective(self._unwrap(state))

    def columns(self, state: State) -> Mapping[str, Tensor]:
        return self._active(state).columns(self._unwrap(state))

    def is_last_stage(self, state: State) -> bool:
        return self._active(state).is_last_stage(self._unwrap(state))

    def ending(self, state: State) -> Status:
        return self._active(state).ending(self._unwrap(state))

    def answer(self, state: State) -> State:
        return replace(state, coefficients=self._active(state).answer(self._unwrap(state)).coefficients)

    def notes(self, state: State) -> list[str]:
        return self._active(state).notes(self._unwrap(state))

    def restore(self, coefficients: Coefficients, memory: Mapping[str, Tensor]) -> State:
        stage, step = self._position(memory)
        inner = {name.removeprefix(_INNER): value for name, value in memory.items() if name.startswith(_INNER)}
        part = replace(self._methods[stage].restore(coefficients, inner), done=bool(memory["part_done"]))
        return self._wrap(part, stage, step)

    def limit(self, state: State) -> Coefficients | None:
        return self._active(state).limit(self._unwrap(state))

    def _take_over(self, inner: State) -> State:
        from pdefreq.spaces.trial_space import SpaceField

        inner = self._methods[0].answer(inner)
        self._methods[1] = self._prepare_second(SpaceField(inner.space, inner.coefficients.detach().clone()))
        return self._methods[1].init()

    def _active(self, state: State) -> Iteration:
        return self._methods[self._position(state.memory)[0]]

    @staticmethod
    def _position(memory: Mapping[str, Tensor]) -> tuple[int, int]:
        return int(memory["stage"]), int(memory["step"])

    @staticmethod
    def _unwrap(state: State) -> State:
        inner = {name.removeprefix(_INNER): value for name, value in state.memory.items() if name.startswith(_INNER)}
        return State(state.space, state.coefficients, inner, done=bool(state.memory["part_done"]))

    @staticmethod
    def _wrap(inner: State, stage: int, step: int) -> State:
        import torch

        memory = {_INNER + name: value for name, value in inner.memory.items()}
        memory |= {"stage": torch.tensor(stage), "step": torch.tensor(step), "part_done": torch.tensor(inner.done)}
        return State(inner.space, inner.coefficients, memory, done=inner.done and stage == 1)
