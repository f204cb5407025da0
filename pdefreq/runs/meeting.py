"""Runs that take their steps together: each waits at its step until all others have arrived there, and one step is taken for all.

The runs are made by threads of which only one works at a time. Each executes a run as it would alone: it measures, writes and
decides when it ends. Only the steps are common.
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

    A run that was continued may be behind the others. Steps are then taken by those that are the furthest behind.

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
        """The context in which the run with a number works, while no other one does."""
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
        """Take a step if no run is working on something else."""
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
    """The function that takes a step of a run: that of the iteration, or with the other runs where there is a meeting."""
    place = _PLACE.get()
    return iteration.step if place is None else place[0].stepper(place[1], iteration)


def meeting_notes() -> list[str]:
    """A sentence on the times of a run that meets others, in a list; none for a run on its own."""
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
