"""Functions that start, resume, repeat and load runs by their spec."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pdefreq.core.errors import OptionError
from pdefreq.core.history import History, Status, Stop
from pdefreq.runs.loop import advance
from pdefreq.runs.position import Position
from pdefreq.runs.prepared_run import Given, PreparedRun
from pdefreq.runs.run_folder import Checkpoint, RunFolder
from pdefreq.runs.spec import RunSpec

if TYPE_CHECKING:
    from pdefreq.iterations.iteration import State
    from pdefreq.problem.problem import Problem
    from pdefreq.runs.loop import Progress
    from pdefreq.runs.solution import Solution
    from pdefreq.solvers.solver import Solver


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
        folder: A new folder to keep the run in; nothing is written without it.
        given: The Python objects that the spec can't hold; objects that it holds may be passed as well
            and are then not created again.
        trust: Whether Python files that the spec names may be loaded.
        callback: As in `solve`.
        progress: As in `solve`.

    Raises:
        UserError: As `solve` does; and if the spec was given an object that is missing here, or another problem.
    """
    prepared = PreparedRun.of(spec, (given or Given()).complete(spec, trust=trust))
    return _started(prepared, folder, callback=callback, progress=progress)


def rerun(
    folder: str | Path,
    out: str | Path | None = None,
    problem: Problem | None = None,
    *,
    solver: Solver | None = None,
    trust: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> Solution:
    """Repeat a run from the data in its folder.

    Args:
        folder: A run folder.
        out: A new folder for the repetition; nothing is written without it.
        problem: The problem, required if it contains Python functions, which the folder can't hold.
        solver: The method, required if it is not registered and hence not in the folder; it is assumed to be the same.
        trust: Whether Python files in the folder may be loaded: user-defined methods or parts.
        progress: As in `solve`.

    Raises:
        RunFolderError: If the folder holds no run, or one that was given Python objects; or the problem or the method is another
            one.
    """
    spec = RunFolder(folder).read_spec().beside(Path(folder))
    prepared = PreparedRun.of(spec, Given(problem, solver).complete(spec, trust=trust))
    return _started(prepared, out, progress=progress)


def resume(
    folder: str | Path,
    problem: Problem | None = None,
    *,
    solver: Solver | None = None,
    trust: bool = False,
    stop: Stop | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Solution:
    """Continue a run from its newest undamaged checkpoint, up to its budget or a new one.

    With the same step budget and one thread, the result is bitwise equal to that of an uninterrupted run.

    Args:
        folder: A run folder.
        problem: The problem, required if it contains Python functions, which the folder can't hold.
        solver: The method, required if it is not registered and hence not in the folder; it is assumed to be the same.
        trust: Whether Python files in the folder may be loaded: user-defined methods or parts.
        stop: Limits that replace those of the run.
        progress: As in `solve`.

    Raises:
        RunFolderError: If the folder holds no run or no readable checkpoint, or the problem or the method differs.
        OptionError: If a new limit is smaller than the steps or seconds of the run so far.
    """
    run_folder = RunFolder(folder)
    spec = run_folder.read_spec()
    checkpoint, notes = run_folder.read_checkpoint()
    _require_ahead(stop or Stop(), checkpoint)
    given = Given(problem, solver).complete(
        spec, run_folder.path, without=["guess"], trust=trust
    )  # the initial guess is needed at step 0 only
    prepared = PreparedRun.of(replace(spec, stop=spec.stop.override(stop or Stop())), given)
    start = Position.restored(prepared, checkpoint)
    start = replace(start, history=start.history.before(start.step))
    return advance(prepared, start, run_folder=run_folder, progress=progress, notes=notes)


def load_run(
    folder: str | Path, problem: Problem | None = None, *, solver: Solver | None = None, trust: bool = False
) -> Solution:
    """The solution in a run folder, at its newest checkpoint.

    Args:
        folder: A run folder.
        problem: The problem, required if it contains Python functions, which the folder can't hold.
        solver: The method, required if it is not registered and hence not in the folder; it is assumed to be the same.
        trust: Whether Python files in the folder may be loaded: user-defined methods or parts.

    Raises:
        RunFolderError: If the folder holds no run or no readable checkpoint, or the problem or the method differs.
    """
    from pdefreq.runs.solution import Solution

    run_folder = RunFolder(folder)
    spec = run_folder.read_spec()
    checkpoint, notes = run_folder.read_checkpoint()
    prepared = PreparedRun.of(
        spec, Given(problem, solver).complete(spec, run_folder.path, without=["guess", "reference", "probes"], trust=trust)
    )
    labels = {status.label: status for status in Status}
    status = labels.get(run_folder.read_summary().get("status", ""), Status.INTERRUPTED)
    return Solution.of(prepared, Position.restored(prepared, checkpoint), status, notes=notes, folder=run_folder.path)


def _started(
    prepared: PreparedRun,
    folder: str | Path | None,
    *,
    callback: Callable[[int, State, History], Any] | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Solution:
    run_folder = None if folder is None else RunFolder(folder)
    if run_folder is not None:
        run_folder.create(prepared.spec)
    start = Position.start(prepared)
    if run_folder is not None:
        run_folder.write_checkpoint(start.checkpoint())
    return advance(prepared, start, run_folder=run_folder, callback=callback, progress=progress)


def _require_ahead(stop: Stop, checkpoint: Checkpoint) -> None:
    for name, limit, done in (("steps", stop.steps, checkpoint.step), ("seconds", stop.seconds, checkpoint.seconds)):
        if limit is not None and limit < done:
            raise OptionError(f"the run has taken {done:,.6g} {name} already and can't end at {limit:,.6g}; set a larger limit")
