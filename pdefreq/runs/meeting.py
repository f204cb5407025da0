"""Runs that take their steps together: before each step the runs wait for each other, and then one step is taken for all of them.

Each run has its own thread, and only one thread works at a time. A thread measures, writes and decides when the run ends, as for
a single run. Only the steps are common.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from pdefreq.core.step_clock import charge

if TYPE_CHECKING:
    from pdefreq.iterations.iteration import Iteration, State
    from pdefreq.iterations.training.seed_batch import SeedBatch


class Meeting:
    """The common steps of several runs.

    A run that was continued may have made fewer steps than the others. The next step is taken for the runs with the fewest steps.

    Args:
        number: The number of runs.
    """

    def __init__(self, number: int) -> None:
        self._turn = threading.Condition()
        self.number = number
        self._present = set(range(number))
        self._iterations: dict[int, Iteration] = {}
        self._waiting: dict[int, State] = {}
        self._arrived: dict[int, tuple[State, float] | BaseException] = {}
        self._batch: SeedBatch | None = None

    @contextmanager
    def attended(self, number: int) -> Iterator[None]:
        """The context in which the run with a number is made, while all other runs wait."""
        token = _PLACE.set((self, number))
        with self._turn:
            try:
                yield
            finally:
                _PLACE.reset(token)
                self._present.discard(number)
                self._step_if_complete()

    def stepper(self, number: int, iteration: Iteration) -> Callable[[State], State]:
        """The function that takes a step of a run with the others."""
        self._iterations[number] = iteration

        def step(state: State) -> State:
            began = time.perf_counter()
            self._waiting[number] = state
            self._step_if_complete()
            while number not in self._arrived:
                self._turn.wait()
            found = self._arrived.pop(number)
            if isinstance(found, BaseException):
                raise found
            state, share = found
            charge(share - (time.perf_counter() - began))  # the time of waiting is not that of steps
            return state

        return step

    def _step_if_complete(self) -> None:
        """Take a step if all runs that have not ended are waiting for it."""
        if not self._present or self._waiting.keys() != self._present:
            return
        numbers = self._furthest_behind()
        states = [self._waiting.pop(number) for number in numbers]
        try:
            batch = self._steps()
            began = time.perf_counter()
            found = batch.step([self._order[number] for number in numbers], states)
            _synchronize(found[0])
            share = (time.perf_counter() - began) / len(numbers)
            self._arrived |= {number: (state, share) for number, state in zip(numbers, found, strict=True)}
        except Exception as error:
            self._arrived |= dict.fromkeys(numbers, error)
        self._turn.notify_all()

    def _furthest_behind(self) -> Sequence[int]:
        steps = {number: int(state.memory["steps"]) for number, state in self._waiting.items()}
        return [number for number in sorted(steps) if steps[number] == min(steps.values())]

    def _steps(self) -> SeedBatch:
        from pdefreq.iterations.training.seed_batch import SeedBatch

        if self._batch is None:
            self._order = {number: place for place, number in enumerate(sorted(self._iterations))}
            self._batch = SeedBatch([self._iterations[number] for number in self._order])
        return self._batch


_PLACE: ContextVar[tuple[Meeting, int] | None] = ContextVar("meeting", default=None)


def met(iteration: Iteration) -> Callable[[State], State]:
    """The function that takes a step of a run: that of the iteration, or that of the `Meeting` in which the run takes part."""
    place = _PLACE.get()
    return iteration.step if place is None else place[0].stepper(place[1], iteration)


def meeting_notes() -> list[str]:
    """A list with a sentence on the times of a run in a `Meeting`; it is empty for a single run."""
    place = _PLACE.get()
    if place is None:
        return []
    number = place[0].number
    return [f"{number} seeds took their steps as one batch; the time of a step is that of the batch divided by their number."]


def _synchronize(state: State) -> None:
    """Wait for the device, so that the measured time includes operations that are queued."""
    if state.coefficients.is_cuda:
        import torch

        torch.cuda.synchronize(state.coefficients.device)
