"""Runs that have not begun: the specification of a run with the Python objects that it can't contain, and its folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pdefreq.core.conversion import convert
from pdefreq.core.errors import OptionError, RunFolderError
from pdefreq.core.history import Schedule, Status, Stop
from pdefreq.runs.prepared_run import Given
from pdefreq.runs.run_folder import RunFolder
from pdefreq.runs.spec import RunSpec, probe_to_json, solver_to_json

if TYPE_CHECKING:
    from pdefreq.core.fields import Field
    from pdefreq.core.history import History
    from pdefreq.iterations.iteration import State
    from pdefreq.probes.probe import Probe
    from pdefreq.problem.problem import Problem
    from pdefreq.runs.loop import Progress
    from pdefreq.runs.solution import Solution
    from pdefreq.solvers.solver import Solver

_UNFINISHED = (None, Status.RUNNING.label, Status.INTERRUPTED.label)


@dataclass(frozen=True)
class PlannedRun:
    """A run that has not begun.

    Args:
        spec: What to run.
        given: The Python objects of the spec. Those that the spec contains as well are reused where the run is in this process.
        folder: The folder of the run; None to write nothing.
        trust: Whether Python files that the spec names may be loaded.
    """

    spec: RunSpec
    given: Given = field(default_factory=Given)
    folder: Path | None = None
    trust: bool = False

    @classmethod
    def of(
        cls,
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
        predict: bool = True,
        outputs: Sequence[str] = ("figures",),
    ) -> Self:
        """The run that `pdefreq.solve` makes with the same arguments.

        Raises:
            UserError: If a name is unknown, an option is out of range, or the method can't solve the problem.
        """
        from pdefreq.core.fields import as_field
        from pdefreq.core.file_io import as_path
        from pdefreq.problem.identity import WrittenProblem
        from pdefreq.problem.problem import Problem
        from pdefreq.runs.arguments import probes_of, problem_of, solver_of
        from pdefreq.solvers.solver import chosen

        problem = problem if isinstance(problem, Problem) else problem_of(problem)
        problem.require_conditions()
        stop = Stop.of(stop)
        if schedule is not None and not isinstance(schedule, Schedule):
            raise OptionError(f"`schedule` must be a Schedule, got {schedule!r}: write schedule=Schedule(...)")
        named = solver if isinstance(solver, str) else None
        solver = solver_of(solver)
        label = method or named or solver.name
        choice = chosen(solver, problem.blind)
        stop = choice.solver.budget.override(stop)
        solver = choice.solver.resolved(problem.blind(), stop)
        given = Given(
            problem,
            solver,
            probes=None if probes is None else probes_of(probes),
            reference=None if reference is None else as_field(reference),
            guess=None if guess is None else as_field(guess),
        )
        written = None if given.probes is None else tuple(probe_to_json(probe) for probe in given.probes)
        lost = written is not None and None in written
        method_written = solver_to_json(solver)
        unwritten = {
            "solver": method_written is None,
            "guess": given.guess is not None,
            "reference": given.reference is not None,
            "probes": lost,
        }
        spec = RunSpec(
            problem=WrittenProblem.of(problem),
            method=label,
            solver=method_written,
            seed=convert("seed", seed, int),
            dtype=dtype,
            device=device,
            stop=stop,
            schedule=schedule or Schedule(),
            modes=modes,
            predict=predict,
            outputs=tuple(outputs),
            probes=None if lost or written is None else tuple(probe for probe in written if probe is not None),
            given=tuple(name for name, here in unwritten.items() if here),
            reasons=(*choice.reasons, *solver.choices),
        )
        return cls(spec, given, None if folder is None else as_path(folder))

    @property
    def is_portable(self) -> bool:
        """Whether the spec alone determines the run, so that another process can make it."""
        return not self.spec.given and not self.spec.problem.is_given

    @property
    def has_ended(self) -> bool:
        """Whether the folder contains the run, and the run has ended, other than by an interruption."""
        if self.folder is None or not (self.folder / "run.json").is_file():
            return False
        return RunFolder(self.folder).read_summary().get("status") not in _UNFINISHED

    def require_own(self) -> None:
        """Check that the run that is stored in the folder, if there is one, is this run.

        Raises:
            RunFolderError: If it is another one.
        """
        folder = self.folder
        if folder is not None and (folder / "run.json").is_file() and RunFolder(folder).read_spec().id != self.spec.id:
            raise RunFolderError(f"{folder} contains another run: choose another folder, or delete this one")

    def run(
        self,
        *,
        callback: Callable[[int, State, History], Any] | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> Solution:
        """Make the run. Its folder must be new.

        Raises:
            UserError: As `pdefreq.solve` does.
        """
        from pdefreq.runs.lifecycle import run

        return run(self.spec, self.folder, given=self.given, trust=self.trust, callback=callback, progress=progress)

    def complete(
        self,
        *,
        callback: Callable[[int, State, History], Any] | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> Solution:
        """The solution of the run: loaded if the run in the folder has ended, continued if it has begun, otherwise made.

        Raises:
            RunFolderError: If the folder holds another run, or another process is running it.
            UserError: As `pdefreq.solve` does.
        """
        from pdefreq.runs.lifecycle import load_run, resume

        if self.folder is None or not RunFolder(self.folder).has_begun():
            return self.run(callback=callback, progress=progress)
        self.require_own()
        objects: dict[str, Any] = {"problem": self.given.problem, "solver": self.given.solver, "trust": self.trust}
        if self.has_ended:
            return load_run(self.folder, **objects)
        return resume(self.folder, **objects, callback=callback, progress=progress)
