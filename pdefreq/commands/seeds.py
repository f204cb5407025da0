"""`pdefreq solve --seeds`: the same run with several seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pdefreq.commands import many

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from pdefreq.problem.problem import Problem
    from pdefreq.runs.loop import Progress
    from pdefreq.runs.solution import Solution
    from pdefreq.runs.study_folder import NextFolder
    from pdefreq.solvers.solver import Solver


def solve_seeds(
    console: Console,
    problem: Problem,
    solver: Solver,
    seeds: Sequence[int],
    place: Path | NextFolder,
    options: Mapping[str, Any],
    *,
    workers: str,
    dask: str | None,
    batch: bool,
    json_output: bool,
    quiet: bool,
    verbose: bool,
) -> int:
    """Make a run for each seed, print the median run and the spread, and return the exit code.

    Args:
        console: Where to print.
        problem: The problem.
        solver: The method.
        seeds: The seeds.
        place: The folder of the study.
        options: The other arguments of `PlannedRun.of`.
        workers: The number of processes, or ``"auto"``.
        dask: The address of a Dask scheduler in place of these processes.
        batch: Whether the runs are made together in this process, as one batch of networks.
        json_output: Whether one JSON object is printed.
        quiet: Whether no progress is printed.
        verbose: Whether choices and times of phases are printed.

    Raises:
        UserError: As `pdefreq.solve` does.
    """
    from pdefreq.commands.console import say
    from pdefreq.commands.figures import draw_run
    from pdefreq.commands.result import print_outcome
    from pdefreq.core.errors import UserError
    from pdefreq.runs.batched_seeds import require_batchable, run_batch
    from pdefreq.runs.many_runs import run_all, was_interrupted
    from pdefreq.runs.planned_run import PlannedRun
    from pdefreq.runs.seeds import are_identical, median_seed, write_seeds
    from pdefreq.runs.study_folder import StudyFolder
    from pdefreq.runs.tensorboard import TensorBoard

    drawn = "figures" in options["outputs"]
    if "tensorboard" in options["outputs"]:
        TensorBoard("")  # refuses here, before the runs, if the package is missing
    if batch:  # before a plan for each seed, since there may be too many
        require_batchable([PlannedRun.of(problem, solver, seed=seed, **options) for seed in seeds[:2]], len(seeds))
    runs = {f"seed-{seed}": PlannedRun.of(problem, solver, seed=seed, **options) for seed in seeds}
    solutions: dict[int, Solution] = {}
    with (
        StudyFolder(place, "seeds", runs) as study,
        many.dask_executor(dask) as executor,
        many.LiveTable(console, quiet=quiet, verbose=verbose) as live,
    ):

        def follow(index: int, now: Progress) -> None:
            live.follow(f"seed {study.runs[index].spec.seed}", now)

        if batch:
            outcomes = run_batch(study.runs, follow)
        else:
            outcomes = run_all(study.runs, workers=workers, executor=executor, progress=follow)
        for seed, outcome in zip(seeds, outcomes, strict=True):
            if isinstance(outcome, UserError):
                raise outcome
            if outcome is not None:
                solutions[seed] = outcome
                many.write_curves(outcome)
                if drawn:
                    draw_run(outcome)
        if len(solutions) == len(seeds) and not any(map(was_interrupted, outcomes)):
            study.finish()
    assert study.path is not None
    summaries = write_seeds(study.path)
    print_outcome(console, solutions[median_seed(summaries)], json_output=json_output, drawn=drawn, seeds=summaries)
    if are_identical([*solutions.values()]) and not json_output:
        say(
            console,
            "The runs are identical: this method draws no random numbers for this problem, so that one run suffices.",
            "yellow",
        )
    return max(solution.status.exit_code for solution in solutions.values())
