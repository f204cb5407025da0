"""The only loop: it counts and times steps, records and stops. It is independent of the method."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pdefreq.core import step_clock
from pdefreq.core.announcements import announce, remark
from pdefreq.core.history import History, Status, Stop
from pdefreq.core.interrupts import interruptible
from pdefreq.core.reduce import processes
from pdefreq.runs.meeting import meeting_notes
from pdefreq.runs.position import Position
from pdefreq.runs.recorder import Recorder, is_finite
from pdefreq.runs.shared_run import led
from pdefreq.runs.time_estimate import TimeEstimate

if TYPE_CHECKING:
    from pdefreq.iterations.iteration import State
    from pdefreq.runs.prepared_run import PreparedRun
    from pdefreq.runs.run_folder import RunFolder
    from pdefreq.runs.solution import Solution

_CHECKPOINT_SECONDS = 20.0  # a killed process loses at most this time and one step


@dataclass(frozen=True)
class Progress:
    """The progress of a run.

    Args:
        step: The number of steps.
        seconds: The time of these steps.
        objective: The objective.
        relative_l2: The relative L2 error.
        fraction: The part of the budget that is used, in [0, 1].
        done: Whether the run has ended.
        left: The time that is left, as far as it is known: up to a limit on the time, or that of the steps up to a limit on them.
    """

    step: int
    seconds: float
    objective: float
    relative_l2: float
    fraction: float
    done: bool
    left: float = math.inf


def advance(
    prepared: PreparedRun,
    start: Position,
    *,
    run_folder: RunFolder | None = None,
    callback: Callable[[int, State, History], Any] | None = None,
    progress: Callable[[Progress], None] | None = None,
    notes: Sequence[str] = (),
) -> Solution:
    """Take steps from a position until a limit is reached. All work of the method is done in `Iteration.step`."""
    from pdefreq.runs.solution import Solution

    stop, schedule, history = prepared.spec.stop, prepared.spec.schedule, start.history
    recorder = Recorder(prepared, history)
    state, step, seconds = start.state, start.step, start.seconds
    due = schedule.after(int(history.last("step"))) if len(history) else 0
    good = Position(_copy(state), step, seconds, history, start.elapsed)
    status: Status | None = None
    saved, began = time.monotonic(), time.monotonic() - start.elapsed
    estimate = TimeEstimate(stop, schedule)
    notes = [*notes, *_noted(processes().size, history), *meeting_notes()]
    with interruptible() as interrupted, led(prepared, state) as take_step:

        def elapsed() -> float:
            return time.monotonic() - began

        def limit(step: int, seconds: float) -> Status | None:
            return _limit(step, seconds, elapsed(), stop)

        def pause(step: int, seconds: float) -> bool:
            return step >= due or interrupted() or time.monotonic() - saved >= _CHECKPOINT_SECONDS or bool(limit(step, seconds))

        while status is None:
            if step >= due or state.done or limit(step, seconds):
                due = schedule.after(step)
                announce("measuring the errors")
                status = recorder.record(state, step, seconds)
                if status is None or not status.is_failure:
                    good = Position(_copy(state), step, seconds, history, elapsed())
                status = status or limit(step, seconds)
                if callback is not None and callback(step, state, history):
                    status = status or Status.INTERRUPTED
                if progress is not None:
                    progress(_progress(history, stop, elapsed(), done=status is not None))
                if status is None and (sentence := estimate.sentence(step, seconds, elapsed())):
                    remark(sentence)
            if status is None and interrupted():
                status = Status.INTERRUPTED
            if status is None:
                state, step, seconds = _stride(take_step, state, step, seconds, pause)
                if run_folder is not None and time.monotonic() - saved >= _CHECKPOINT_SECONDS and is_finite(state):
                    run_folder.write_checkpoint(Position(state, step, seconds, history, elapsed()).checkpoint())
                    saved = time.monotonic()
        # After a failure the state is the last good one. The history keeps the row of the failure.
        end = good if status.is_failure else Position(state, step, seconds, history, elapsed())
        announce("computing the results")
        solution = Solution.of(prepared, end, status, notes=notes, recorder=recorder)
        if run_folder is not None:
            run_folder.write_checkpoint(end.checkpoint())
            solution.write(run_folder)
    if status is not Status.INTERRUPTED:
        interrupted.deliver()
    return solution


def _stride(
    take_step: Callable[[State], State], state: State, step: int, seconds: float, pause: Callable[[int, float], bool]
) -> tuple[State, int, float]:
    """Take steps until a pause is due. Only the time of these steps is counted."""
    began = step_clock.now()
    while True:
        state = take_step(state)
        step += 1
        if state.done or pause(step, seconds + step_clock.now() - began):
            break
    _synchronize(state)
    return state, step, seconds + step_clock.now() - began


def _noted(number: int, history: History) -> list[str]:
    """Record the number of processes among the facts of a history; a sentence on them if there are several."""
    if number > 1 or "processes" in history.facts:
        import numpy as np

        history.facts["processes"] = np.array(number)
    return [f"{number} processes shared the points of each step."] if number > 1 else []


def _limit(step: int, seconds: float, elapsed: float, stop: Stop) -> Status | None:
    if stop.steps is not None and step >= stop.steps:
        return Status.STEPS
    limits = ((seconds, stop.train_seconds), (elapsed, stop.seconds))
    return Status.SECONDS if any(most is not None and used >= most for used, most in limits) else None


def _progress(history: History, stop: Stop, elapsed: float, *, done: bool) -> Progress:
    step, seconds = int(history.last("step")), float(history.last("seconds"))
    limits = ((step, stop.steps, seconds / max(step, 1)), (seconds, stop.train_seconds, 1.0), (elapsed, stop.seconds, 1.0))
    parts = [used / most for used, most, _ in limits if most]
    left = [(most - used) * unit for used, most, unit in limits if most]
    error = math.nan if history.last("relative_l2") is None else float(history.last("relative_l2"))
    fraction, rest = min(1.0, max(parts, default=0.0)), max(0.0, min(left, default=math.inf))
    return Progress(step, seconds, float(history.last("objective")), error, fraction, done, rest)


def _copy(state: State) -> State:
    memory = {name: value.detach().clone() for name, value in state.memory.items()}
    return replace(state, coefficients=state.coefficients.detach().clone(), memory=memory)


def _synchronize(state: State) -> None:
    """Wait for the device, so that the measured time includes operations that are queued."""
    if state.coefficients.is_cuda:
        import torch

        torch.cuda.synchronize(state.coefficients.device)
