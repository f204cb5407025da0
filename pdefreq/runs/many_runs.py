"""Many runs: one after the other in this process, or side by side on an executor."""

from __future__ import annotations

import json
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, overload

from pdefreq.core.errors import IncompatibleError, NotConvergedError, RunFolderError, UserError
from pdefreq.core.history import Status
from pdefreq.core.interrupts import interruptible
from pdefreq.runs.local_processes import LocalProcesses, number_of_workers
from pdefreq.runs.loop import Progress
from pdefreq.runs.planned_run import PlannedRun
from pdefreq.runs.worker import Returned, Task, stop_file, work

R = TypeVar("R")

if TYPE_CHECKING:
    from pdefreq.runs.solution import Solution
    from pdefreq.runs.stored_result import StoredResult

    Read = Callable[[Path], Any]
    Outcome = Solution | UserError
    Errors = tuple[type[UserError], ...]
    Follow = Callable[[int, Progress], None]
    Submit = Callable[[Task], Future[Returned]]

_MOST_ATTEMPTS = 10  # of a run whose process is killed each time before it writes a new checkpoint
_POLL_SECONDS = 0.25  # time between two looks at interruptions and at the progress of the runs


@overload
def run_all(
    runs: Sequence[PlannedRun],
    *,
    workers: int | str = 1,
    executor: Executor | None = None,
    keep_errors: bool = False,
    last: Callable[[Outcome], bool] = lambda _: False,
    progress: Follow | None = None,
    read: None = None,
) -> list[Outcome | None]: ...


@overload
def run_all(
    runs: Sequence[PlannedRun],
    *,
    workers: int | str = 1,
    executor: Executor | None = None,
    keep_errors: bool = False,
    progress: Follow | None = None,
    read: Callable[[Path], R],
) -> list[R | UserError | None]: ...


def run_all(
    runs: Sequence[PlannedRun],
    *,
    workers: int | str = 1,
    executor: Executor | None = None,
    keep_errors: bool = False,
    last: Callable[[Outcome], bool] = lambda _: False,
    progress: Follow | None = None,
    read: Read | None = None,
) -> Any:
    """Make many runs. Those whose folders contain a finished run are loaded, and those that have begun are continued.

    Args:
        runs: The runs. Runs with Python objects that a specification can't contain are made in this process.
        workers: The number of processes on this machine, each with one thread; ``"auto"`` is the number of available cores.
            With 1, the runs are made one after the other in this process.
        executor: An executor in place of these processes, such as that of a Dask client. It receives the runs as plain data. If
            its workers do not see the folders, they return the content.
        keep_errors: Whether every error of a run is returned in its place. By default these are the errors that say that a method
            can't solve the problem; others are raised.
        last: Whether an outcome makes the later runs unnecessary, which then are not begun.
        progress: Called as ``progress(index, progress)``.
        read: Reads the outcome of a run from its folder, in place of the solution, which needs more time and memory. The outcome
            has a `status` as a solution does. All runs must have folders.

    Returns:
        The solutions in the order of the runs. In place of a solution there is an error if a method can't solve the problem, and
        None if the run was not made because of an interruption.

    Raises:
        UserError: Other errors of a run.
        NotConvergedError: If the process of a run was killed too often, for instance because it needs too much memory.
    """
    count = number_of_workers(workers, len(runs))
    kept = (UserError,) if keep_errors else (IncompatibleError, NotConvergedError)
    if executor is None and count == 1:
        return _in_turn(runs, kept, last, progress, read)
    with tempfile.TemporaryDirectory(prefix="pdefreq-") as temporary:
        batch = _Batch(runs, Path(temporary), kept, last, progress, read)
        if executor is not None:
            batch.make(lambda task: executor.submit(work, task))
        else:
            with LocalProcesses(count) as pool:
                batch.make(lambda task: pool.submit(work, task), pool.stop)
        return batch.outcomes


def _in_turn(
    runs: Sequence[PlannedRun], kept: Errors, last: Callable[[Outcome], bool], progress: Follow | None, read: Read | None
) -> list[Outcome | None]:
    outcomes: list[Outcome | None] = [None] * len(runs)
    for index in range(len(runs)):
        outcomes[index] = made = _made_here(runs, index, kept, progress, read)
        if was_interrupted(made) or last(made):
            break
    return outcomes


def _made_here(runs: Sequence[PlannedRun], index: int, kept: Errors, progress: Follow | None, read: Read | None) -> Outcome:
    run = runs[index]
    try:
        if read is None or not run.has_ended:
            solution = run.complete(progress=None if progress is None else lambda now: progress(index, now))
            if read is None:
                return solution
        assert run.folder is not None
        return read(run.folder)
    except kept as refusal:
        return refusal


def was_interrupted(outcome: Outcome | StoredResult | None) -> bool:
    """Whether a run was interrupted."""
    return not isinstance(outcome, UserError | None) and outcome.status is Status.INTERRUPTED


