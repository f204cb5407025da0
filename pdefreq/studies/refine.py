"""Refinement studies: one method on a sequence of finer discretizations, and the order of convergence of each mode."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pdefreq.core.conversion import convert
from pdefreq.core.errors import IncompatibleError, OptionError, UserError
from pdefreq.core.history import Status
from pdefreq.solvers.refinable import Refines
from pdefreq.studies.predicted_orders import mode_error_of, orders_of
from pdefreq.studies.refinement import ENDED, Level, Refinement

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from pdefreq.core.history import History
    from pdefreq.iterations.iteration import State
    from pdefreq.problem.problem import Problem
    from pdefreq.runs.loop import Progress
    from pdefreq.runs.solution import Solution
    from pdefreq.runs.study_folder import NextFolder
    from pdefreq.solvers.solver import Solver
    from pdefreq.spaces.trial_space import TrialSpace
    from pdefreq.spectrum.spectral_record import SpectralRecord

_MODES = 12  # largest number of modes that are printed and drawn
_FINER = 4  # ratio of the node spacing to the spacing of the grid on which modes are computed


def refine(
    problem: Problem | str,
    solver: Solver | str,
    *,
    levels: int | None = None,
    start: int | None = None,
    folder: str | Path | NextFolder | None = None,
    device: str = "cpu",
    dtype: str = "float64",
    modes: str | None = None,
    method: str | None = None,
    figures: bool = True,
    workers: int | str = 1,
    executor: Executor | None = None,
    progress: Callable[[str, Progress], None] | None = None,
) -> Refinement:
    """Solve a problem on a sequence of finer discretizations and measure the order of convergence of each mode.

    Args:
        problem: A problem, the name of an included problem, or the path of a problem file.
        solver: A method with its options, or its name, whose runs end at the discrete solution.
        levels: The number of levels; by default 6, in three dimensions 4, and for adaptive refinement that of the method.
        start: The coarsest size, a value of the refined option such as ``cells``. Each level doubles it.
        folder: A folder for tables, the figure and the runs: a new one, or that of the same study if it was interrupted, which is
            then continued. By default nothing is written.
        device: A torch device.
        dtype: ``"float64"`` or ``"float32"``.
        modes: ``"sine"``, ``"cosine"`` or ``"fourier"``; by default that of the problem.
        method: The name of the method in tables; by default the given name, or that of the solver.
        figures: Whether the figure is written.
        workers: The number of processes that make the runs of the levels, or ``"auto"`` for the number of cores.
        executor: An executor that makes them instead, such as that of a Dask client.
        progress: Called as ``progress(level, progress)`` where `solve` would call it.

    Returns:
        The refinement study; after an interruption, or if a finer level is refused, it contains the levels so far.

    Raises:
        IncompatibleError: If the method can't be refined, or neither an exact nor a reference solution is known.
        UserError: As `solve` does.
    """
    from pdefreq.runs.arguments import problem_of, solver_of
    from pdefreq.runs.many_runs import run_all, was_interrupted
    from pdefreq.runs.planned_run import PlannedRun
    from pdefreq.runs.study_folder import StudyFolder
    from pdefreq.solvers.solver import chosen

    if levels is not None and convert("levels", levels, int) < 2:
        raise OptionError(f"`levels` must be at least 2, got {levels}")
    if start is not None and convert("start", start, int) < 1:
        raise OptionError(f"`start` must be at least 1, got {start}")
    problem = problem_of(problem)
    method = method or (solver if isinstance(solver, str) else solver_of(solver).name)
    solver = chosen(solver_of(solver), problem.blind).solver
    if not isinstance(solver, Refines):
        raise IncompatibleError(
            f"refine needs a method whose runs end at its discrete solution at every size, and {method} does not: "
            f"use {', '.join(_refinable())}"
        )
    sequence = solver.refined(problem.domain, start=start, levels=levels)
    states: dict[int, State] = {}  # of a run that refines its space
    common: dict[str, Any] = {"device": device, "dtype": dtype, "modes": modes, "method": method}
    sizes = [getattr(each, solver.refines) if len(sequence) > 1 else None for each in sequence]
    names = [method if size is None else f"{solver.refines}-{size}" for size in sizes]
    planned, refusal = {}, ""
    for name, each in zip(names, sequence, strict=True):
        try:
            planned[name] = PlannedRun.of(problem, each, **common)
        except UserError as error:
            if not planned:
                raise
            refusal = str(error)
            break
    runs: list[_Run] = []
    with StudyFolder(folder, "refine", planned) as study:

        def follow(index: int, now: Progress) -> None:
            if progress is not None:
                progress(names[index].replace("-", " ") if len(names) > 1 else method, now)

        if len(sequence) == 1:
            outcomes = [study.runs[0].run(callback=_remember(states), progress=lambda now: follow(0, now))]
        else:
            outcomes = run_all(study.runs, workers=workers, executor=executor, keep_errors=True, last=_ends, progress=follow)
        for size, outcome in zip(sizes, outcomes, strict=False):
            if isinstance(outcome, UserError):
                if not runs:
                    raise outcome
                refusal = str(outcome)  # for example too little memory; the levels before are kept
            if outcome is None or isinstance(outcome, UserError):
                break
            if outcome.reference is None:
                raise IncompatibleError(
                    f"orders need an exact or reference solution, and for the problem '{problem.name}' "
                    f"{outcome.without_solution.removesuffix('.')}; set `exact` in its file"
                )
            end = outcome.last_state
            runs.append(_Run(size, outcome, states or {end.space.num_coefficients: end}))
            if outcome.status not in ENDED:
                break
        if not any(map(was_interrupted, outcomes)):
            study.finish()
    refinement = _measured(problem, method, solver, solver.refines, runs, refusal)
    if study.path is not None:
        refinement = replace(refinement, folder=study.path)
        refinement.save(study.path, figures=figures)
    return refinement


@dataclass(frozen=True)
class _Run:
    """A run, and the last state in each of its spaces by the number of unknowns."""

    size: int | None
    solution: Solution
    states: Mapping[int, State]

    @functools.cached_property
    def record(self) -> SpectralRecord:
        """The spectrum of the run."""
        from pdefreq.spectrum.spectral_record import SpectralRecord

        return SpectralRecord.of(self.solution.history)

    def levels(self) -> list[tuple[Level, int, State]]:
        """Each discretization of the run, with its last row in the history and its last state."""
        from pdefreq.probes.error import relative_error
        from pdefreq.spaces.trial_space import SpaceField

        solution, found = self.solution, []
        column = {name: solution.history.column(name) for name in ("unknowns", "relative_l2", "max_error", "seconds")}
        last = {int(count): row for row, count in enumerate(column["unknowns"])}
        for count, row in last.items():
            state = self.states[count]
            u = SpaceField(state.space, state.coefficients)
            level = Level(
                size=self.size,
                h=state.space.mesh_width,
                unknowns=count,
                relative_l2=float(column["relative_l2"][row]),
                relative_h1=solution.target.bound("h1", relative_error(u, solution.target, "h1")),
                max_error=float(column["max_error"][row]),
                seconds=float(column["seconds"][row]),
                status=(solution.status if row == len(column["unknowns"]) - 1 else Status.DONE).label,
                sees_modes=_sees_modes(solution.problem, self.record.modes.kind, state.space),
            )
            found.append((level, row, state))
        return found


def _ends(outcome: Solution | UserError) -> bool:
    """Whether no finer level is useful: this one was refused, did not reach its discrete solution, or can't be measured."""
    return isinstance(outcome, UserError) or outcome.status not in ENDED or outcome.reference is None


