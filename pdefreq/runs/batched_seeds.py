"""Runs that differ in their seeds only, made together in this process as one batch of networks."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from pdefreq.core.devices import as_device, as_dtype, require_memory
from pdefreq.core.errors import IncompatibleError, UserError
from pdefreq.core.interrupts import interruptible, requested_by
from pdefreq.runs.many_runs import was_interrupted
from pdefreq.runs.meeting import Meeting

if TYPE_CHECKING:
    from pdefreq.iterations.iteration import Iteration
    from pdefreq.runs.loop import Progress
    from pdefreq.runs.planned_run import PlannedRun
    from pdefreq.runs.solution import Solution

_POLL_SECONDS = 0.25  # time between two checks of the threads, at which signals are received


def require_batchable(runs: Sequence[PlannedRun], number: int | None = None) -> None:
    """Check that the steps of runs can be taken together, before anything is written.

    Args:
        runs: The runs, of which the first two are prepared.
        number: The number of runs, if there are more.

    Raises:
        IncompatibleError: If they can't.
        TooLargeError: If the memory of the machine or of the GPU does not suffice for all of them.
        UserError: If a run can't be prepared.
    """
    from pdefreq.iterations.training.seed_batch import SeedBatch

    batch = SeedBatch([_prepared(run) for run in runs[:2]])
    number = len(runs) if number is None else number
    require_memory(number, "seeds", number * batch.bytes_of_a_member, runs[0].spec.device)


def run_batch(
    runs: Sequence[PlannedRun], progress: Callable[[int, Progress], None] | None = None
) -> list[Solution | UserError | None]:
    """Make runs that differ in their seeds only, with one batched step for all of them.

    Each run has its own folder, history and end, as if it were made alone, and its coefficients are the same up to rounding.
    Runs whose folders contain a finished run are loaded, and those that have begun are continued. The recorded time of a step is
    that of the batched step divided by the number of runs in it.

    Args:
        runs: The runs.
        progress: Called as ``progress(index, progress)``.

    Returns:
        The solutions in the order of the runs.

    Raises:
        UserError: That of the first run that has one.
    """
    unfinished = [index for index, run in enumerate(runs) if not run.has_ended]
    if len(unfinished) > 1:
        require_batchable([runs[index] for index in unfinished])
    meeting = Meeting(len(unfinished))
    outcomes: list[Solution | UserError | None] = [None] * len(runs)
    errors: dict[int, BaseException] = {}

    follow = None if progress is None else lambda index: lambda now: progress(index, now)

    def make(place: int, index: int) -> None:
        try:
            with meeting.attended(place), requested_by(interrupted):
                outcomes[index] = runs[index].complete(progress=None if follow is None else follow(index))
        except BaseException as error:
            errors[index] = error

    with interruptible() as interrupted:
        threads = [
            threading.Thread(target=contextvars.copy_context().run, args=(make, place, index), daemon=True)
            for place, index in enumerate(unfinished)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():
                thread.join(_POLL_SECONDS)
    if errors:
        raise errors[min(errors)]
    if not any(map(was_interrupted, outcomes)):
        interrupted.deliver()
    for index in (index for index in range(len(runs)) if index not in unfinished):
        outcomes[index] = runs[index].complete()
    return outcomes


def run_batches(
    runs: Sequence[PlannedRun], *, seeds: int, progress: Callable[[int, Progress], None] | None = None
) -> list[Solution | UserError | None]:
    """Make the runs of several methods, of which the seeds of each are a batch; see `run_batch`.

    Args:
        runs: The runs, those of a method one after the other.
        seeds: The number of runs of each method.
        progress: Called as ``progress(index, progress)``.

    Raises:
        UserError: As `run_batch` does, before the first run if a method can't be batched.
    """
    starts = range(0, len(runs), seeds)
    for start in starts:
        try:
            require_batchable(runs[start : start + seeds])
        except IncompatibleError as error:
            raise IncompatibleError(f"{runs[start].spec.method}: {error}") from None
    outcomes: list[Solution | UserError | None] = [None] * len(runs)
    for start in starts:
        found = run_batch(
            runs[start : start + seeds],
            None if progress is None else lambda index, now, start=start: progress(start + index, now),
        )
        outcomes[start : start + seeds] = found
        if any(map(was_interrupted, found)):
            break
    return outcomes


def _prepared(run: PlannedRun) -> Iteration:
    spec, given = run.spec, run.given.complete(run.spec, trust=run.trust)
    assert given.problem is not None and given.solver is not None
    return given.solver.prepare(
        given.problem.blind(), seed=spec.seed, device=as_device(spec.device), dtype=as_dtype(spec.dtype), guess=given.guess
    )
