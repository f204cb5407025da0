"""Two methods in a row: the second starts where the first stops, in its own trial space."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pdefreq.core.errors import IncompatibleError, OptionError
from pdefreq.core.fields import ConstantField, Field
from pdefreq.core.history import Stop
from pdefreq.solvers.solver import Choice, Solver, chosen

if TYPE_CHECKING:
    import torch

    from pdefreq.iterations.iteration import Iteration
    from pdefreq.problem.problem import Problem


@dataclass(frozen=True)
class Chain(Solver):
    """A chain: `first` for a number of steps, then `second` from the result of `first`, e.g. a network and then Jacobi.

    The second method starts after a number of steps, not after a time or below a tolerance, so that a resumed run has the same
    hand-over step.

    Args:
        first: The first method.
        second: The second method; it must accept an initial guess.
        hand_over_step: The number of steps of the first method, after which the second starts; null means the budget of the first
            method.

    Source:
        Xu, Zhang, Luo, Xiao, Ma (2020), arXiv 1901.06523, section 5: a network, followed by Jacobi.
    """

    first: Solver
    second: Solver
    hand_over_step: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.hand_over_step is not None and self.hand_over_step < 0:
            raise OptionError(f"`hand_over_step` must be at least 0 steps, got {self.hand_over_step}")

    @property
    def name(self) -> str:
        return f"{self.first.name}+{self.second.name}"

    @property
    def registered_names(self) -> list[str]:
        return ["chain"]

    @property
    def first_steps(self) -> int:
        """The number of steps of the first method."""
        steps = self.hand_over_step if self.hand_over_step is not None else self.first.budget.steps
        if steps is None:
            raise OptionError("the first method of the chain has no step budget: give `hand_over_step`")
        return steps

    @property
    def budget(self) -> Stop:
        """The limits of the second method; its steps are added to those of the first."""
        limits = self.second.budget
        return limits if limits.steps is None else replace(limits, steps=self.first_steps + limits.steps)

    def choice(self, problem: Problem) -> Choice:
        first, second = (chosen(part, lambda: problem) for part in (self.first, self.second))
        if not (first.reasons or second.reasons):
            return Choice(self)
        return Choice(replace(self, first=first.solver, second=second.solver), first.reasons + second.reasons)

    def resolved(self, problem: Problem, stop: Stop) -> Chain:
        left = None if stop.steps is None else max(0, stop.steps - self.first_steps)
        return replace(
            self,
            first=self.first.resolved(problem, Stop(steps=self.first_steps)),
            second=self.second.resolved(problem, replace(stop, steps=left)),
        )

    @property
    def choices(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.first.choices, *self.second.choices)))

    def prepare(
        self, problem: Problem, *, seed: int, device: torch.device, dtype: torch.dtype, guess: Field | None = None
    ) -> Iteration:
        from pdefreq.iterations.chain.chain import ChainIteration

        def prepare_second(start: Field) -> Iteration:
            return self.second.prepare(problem, seed=seed, device=device, dtype=dtype, guess=start)

        first = self.first.prepare(problem, seed=seed, device=device, dtype=dtype, guess=guess)
        try:
            second = prepare_second(ConstantField(0.0))  # raises now the errors that would occur at the hand-over step
        except IncompatibleError as error:
            raise IncompatibleError(f"the second method of the chain can't take over: {error}") from None
        return ChainIteration(first, second, prepare_second, self.first_steps)
