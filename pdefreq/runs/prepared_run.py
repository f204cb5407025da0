"""The conversion of a run specification to objects that are ready to run."""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pdefreq.core.devices import as_device, as_dtype
from pdefreq.core.errors import OptionError, RunFolderError
from pdefreq.problem.identity import WrittenProblem
from pdefreq.runs.shareable import require_shareable
from pdefreq.runs.spec import RunSpec, probe_from_json, same_method, solver_from_json
from pdefreq.solvers.solver import chosen

if TYPE_CHECKING:
    from pdefreq.core.fields import Field
    from pdefreq.iterations.iteration import Iteration
    from pdefreq.probes.probe import Probe
    from pdefreq.probes.target import Target
    from pdefreq.problem.problem import Problem
    from pdefreq.solvers.solver import Solver


@dataclass(frozen=True)
class Given:
    """The Python objects of a spec: those that it can't contain, and those that are reused instead of being created from it.

    Args:
        problem: The problem of the spec.
        solver: The method of the spec.
        probes: The probes of the spec.
        reference: A substitute for an unknown exact solution.
        guess: The initial guess.
    """

    problem: Problem | None = None
    solver: Solver | None = None
    probes: Sequence[Probe] | None = None
    reference: Field | None = None
    guess: Field | None = None

    def complete(self, spec: RunSpec, folder: Path | None = None, *, without: Collection[str] = (), trust: bool = False) -> Given:
        """The same objects, completed by those of the spec.

        Args:
            spec: The specification.
            folder: The run folder, which contains the Python files of the user's methods and probes.
            without: Names of objects that are missing in the spec and not needed.
            trust: Whether Python files that the spec names may be loaded; their names are printed on stderr before.

        Raises:
            RunFolderError: If the problem or the method is not that of the spec, if an object is missing that the spec can't
                contain, or if the spec names a Python file that is not trusted.
        """
        if self.problem is not None:
            spec.problem.require_same(WrittenProblem.of(self.problem))
        missing = [name for name in spec.given if name not in without and getattr(self, name) is None]
        if missing:
            raise RunFolderError(
                f"the run was given its {' and '.join(missing)} as Python objects, which are not stored "
                "in the folder; repeat the run from Python"
            )
        if trust and (files := (spec if folder is None else spec.beside(folder)).code_files):
            print(f"executing Python code: {', '.join(map(str, files))}", file=sys.stderr)
        problem = self.problem or spec.problem.read(folder, trust=trust)
        written = spec.probes if self.probes is None else None
        probes = self.probes if written is None else [probe_from_json(probe, folder, trust=trust) for probe in written]
        if self.solver is None:
            return replace(self, problem=problem, solver=_read_solver(spec, folder, trust), probes=probes)
        solver = chosen(self.solver, problem.blind).solver.resolved(problem.blind(), spec.stop)
        if spec.solver is not None and not same_method(solver, spec.solver):
            raise RunFolderError(
                f"the run was made with {spec.method}, and the method that was passed ({solver.name}) is another one or has "
                "other options; omit `solver`, or start a new run"
            )
        return replace(self, problem=problem, solver=solver, probes=probes)

    def measured(self, modes: str | None) -> Problem:
        """The problem with the modes that are measured.

        Args:
            modes: The mode family, if it is not that of the problem.

        Raises:
            UserError: If the modes don't fit the problem.
        """
        from pdefreq.spectrum.modes import ModeFamilies

        assert self.problem is not None
        problem = self.problem
        if modes is not None:
            problem = replace(problem, spectrum=replace(problem.spectrum, modes=modes))  # type: ignore[arg-type]
        families = ModeFamilies(problem)
        families.check(modes or families.chosen)
        return problem

    def target(self, modes: str | None) -> Target:
        """The problem with the solution for the measurement of errors: the given one, the exact one, or a reference solution.

        Reference solutions are stored on disk for the problem as it was stated.

        Args:
            modes: As for `measured`.
        """
        from pdefreq.probes.target import Target
        from pdefreq.runs.reference import reference_solution

        assert self.problem is not None
        known = self.reference or self.problem.exact
        problem = self.measured(modes)
        return reference_solution(self.problem).target(problem) if known is None else Target(problem, known)


def _read_solver(spec: RunSpec, folder: Path | None, trust: bool) -> Solver:
    if spec.solver is None:
        raise RunFolderError("run.json does not contain a method because it is damaged; repeat the run from Python")
    return solver_from_json(spec.solver, folder, trust=trust)


@dataclass(frozen=True)
class PreparedRun:
    """A prepared run: everything that stays constant during the run."""

    target: Target
    solver: Solver
    spec: RunSpec
    iteration: Iteration
    probes: Sequence[Probe]

    @property
    def problem(self) -> Problem:
        """The problem, with its exact solution if that is known."""
        return self.target.problem

    @classmethod
    def of(cls, spec: RunSpec, given: Given) -> PreparedRun:
        """Prepare the method, the probes and the reference solution.

        Args:
            spec: The specification.
            given: The complete objects of the spec.

        Raises:
            UserError: If the method can't do the problem, or the modes don't fit it.
        """
        from pdefreq.iterations.defaults import objective_kind_of
        from pdefreq.iterations.protocols import ObjectiveKind
        from pdefreq.probes.probe import default_probes

        assert given.problem is not None and given.solver is not None
        problem = given.measured(spec.modes)
        iteration = given.solver.prepare(
            problem.blind(), seed=spec.seed, device=as_device(spec.device), dtype=as_dtype(spec.dtype), guess=given.guess
        )
        require_shareable(spec, iteration)
        if spec.stop.tolerance is not None and objective_kind_of(iteration) is ObjectiveKind.ENERGY:
            raise OptionError(
                f"`tolerance` can't be used with {spec.method}, because the minimum of its objective, such as an energy, is "
                "unknown; use `stagnation`, `steps` or `seconds`"
            )
        target = given.target(spec.modes)  # last, since it may take seconds
        return cls(target, given.solver, spec, iteration, default_probes() if given.probes is None else given.probes)
