"""The life cycle of runs: start, resume, repeat and load a run, given by its specification or its folder."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pdefreq.core.announcements import IN_RESULT, LOGGER, phase, remark
from pdefreq.core.devices import within_memory
from pdefreq.core.errors import OptionError
from pdefreq.core.history import History, Status, Stop
from pdefreq.core.locks import is_locked, locked
from pdefreq.iterations.defaults import refines_space
from pdefreq.runs.checkpoint import Checkpoint
from pdefreq.runs.loop import advance
from pdefreq.runs.position import Position
from pdefreq.runs.prepared_run import Given, PreparedRun
from pdefreq.runs.resolution import resolution_notes
from pdefreq.runs.run_folder import RunFolder
from pdefreq.runs.run_store import place_of
from pdefreq.runs.spec import RunSpec

if TYPE_CHECKING:
    from pdefreq.iterations.iteration import State
    from pdefreq.problem.problem import Problem
    from pdefreq.runs.loop import Progress
    from pdefreq.runs.solution import Solution
    from pdefreq.solvers.solver import Solver


@within_memory()
def run(
    spec: RunSpec,
    folder: str | Path | None = None,
    *,
    given: Given | None = None,
    trust: bool = False,
    callback: Callable[[int, State, History], Any] | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Solution:
    """Run a spec from its start.

    Args:
        spec: What to run.
        folder: A new folder for the run; by default nothing is written.
        given: The Python objects that the spec can't contain. Objects that it contains may be passed as well and are then reused.
        trust: Whether Python files that the spec names may be loaded.
        callback: As in `solve`.
        progress: As in `solve`.

    Without a folder and a callback, a run is kept in the active `RunStore`, if there is one.

    Raises:
        UserError: As `solve` does, or if an object of the original run is missing, or if the problem is another one.
        TooLargeError: If the memory does not suffice, like `rerun` and `resume`.
    """
    given = given or Given()
    if folder is None and callback is None and (folder := place_of(spec)) is not None and (folder / "run.json").is_file():
        objects: dict[str, Any] = {"problem": given.problem, "solver": given.solver, "trust": trust}
        ended = RunFolder(folder).read_summary().get("status") not in (Status.RUNNING.label, Status.INTERRUPTED.label)
        return load_run(folder, **objects) if ended else resume(folder, **objects, progress=progress)
    with phase("preparation"):
        prepared = PreparedRun.of(spec, given.complete(spec, trust=trust))
    return _started(prepared, folder, callback=callback, progress=progress)


@within_memory()
def rerun(
    folder: str | Path,
    out: str | Path | None = None,
    problem: Problem | None = None,
    *,
    solver: Solver | None = None,
    trust: bool = False,
    callback: Callable[[int, State, History], Any] | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Solution:
    """Repeat a run from its folder alone.

    Args:
        folder: A run folder.
        out: A new folder for the repetition; by default nothing is written.
        problem: The problem, if it contains Python functions, which a folder can't store.
        solver: The method, if it is not in a registry and thus not in the folder; it is assumed to be the original method.
        trust: Whether Python files in the folder may be loaded, which define methods or parts of the user.
        callback: As in `solve`.
        progress: As in `solve`.

    Raises:
        RunFolderError: If the folder contains no run, if the run needs Python objects, or if the problem or the method is another
            one.
    """
    spec = RunFolder(folder).read_spec().beside(Path(folder))
    with phase("preparation"):
        prepared = PreparedRun.of(spec, Given(problem, solver).complete(spec, trust=trust))
    return _started(prepared, out, callback=callback, progress=progress)


@within_memory()
def resume(
    folder: str | Path,
    problem: Problem | None = None,
    *,
    solver: Solver | None = None,
    trust: bool = False,
    stop: Stop | None = None,
    callback: Callable[[int, State, History], Any] | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Solution:
    """Continue a run from its newest intact checkpoint, to the budget of the run or a new one.

    With the same step budget the result equals that of the uninterrupted run, bit for bit on one thread. A run that was killed
    before its first checkpoint starts again.

    Args:
        folder: A run folder.
        problem: The problem, if it contains Python functions, which a folder can't store.
        solver: The method, if it is not in a registry and thus not in the folder; it is assumed to be the original method.
        trust: Whether Python files in the folder may be loaded, which define methods or parts of the user.
        stop: Limits that replace those of the run.
        callback: As in `solve`.
        progress: As in `solve`.

    Raises:
        RunFolderError: If the folder contains no run or no readable checkpoint, if another process is running the run, or the
            problem or the method is another one.
        OptionError: If the run has already exceeded a new limit.
    """
    limits = Stop.of(stop)
    run_folder = RunFolder(folder)
    run_folder.read_spec()  # a folder without a run is refused before a lock is written into it
    with locked(run_folder.path):
        run_folder.remove_temporary_files()
        spec = run_folder.read_spec()
        checkpoint, notes = run_folder.read_checkpoint() if run_folder.has_checkpoints else (None, [])
        if checkpoint is None:
            run_folder.require_no_results()
        else:
            _require_ahead(limits, checkpoint)
        not_needed = [] if checkpoint is None else ["guess"]
        given = Given(problem, solver).complete(spec, run_folder.path, without=not_needed, trust=trust)
        prepared = PreparedRun.of(replace(spec, stop=spec.stop.override(limits)), given)
        start = Position.start(prepared) if checkpoint is None else Position.restored(prepared, checkpoint)
        start = replace(start, history=start.history.before(start.step))
        run_folder.write_run(
            prepared.spec, run_folder.read_summary() | {"status": "running"}
        )  # if this process is killed, the new limits hold for the next
        _remark_on(prepared, start)
        return _advanced(prepared, start, run_folder=run_folder, callback=callback, progress=progress, notes=notes)


def load_run(
    folder: str | Path, problem: Problem | None = None, *, solver: Solver | None = None, trust: bool = False
) -> Solution:
    """The solution in a run folder, from its newest checkpoint.

    Args:
        folder: A run folder.
        problem: The problem, if it contains Python functions, which a folder can't store.
        solver: The method, if it is not in a registry and thus not in the folder; it is assumed to be the original method.
        trust: Whether Python files in the folder may be loaded, which define methods or parts of the user.

    Raises:
        RunFolderError: If the folder contains no run or no readable checkpoint, or the problem or the method is another one.
    """
    from pdefreq.runs.solution import Solution

    run_folder = RunFolder(folder)
    spec = run_folder.read_spec()
    checkpoint, notes = run_folder.read_checkpoint()
    prepared = PreparedRun.of(
        spec, Given(problem, solver).complete(spec, run_folder.path, without=["guess", "reference", "probes"], trust=trust)
    )
    ended = {status.label: status for status in Status if status is not Status.RUNNING}
    otherwise = Status.RUNNING if is_locked(run_folder.path) else Status.INTERRUPTED  # a killed process holds no lock
    status = ended.get(run_folder.read_summary().get("status", ""), otherwise)
    return Solution.of(prepared, Position.restored(prepared, checkpoint), status, notes=notes, folder=run_folder.path)


def _started(
    prepared: PreparedRun,
    folder: str | Path | None,
    *,
    callback: Callable[[int, State, History], Any] | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Solution:
    if folder is None:
        start = Position.start(prepared)
        _remark_on(prepared, start)
        return _advanced(prepared, start, callback=callback, progress=progress)
    run_folder = RunFolder(folder)
    run_folder.create(prepared.spec)
    with locked(run_folder.path):
        start = Position.start(prepared)
        _remark_on(prepared, start)
        run_folder.write_checkpoint(start.checkpoint())
        return _advanced(prepared, start, run_folder=run_folder, callback=callback, progress=progress)


def _advanced(prepared: PreparedRun, start: Position, **options: Any) -> Solution:
    """The solution that `advance` returns; what is computed, the times, the choices and the status are logged."""
    spec, state, began = prepared.spec, start.state, time.perf_counter()
    LOGGER.info(
        "%s by %s: %s unknowns, %s on %s",
        prepared.problem.name,
        spec.method,
        f"{state.space.num_coefficients:,}",
        spec.dtype,
        spec.device,
    )
    solution = advance(prepared, start, **options)
    rest = time.perf_counter() - began - (solution.seconds - start.seconds)
    LOGGER.info("the steps (%s) took %.2g s, measurements and results %.2g s", f"{solution.step:,}", solution.seconds, rest)
    for note in solution.notes:
        LOGGER.info("%s", note, extra=IN_RESULT)
    LOGGER.log(logging.WARNING if solution.status.exit_code else logging.INFO, "%s", solution.status.sentence, extra=IN_RESULT)
    return solution


def _remark_on(prepared: PreparedRun, start: Position) -> None:
    """Print, before the run, why its method was chosen, and which scales its points don't resolve."""
    for reason in prepared.spec.reasons:
        remark(reason, logging.INFO)
    for sentence in prepared.problem.domain.remarks:
        remark(sentence)
    if not refines_space(prepared.iteration):
        for note in resolution_notes(prepared.target, prepared.iteration, start.state):
            remark(note)


def _require_ahead(stop: Stop, checkpoint: Checkpoint) -> None:
    limits = (
        ("steps", stop.steps, checkpoint.step),
        ("seconds", stop.seconds, checkpoint.elapsed),
        ("seconds of steps", stop.train_seconds, checkpoint.seconds),
    )
    for name, limit, done in limits:
        if limit is not None and limit < done:
            raise OptionError(f"the run has taken {done:,.6g} {name} already and can't end at {limit:,.6g}; set a larger limit")
