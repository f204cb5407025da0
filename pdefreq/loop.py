"""The only loop: it counts, times, records and stops, and knows no method by name."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pdefreq.activity import announce
from pdefreq.conversion import convert
from pdefreq.devices import as_device, as_dtype
from pdefreq.errors import OptionError
from pdefreq.history import History, Schedule, Status, Stop
from pdefreq.interrupts import interruptible
from pdefreq.iterations.defaults import answer_of, objective_kind_of
from pdefreq.iterations.protocols import ObjectiveKind
from pdefreq.notes import notes_on
from pdefreq.recording import Recorder, is_finite

if TYPE_CHECKING:
    from pdefreq.fields import Field
    from pdefreq.iterations.iteration import Iteration, State
    from pdefreq.probes.probe import Probe
    from pdefreq.probes.target import Target
    from pdefreq.problem import Problem
    from pdefreq.run_spec import RunSpec
    from pdefreq.solution import Solution
    from pdefreq.solvers.solver import Solver
    from pdefreq.store import Checkpoint, RunFolder

_CHECKPOINT_SECONDS = 20.0  # a kill loses at most this much, plus one step


@dataclass(frozen=True)
class Progress:
    """Where a run stands; `fraction` in [0, 1] is the part of the budget used."""

    step: int
    seconds: float
    objective: float
    relative_l2: float
    fraction: float
    done: bool


def solve(
    problem: Problem | str,
    solver: Solver | str,
    *,
    stop: Stop | None = None,
    probes: Sequence[Probe | str] | None = None,
    schedule: Schedule | None = None,
    seed: int = 0,
    device: str = "cpu",
    dtype: str = "float64",
    modes: str | None = None,
    reference: Field | None = None,
    guess: Field | None = None,
    folder: str | Path | None = None,
    method: str | None = None,
    callback: Callable[[int, State, History], Any] | None = None,
    progress: Callable[[Progress], None] | None = None,
    predict: bool = True,
) -> Solution:
    """Solve a problem with a method, and measure the error of every frequency on the way.

    Args:
        problem: A problem, or the name of a shipped one, or the path of a problem file.
        solver: A method with its options, or the name of one; ``"a+b"`` chains two.
        stop: Limits that replace those of the solver's own budget.
        probes: What to measure, as objects or by name, ``"ntk"`` or ``"ntk:number=50"``; by default the errors, the spectrum
            and the misfit at data held out, ``["error", "spectral", "holdout"]``.
        schedule: When to record; by default every step to 100, then 50 a decade.
        seed: Seed of every random number.
        device: A torch device.
        dtype: ``"float64"`` or ``"float32"``.
        modes: ``"sine"``, ``"cosine"``, ``"fourier"``, ``"eigen"``, ``"neumann"``, ``"ray"`` or ``"tones"``; by default what
            the problem names, else sine modes on a box, cosine modes where no values are prescribed, eigen modes elsewhere,
            ray modes beyond three dimensions.
        reference: Stands in for an unknown exact solution; by default one is computed where that is possible.
        guess: Where to start, for methods that can.
        folder: A new folder to keep the run in; nothing is written without it.
        method: The method's name in tables; by default the name given, or the solver's own.
        callback: Called at each recorded step with step, state and history; a true answer stops the run.
        progress: Called with a `Progress` at least at each recorded step.
        predict: Whether to keep what theory says of each mode, where there is a theory that takes no more than some seconds.

    Raises:
        UserError: If a name is unknown, an option is out of range, the method can't do the problem, or the folder
            can't be written; nothing has been written then.
    """
    from pdefreq.fields import as_field
    from pdefreq.problem import Problem
    from pdefreq.run_spec import RunSpec, copy_name, probe_to_json, solver_to_json
    from pdefreq.solvers import make_solver
    from pdefreq.solvers.solver import Solver
    from pdefreq.spectrum.modes import ModeFamilies

    if isinstance(problem, str):
        from pdefreq.problem_file import load_problem

        problem = load_problem(problem)
    if not isinstance(problem, Problem):
        raise OptionError(f"`problem` must be a Problem, a name or the path of a problem file, got {type(problem).__name__}")
    named = solver if isinstance(solver, str) else None
    solver = make_solver(solver) if isinstance(solver, str) else solver
    if not isinstance(solver, Solver):
        raise OptionError(f"`solver` must be a Solver or the name of a method, got {solver!r}; `pdefreq methods` lists the names")
    seed = convert("seed", seed, int)
    method = method or named or solver.name
    measured = None if probes is None else [_probe(probe) for probe in probes]
    kept = None if measured is None else [probe_to_json(probe) for probe in measured]
    lost = kept is not None and None in kept
    reference = None if reference is None else as_field(reference)
    guess = None if guess is None else as_field(guess)
    if modes is not None:
        problem = replace(problem, spectrum=replace(problem.spectrum, modes=modes))  # type: ignore[arg-type]
    families = ModeFamilies(problem)
    families.check(modes or families.chosen)
    stop = solver.budget.override(stop or Stop())
    solver = solver.resolved(problem.blind(), stop)
    spec = RunSpec(
        problem=problem.name,
        problem_text=problem.text,
        problem_files={name: copy_name(path) for name, path in problem.files.items()},
        parameters=dict(problem.parameters),
        method=method,
        solver=solver_to_json(solver),
        seed=seed,
        dtype=dtype,
        device=device,
        stop=stop,
        schedule=schedule or Schedule(),
        modes=problem.spectrum.modes,
        probes=None if kept is None or lost else tuple(probe for probe in kept if probe is not None),
        given=tuple(
            name for name, here in (("guess", guess is not None), ("reference", reference is not None), ("probes", lost)) if here
        ),
    )
    setup = Setup.of(problem, solver, spec, probes=measured, reference=reference, guess=guess, predict=predict)
    store = None
    if folder is not None:
        from pdefreq.store import RunFolder

        store = RunFolder(folder)
        store.create(spec, problem.files)
    start = Position(setup.iteration.init(), 0, 0.0, History())
    if store is not None:
        store.write_checkpoint(start.checkpoint())
    return advance(setup, start, store=store, callback=callback, progress=progress)


def _probe(probe: Probe | str) -> Probe:
    from pdefreq.probes import PROBES, make_probe
    from pdefreq.probes.probe import Probe

    probe = make_probe(probe) if isinstance(probe, str) else probe
    if not isinstance(probe, Probe):
        raise OptionError(f"`probes` must be Probes or their names, got {probe!r}; names are {', '.join(PROBES)}")
    return probe


@dataclass(frozen=True)
class Setup:
    """A prepared run: all that does not change along it."""

    problem: Problem
    solver: Solver
    spec: RunSpec
    iteration: Iteration
    probes: Sequence[Probe]
    reference: Field | None
    reference_error: float
    predict: bool

    @functools.cached_property
    def target(self) -> Target:
        """What iterates are measured against."""
        from pdefreq.probes.target import Target

        return Target(self.problem, self.reference, self.reference_error)

    @classmethod
    def of(
        cls,
        problem: Problem,
        solver: Solver,
        spec: RunSpec,
        *,
        probes: Sequence[Probe] | None = None,
        reference: Field | None = None,
        guess: Field | None = None,
        predict: bool = True,
    ) -> Setup:
        """Prepare the method, the probes and the reference solution."""
        iteration = solver.prepare(
            problem.blind(), seed=spec.seed, device=as_device(spec.device), dtype=as_dtype(spec.dtype), guess=guess
        )
        if spec.stop.tolerance is not None and objective_kind_of(iteration) is ObjectiveKind.ENERGY:
            raise OptionError(
                f"`tolerance` has no meaning for {spec.method}: the minimum of its objective, such as an energy, is not known; "
                "use `stagnation`, `steps` or `seconds`"
            )
        if probes is None:
            from pdefreq.probes import default_probes

            probes = default_probes()
        reference_error = 0.0
        reference = reference or problem.exact
        if reference is None:
            from pdefreq.reference import reference_solution

            found = reference_solution(problem)
            reference, reference_error = found if found is not None else (None, math.nan)
        return cls(problem, solver, spec, iteration, probes, reference, reference_error, predict)


@dataclass(frozen=True)
class Position:
    """Where a run stands: what a checkpoint holds."""

    state: State
    step: int
    seconds: float
    history: History

    def checkpoint(self) -> Checkpoint:
        """The same as arrays, ready for the disk."""
        from pdefreq.store import Checkpoint

        return Checkpoint.of(self.state, self.step, self.seconds, self.history)


def advance(
    setup: Setup,
    start: Position,
    *,
    store: RunFolder | None = None,
    callback: Callable[[int, State, History], Any] | None = None,
    progress: Callable[[Progress], None] | None = None,
    notes: Sequence[str] = (),
) -> Solution:
    """Go on from a position until a limit is reached. Everything a method does happens in `Iteration.step`."""
    from pdefreq.solution import Solution

    stop, schedule, history = setup.spec.stop, setup.spec.schedule, start.history
    recorder = Recorder(setup, history)
    state, step, seconds = start.state, start.step, start.seconds
    due = schedule.after(int(history.last("step"))) if len(history) else 0
    good = Position(_copy(state), step, seconds, history)
    status: Status | None = None
    saved = time.monotonic()
    with interruptible() as interrupted:

        def pause(step: int, seconds: float) -> bool:
            return (
                step >= due
                or interrupted()
                or time.monotonic() - saved >= _CHECKPOINT_SECONDS
                or bool(_limit(step, seconds, stop))
            )

        while status is None:
            if step >= due or state.done or _limit(step, seconds, stop):
                due = schedule.after(step)
                announce("measuring the errors")
                status = recorder.record(state, step, seconds)
                if status is None or status.exit_code == 0:
                    good = Position(_copy(state), step, seconds, history)
                status = status or _limit(step, seconds, stop)
                if callback is not None and callback(step, state, history):
                    status = status or Status.INTERRUPTED
                if progress is not None:
                    progress(_progress(history, stop, done=status is not None))
            if status is None and interrupted():
                status = Status.INTERRUPTED
            if status is None:
                state, step, seconds = _stride(setup.iteration, state, step, seconds, pause)
                if store is not None and time.monotonic() - saved >= _CHECKPOINT_SECONDS and is_finite(state):
                    store.write_checkpoint(Position(state, step, seconds, history).checkpoint())
                    saved = time.monotonic()
    # After a failure the state is the last good one; the history keeps the row that shows what went wrong.
    end = good if status.exit_code == 1 else Position(state, step, seconds, history)
    announce("working out the results")
    solution = Solution(
        target=setup.target,
        solver=setup.solver,
        spec=setup.spec,
        status=status,
        state=answer_of(setup.iteration, end.state),
        last=end.state,
        step=end.step,
        seconds=end.seconds,
        history=history,
        notes=(*notes, *notes_on(setup, end.state, history)),
    )
    if store is not None:
        store.write_checkpoint(end.checkpoint())
        solution.write(store)
    return solution


def _stride(
    iteration: Iteration, state: State, step: int, seconds: float, pause: Callable[[int, float], bool]
) -> tuple[State, int, float]:
    """Steps until it is time to pause: the only place where a method works, and the only time that is counted."""
    began = time.perf_counter()
    while True:
        state = iteration.step(state)
        step += 1
        if state.done or pause(step, seconds + time.perf_counter() - began):
            break
    _synchronize(state)
    return state, step, seconds + time.perf_counter() - began


def _limit(step: int, seconds: float, stop: Stop) -> Status | None:
    if stop.steps is not None and step >= stop.steps:
        return Status.STEPS
    if stop.seconds is not None and seconds >= stop.seconds:
        return Status.SECONDS
    return None


def _progress(history: History, stop: Stop, *, done: bool) -> Progress:
    step, seconds = int(history.last("step")), float(history.last("seconds"))
    parts = [step / stop.steps if stop.steps else 0.0, seconds / stop.seconds if stop.seconds else 0.0]
    error = history.last("relative_l2")
    return Progress(
        step, seconds, float(history.last("objective")), math.nan if error is None else float(error), min(1.0, max(parts)), done
    )


def _copy(state: State) -> State:
    memory = {name: value.detach().clone() for name, value in state.memory.items()}
    return replace(state, coefficients=state.coefficients.detach().clone(), memory=memory)


def _synchronize(state: State) -> None:
    """Wait for the device, so that the clock reads what was computed and not what was queued."""
    if state.coefficients.is_cuda:
        import torch

        torch.cuda.synchronize(state.coefficients.device)