def _remember(states: dict[int, State]) -> Callable[[int, State, History], None]:
    """A callback that copies the last state in each space, since the iteration may reuse its tensors."""

    def keep(step: int, state: State, history: History) -> None:  # noqa: ARG001
        states[state.space.num_coefficients] = replace(state, coefficients=state.coefficients.detach().clone(), memory={})

    return keep


def _sees_modes(problem: Problem, kind: str, space: TrialSpace) -> bool:
    from pdefreq.domains.box import Box
    from pdefreq.spectrum.box_modes import BOX_FAMILIES
    from pdefreq.spectrum.sampling_grid import UniformGrid, grid_intervals

    box = problem.domain
    sampled = kind in BOX_FAMILIES and space.mesh_width is not None and not isinstance(space, UniformGrid)
    if not sampled or not isinstance(box, Box):
        return True
    return _FINER * (space.num_coefficients ** (1 / box.dimension) - 1) <= max(grid_intervals(box, space)) * (1 + 1e-9)


def _measured(problem: Problem, method: str, solver: Solver, option: str, runs: Sequence[_Run], refusal: str) -> Refinement:
    """The results of the runs level by level, in the modes that all of them watch."""
    import numpy as np

    from pdefreq.spectrum.spectral_record import common_modes

    records = common_modes([run.record for run in runs], _MODES, problem.spectrum.wavenumbers)
    levels, errors, predicted = [], [], []
    for run, record in zip(runs, records, strict=True):
        kind, vectors = record.modes.kind, record.modes.wavevectors
        for level, row, state in run.levels():
            levels.append(level)
            errors.append(record.total[row])
            known = mode_error_of(run.solution.problem, run.solution.solver, state.space, kind, vectors)
            predicted.append(known if len(known) else np.full(len(record), np.nan))
    theory, condition = orders_of(problem, solver)
    seconds = np.array([level.seconds for level in levels])
    together = replace(records[-1], step=np.arange(len(levels)), seconds=seconds, total=np.array(errors)).of_total_errors()
    return Refinement(
        problem=problem,
        method=method,
        option=option,
        levels=tuple(levels),
        spectrum=together,
        predicted=np.array(predicted),
        theory=theory,
        condition=condition,
        accuracy=runs[0].solution.target.accuracy,
        status=runs[-1].solution.status,
        refusal=refusal,
    )


def _refinable() -> list[str]:
    """The names of the methods that can be refined."""
    from pdefreq.solvers import SOLVERS

    return [name for name in SOLVERS if getattr(SOLVERS.load(name), "refines", None) is not None]
