"""Two methods in a row: the second starts where the first stops, in its own trial space."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pdefreq.errors import IncompatibleError, OptionError
from pdefreq.fields import ConstantField, Field
from pdefreq.history import Status, Stop
from pdefreq.iterations.iteration import Iteration, Prediction, State
from pdefreq.solvers.solver import Solver

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from pdefreq.problem import Problem
    from pdefreq.shapes import Coefficients, Values
    from pdefreq.spectrum.modes import Modes
    from pdefreq.spectrum.predicted import Drift

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
        super().__post_init__()
        if self.switch is not None and self.switch < 0:
            raise OptionError(f"`switch` must be at least 0 steps, got {self.switch}")

    @property
    def name(self) -> str:
        return f"{self.first.name}+{self.second.name}"

    @property
    def registered_names(self) -> list[str]:
        return ["chain"]

    @property
    def hand_over(self) -> int:
        """The step after which the second method takes over."""
        steps = self.switch if self.switch is not None else self.first.budget.steps
        if steps is None:
            raise OptionError("the first method of the chain has no step budget: give `switch`, the step of the hand-over")
        return steps

    @property
    def budget(self) -> Stop:
        """The second method's own limits; its steps come on top of the first one's."""
        limits = self.second.budget
        return limits if limits.steps is None else replace(limits, steps=self.hand_over + limits.steps)

    def resolved(self, problem: Problem, stop: Stop) -> Chain:
        later = Stop() if stop.steps is None else Stop(steps=max(0, stop.steps - self.hand_over))
        first = self.first.resolved(problem, Stop(steps=self.hand_over))
        return replace(self, first=first, second=self.second.resolved(problem, later))

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
        self.turns = (hand_over, *(hand_over + turn for turn in second.turns))
        self.tends_to_zero, self.is_relative = second.tends_to_zero, second.is_relative

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
        import torch

        later, _ = self._position(state.memory)
        columns = self._active(state).columns(self._unwrap(state))
        before = later * (len(self._methods[0].turns) + 1)
        return {**columns, "method": before + columns.get("method", torch.tensor(0))}

    def is_last_stage(self, state: State) -> bool:
        later, _ = self._position(state.memory)
        return later == 1 and self._active(state).is_last_stage(self._unwrap(state))

    def ending(self, state: State) -> Status:
        return self._active(state).ending(self._unwrap(state))

    def answer(self, state: State) -> State:
        return replace(state, coefficients=self._active(state).answer(self._unwrap(state)).coefficients)

    def drift(self, state: State) -> Drift | None:
        return self._active(state).drift(self._unwrap(state))

    def notes(self, state: State) -> list[str]:
        return self._active(state).notes(self._unwrap(state))

    def restore(self, coefficients: Coefficients, memory: Mapping[str, Tensor]) -> State:
        stage, step = self._position(memory)
        inner = {name.removeprefix(_INNER): value for name, value in memory.items() if name.startswith(_INNER)}
        part = replace(self._methods[stage].restore(coefficients, inner), done=bool(memory["part_done"]))
        return self._wrap(part, stage, step)

    def limit(self, state: State) -> Coefficients | None:
        return self._active(state).limit(self._unwrap(state))

    def predict(self, modes: Modes, steps: Tensor, target: Values | None = None) -> Prediction | None:
        """The first method's curves and then, from where they end, the second's; of the second alone where the first has none.

        Raises:
            IncompatibleError: If the second has no theory, or one that hangs on the error it starts with.
        """
        import torch

        first, second, end = *self._methods, self._hand_over
        if not first.open_ended:
            raise IncompatibleError(
                "not predicted: the first method of the chain may end before the hand-over, which no theory tells"
            )
        after = second.predict(modes, (steps - end).clamp(min=0), target)
        if after is None:
            return None
        if not after.any_start:
            raise IncompatibleError(
                "not predicted: the second method of the chain mixes modes, so its curves hang on the error that the first leaves"
            )
        until = torch.cat([steps.clamp(max=end), torch.tensor([end])])
        before, handed, note = self._handed_over(modes, until, target)
        late = (steps > end)[:, None]
        if before is None or handed is None:
            curves = torch.where(late, after.curves, torch.nan)
            note = f"from the hand-over at step {end:,} on, over the errors there: {after.note}; before it: {note}"
            return replace(after, curves=curves, note=note, any_start=False, since=end + 1)
        note = f"to the hand-over at step {end:,}: {before.note}; after it: {after.note}"
        curves = torch.where(late, handed * after.curves, before.curves[:-1])
        return replace(before, curves=curves, rates=torch.full_like(after.rates, torch.nan), note=note, any_start=False)

    def _handed_over(self, modes: Modes, until: Tensor, target: Values | None) -> tuple[Prediction | None, Tensor | None, str]:
        """The prediction of the first method, what it leaves to the second over the first errors, and why there is none."""
        import torch

        from pdefreq.spaces.trial_space import SpaceField

        first, second = self._methods
        try:
            before = first.predict(modes, until, target)
        except IncompatibleError as refusal:
            return None, None, str(refusal)
        if before is None or not bool(before.curves.isfinite().any()):
            return None, None, "no theory"
        one, two = first.init(), second.init()
        if one.space == two.space:
            return before, before.curves[-1], ""
        limit = second.limit(two)
        if target is None or limit is None or first.limit(one) is not None:
            return None, None, "what the coarser space hands over is more than these modes"
        # From the error against the solution to that against the second method's own limit, each over the size of its target.
        solution, discrete, start = (
            torch.from_numpy(modes.coefficients(values.detach(), space))
            for values, space in (
                (target, one.space),
                (SpaceField(two.space, limit)(modes.points(two.space)), two.space),
                (SpaceField(one.space, one.coefficients)(modes.points(one.space)) - target, one.space),
            )
        )
        left = before.curves[-1] * start + solution - discrete
        return before, (left / discrete) / (start / solution), ""

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
