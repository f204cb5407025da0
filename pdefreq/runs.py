"""Runs by their spec: start one, take one up again, repeat one, look at one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pdefreq.errors import OptionError, RunFolderError
from pdefreq.history import Stop
from pdefreq.run_spec import RunSpec, probe_from_json, solver_from_json
from pdefreq.store import Checkpoint, RunFolder

if TYPE_CHECKING:
    from pdefreq.iterations.iteration import State
    from pdefreq.loop import Position, Progress, Setup
    from pdefreq.probes.probe import Probe
    from pdefreq.problem import Problem
    from pdefreq.solution import Solution


def run(spec: RunSpec, folder: str | Path | None = None, *, progress: Callable[[Progress], None] | None = None) -> Solution:
    """Run a spec from its start.

    Raises:
        UserError: As `solve` does.
    """
    return _start(spec, None, folder, progress)


def rerun(folder: str | Path, out: str | Path | None = None, *, progress: Callable[[Progress], None] | None = None) -> Solution:
    """Repeat the run in a folder from nothing but the folder.

    Args:
        folder: A run folder.
        out: A new folder for the repetition; nothing is written without it.
        progress: As in `solve`.

    Raises:
        RunFolderError: If the folder holds no run, or one of a problem built in Python.
    """
    spec = RunFolder(folder).read_spec()
    _require_nothing(spec.given)
    return _start(spec, Path(folder), out, progress)


def resume(
    folder: str | Path,
    problem: Problem | None = None,
    *,
    stop: Stop | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Solution:
    """Go on from the newest whole checkpoint, to the budget of the run or a new one.

    With the same step budget the result is the uninterrupted run's, bit for bit on one thread.

    Args:
        folder: A run folder.
        problem: The problem, where it was built in Python and so is not in the folder.
        stop: Limits that replace those of the run.
        progress: As in `solve`.

    Raises:
        RunFolderError: If the folder holds no run or no readable checkpoint.
        OptionError: If a new limit lies before what the run has done already.
    """
    from pdefreq.loop import advance

    store = RunFolder(folder)
    _require_nothing([name for name in store.read_spec().given if name != "guess"])  # the guess has done its work
    setup, checkpoint, notes = _load(store, problem, stop)
    _require_ahead(stop or Stop(), checkpoint)
    return advance(setup, _position(setup, checkpoint), store=store, progress=progress, notes=notes)


def load_run(folder: str | Path, problem: Problem | None = None) -> Solution:
    """The solution in a run folder, as its newest checkpoint holds it.

    Raises:
        RunFolderError: If the folder holds no run or no readable checkpoint.
    """
    from pdefreq.history import Status
    from pdefreq.notes import notes_on
    from pdefreq.solution import Solution

    store = RunFolder(folder)
    setup, checkpoint, notes = _load(store, problem, None)
    labels = {status.label: status for status in Status}
    status = labels.get(store.read_summary().get("status", ""), Status.INTERRUPTED)
    last = _state(setup, checkpoint)
    return Solution(
        target=setup.target,
        solver=setup.solver,
        spec=setup.spec,
        status=status,
        state=setup.iteration.answer(last),
        last=last,
        step=checkpoint.step,
        seconds=checkpoint.seconds,
        history=checkpoint.history,
        folder=store.path,
        notes=(*notes, *notes_on(setup, last, checkpoint.history)),
    )


def _start(
    spec: RunSpec, source: Path | None, folder: str | Path | None, progress: Callable[[Progress], None] | None
) -> Solution:
    from pdefreq.loop import solve

    return solve(
        _problem(spec, source),
        solver_from_json(spec.solver, source),
        stop=spec.stop,
        probes=_probes(spec, source),
        schedule=spec.schedule,
        seed=spec.seed,
        device=spec.device,
        dtype=spec.dtype,
        modes=spec.modes,
        folder=folder,
        method=spec.method,
        progress=progress,
    )


def _load(store: RunFolder, problem: Problem | None, stop: Stop | None) -> tuple[Setup, Checkpoint, list[str]]:
    from pdefreq.loop import Setup

    spec = store.read_spec()
    checkpoint, notes = store.read_checkpoint()
    spec = replace(spec, stop=spec.stop.override(stop or Stop()))
    problem = problem or _problem(spec, store.path)
    problem = replace(problem, spectrum=replace(problem.spectrum, modes=spec.modes))  # type: ignore[arg-type]
    setup = Setup.of(problem, solver_from_json(spec.solver, store.path), spec, probes=_probes(spec, store.path))
    return setup, checkpoint, notes


def _probes(spec: RunSpec, folder: Path | None) -> list[Probe] | None:
    return None if spec.probes is None else [probe_from_json(probe, folder) for probe in spec.probes]


def _require_ahead(stop: Stop, checkpoint: Checkpoint) -> None:
    for name, limit, done in (("steps", stop.steps, checkpoint.step), ("seconds", stop.seconds, checkpoint.seconds)):
        if limit is not None and limit < done:
            raise OptionError(f"the run has taken {done:,.6g} {name} already and can't end at {limit:,.6g}: give more")


def _require_nothing(given: Sequence[str]) -> None:
    if given:
        raise RunFolderError(
            f"the run was given its {' and '.join(given)} as Python objects, which are not in its folder; repeat it from Python"
        )


def _problem(spec: RunSpec, folder: Path | None) -> Problem:
    from pdefreq.problem_file import problem_from_text

    if not spec.problem_text:
        raise RunFolderError(
            f"the problem '{spec.problem}' was built in Python and is not in the folder; pass it: resume(folder, problem=...)"
        )

    def copy(name: str) -> Path:
        assert folder is not None
        return folder / spec.problem_files.get(name, name)

    locate = None if folder is None else copy
    return problem_from_text(spec.problem_text, name=spec.problem, parameters=spec.parameters, locate=locate)


def _position(setup: Setup, checkpoint: Checkpoint) -> Position:
    from pdefreq.loop import Position

    history = checkpoint.history.before(checkpoint.step)
    return Position(_state(setup, checkpoint), checkpoint.step, checkpoint.seconds, history)


def _state(setup: Setup, checkpoint: Checkpoint) -> State:
    import torch

    from pdefreq.devices import as_device

    device = as_device(setup.spec.device)
    memory = {name: torch.from_numpy(value).to(device) for name, value in checkpoint.memory.items()}
    state = setup.iteration.restore(torch.from_numpy(checkpoint.coefficients).to(device), memory)
    return replace(state, done=checkpoint.done)