@dataclass
class _Batch:
    """The runs of one call of `run_all` on an executor.

    Args:
        runs: The runs.
        temporary: A folder for the runs that have none, and for reports.
        kept: The errors that are outcomes; others are raised.
        last: As for `run_all`.
        progress: As for `run_all`.
        read: As for `run_all`.
    """

    runs: Sequence[PlannedRun]
    temporary: Path
    kept: Errors
    last: Callable[[Outcome], bool]
    progress: Follow | None
    read: Read | None = None
    outcomes: list[Outcome | None] = field(init=False)

    def __post_init__(self) -> None:
        self.outcomes = [None] * len(self.runs)
        self._attempts = [0] * len(self.runs)
        self._newest: list[list[str]] = [[] for _ in self.runs]
        self._reported: dict[int, str] = {}

    def make(self, submit: Submit, stop: Callable[[], None] = lambda: None) -> None:
        """Make all runs.

        Args:
            submit: Submits a task.
            stop: Called after an interruption, to stop the runs.
        """
        with self._marks() as marks, interruptible() as interrupted:
            pending: dict[Future, int] = {}

            def send(index: int) -> None:
                task = Task.of(self.runs[index], self._folder(index), mark=marks[index], report=self._report(index))
                pending[submit(task)] = index

            sent = [index for index, run in enumerate(self.runs) if run.is_portable and not run.has_ended]
            for index in sent:
                send(index)
            for index in (index for index in range(len(self.runs)) if index not in sent):
                if not (interrupted() or any(map(was_interrupted, self.outcomes))):
                    self.outcomes[index] = _made_here(self.runs, index, self.kept, self.progress, self.read)
            stopping = False
            while pending:
                if not stopping and (interrupted() or any(map(was_interrupted, self.outcomes))):
                    stopping = True
                    for mark in marks:  # for runs that an executor has passed to its workers, which can't be canceled
                        stop_file(mark).touch()
                    for future in pending:
                        future.cancel()
                    stop()
                done, _ = wait(pending, timeout=_POLL_SECONDS, return_when=FIRST_COMPLETED)
                self._follow()
                again = [index for future in done if not self._took(future, index := pending.pop(future), stopping)]
                for index in [] if stopping else again:
                    send(index)
                ends = [index for index, made in enumerate(self.outcomes) if made is not None and self.last(made)]
                for future in [future for future, index in pending.items() if ends and index > min(ends)]:
                    future.cancel()

    def _took(self, future: Future, index: int, stopping: bool) -> bool:
        """Whether the run of a finished future needs no further attempt."""
        if future.cancelled():
            return True
        error = future.exception()
        if error is not None and not process_died(error):
            raise error
        if error is not None:
            self._count_attempt(index)
            return stopping
        returned = future.result()
        if not returned.begun:
            return True
        if isinstance(returned.error, self.kept):
            self.outcomes[index] = returned.error
            return True
        if returned.error is not None:
            raise returned.error
        folder = self._folder(index)
        if returned.files is not None:
            returned.unpack(folder)
        self.outcomes[index] = self._loaded(index, folder) if self.read is None else self.read(folder)
        return True

    def _loaded(self, index: int, folder: Path) -> Solution:
        from pdefreq.runs.lifecycle import load_run

        run = self.runs[index]
        solution = load_run(folder, run.given.problem, solver=run.given.solver, trust=run.trust)
        if run.folder is not None:
            return solution
        shutil.rmtree(folder)
        return replace(solution, folder=None)

    def _count_attempt(self, index: int) -> None:
        """Count the attempts without a new checkpoint, after the process of a run was lost.

        Raises:
            NotConvergedError: If there are too many.
        """
        newest = sorted(path.name for path in (self._folder(index) / "checkpoints").glob("*.npz"))
        self._attempts[index] = self._attempts[index] + 1 if newest == self._newest[index] else 1
        self._newest[index] = newest
        if self._attempts[index] >= _MOST_ATTEMPTS:
            spec = self.runs[index].spec
            raise NotConvergedError(
                f"the process of {spec.method} with seed {spec.seed} was killed {_MOST_ATTEMPTS} times; if it needs more memory "
                "than there is, use fewer workers: --workers 1"
            )

    def _folder(self, index: int) -> Path:
        return self.runs[index].folder or self.temporary / f"run-{index}"

    def _report(self, index: int) -> Path:
        return self.temporary / f"progress-{index}.json"

    def _follow(self) -> None:
        """Pass on the newest report of each run."""
        if self.progress is None:
            return
        for index in range(len(self.runs)):
            path = self._report(index)
            try:
                report = path.read_text()
            except FileNotFoundError:
                continue
            if self._reported.get(index) != report:
                self._reported[index] = report
                self.progress(index, Progress(**json.loads(report)))

    @contextmanager
    def _marks(self) -> Iterator[list[Path]]:
        """A file beside each run folder, by which a worker recognizes the file system; removed at the end."""
        parents = [self._folder(index).absolute().parent for index in range(len(self.runs))]
        marks = {parent: parent / f".shared-{uuid.uuid4().hex}" for parent in parents}
        for parent, mark in marks.items():
            try:
                parent.mkdir(parents=True, exist_ok=True)
                mark.touch()
            except OSError as error:
                raise RunFolderError(f"can't write the folder {parent}: {error.strerror or error}") from None
        try:
            yield [marks[parent] for parent in parents]
        finally:
            for mark in marks.values():
                mark.unlink(missing_ok=True)
                stop_file(mark).unlink(missing_ok=True)


def process_died(error: BaseException) -> bool:
    """Whether an exception of an executor says that a worker process or its machine was lost."""
    return isinstance(error, BrokenExecutor) or type(error).__name__ == "KilledWorker"  # the latter is that of Dask
