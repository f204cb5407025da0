"""Benchmarks: all methods of a suite on all of its problems, within the same budgets and measured in the same modes."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pdefreq.core.errors import OptionError, UserError
from pdefreq.core.history import Status, Stop
from pdefreq.runs.planned_run import PlannedRun
from pdefreq.runs.stored_result import StoredResult
from pdefreq.studies.benchmark_facts import facts_of_command, facts_of_study
from pdefreq.studies.benchmark_file import FILE, write_json
from pdefreq.studies.benchmark_result import Benchmark
from pdefreq.studies.benchmark_run import Run
from pdefreq.studies.comparison import folder_name
from pdefreq.studies.outside_methods import OutsideMethod, OutsideRun, measure_all
from pdefreq.studies.suite import Suite, SuiteMethod, SuiteProblem
from pdefreq.studies.suite_file import load_suite

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from pdefreq.runs.loop import Progress
    from pdefreq.runs.study_folder import NextFolder

    Planned = list[tuple[Run, PlannedRun | UserError]]

_MOST_POINTS = 100  # of the stored curve of a run


def benchmark(
    suite: str | Path | Suite,
    *,
    adapters: Sequence[str] = (),
    folder: str | Path | NextFolder | None = None,
    device: str = "cpu",
    dtype: str = "float64",
    workers: int | str = 1,
    executor: Executor | None = None,
    trust: bool = False,
    progress: Callable[[str, Progress], None] | None = None,
) -> Benchmark:
    """Run a suite. A method that can't solve a problem is listed with the reason.

    Args:
        suite: The name of a suite of the package, the path of a TOML file, or a suite.
        adapters: Functions ``"FILE.py:NAME"`` that solve the problems of the suite by other programs, see
            `pdefreq.studies.outside_methods.OutsideMethod`. The files are executed, each in a process of its own.
        folder: A folder for the results and the runs: a new one, or that of the same benchmark if it was interrupted, which is
            then continued without a repetition of finished runs. By default nothing is written.
        device: A torch device.
        dtype: ``"float64"`` or ``"float32"``.
        workers: The number of processes that make the runs, each with one thread, or ``"auto"`` for the number of cores. Times
            are measured while the other processes run.
        executor: An executor that makes the runs instead, such as that of a Dask client; not with adapters. The machine of the
            result is that of one of its workers.
        trust: Whether Python files that the suite or its problem files name may be loaded.
        progress: Called as ``progress(label, progress)`` where `solve` would call it.

    Returns:
        The results; after an interruption they contain the runs so far.

    Raises:
        ProblemFileError: If the file of the suite is malformed.
        OptionError: If an adapter does not exist, or has the name of a method of the suite, or is given with an executor.
        RunFolderError: If the folder can't be used.
    """
    from pdefreq.runs.many_runs import run_all, was_interrupted
    from pdefreq.runs.study_folder import StudyFolder

    suite = suite if isinstance(suite, Suite) else load_suite(suite, trust=trust)
    outside = _outside(suite, adapters)
    if outside and executor is not None:
        raise OptionError(
            "adapters run on this machine, and their times can't be compared with those of the workers of an executor: leave out "
            "the adapters, or the executor (--dask)"
        )
    here = facts_of_command(suite, workers, executor, device=device, dtype=dtype)
    planned = _planned(suite, device=device, dtype=dtype)
    runs, others = _named(suite, planned, outside)
    with ExitStack() as entered:
        place: Any = folder
        if folder is None:
            place = Path(entered.enter_context(tempfile.TemporaryDirectory(prefix="pdefreq-"))) / "runs"
        study = entered.enter_context(StudyFolder(place, "benchmark", runs, {name: each[0] for name, each in others.items()}))
        assert study.path is not None
        facts = facts_of_study(study, here)
        published = [asdict(each) for each in suite.published]
        open_rows = [row for row, _ in planned] + [row for _, row, _ in others.values()]
        found = Benchmark(suite.name, suite.title, open_rows, published, folder=None if folder is None else study.path, **facts)
        write_json(study.path / FILE, found)  # a killed command leaves the facts of its part of the study
        rows = [row for row, run in planned if isinstance(run, PlannedRun)]

        def follow(index: int, now: Progress) -> None:
            if progress is not None:
                progress(_label(rows[index], suite), now)

        made = run_all(study.runs, workers=workers, executor=executor, keep_errors=True, progress=follow, read=StoredResult.read)
        complete = all(outcome is not None and not was_interrupted(outcome) for outcome in made)
        outcomes = iter(made)
        done = [_row(row, next(outcomes) if isinstance(run, PlannedRun) else run) for row, run in planned]
        if complete and others:
            calls = [replace(run, folder=study.path / name, trust=trust) for name, (_, _, run) in others.items()]
            measured = measure_all(calls, workers=workers)
            complete = all(outcome is not None for outcome in measured)
        else:
            measured = [None] * len(others)
        done += [_row(row, outcome) for (_, row, _), outcome in zip(others.values(), measured, strict=True)]
        if complete:
            study.finish()
        found = replace(found, runs=done)
        if found.folder is not None:
            found.save(found.folder)
    return found


def _outside(suite: Suite, adapters: Sequence[str]) -> list[OutsideMethod]:
    if isinstance(adapters, str):
        raise OptionError(f"`adapters` must be a list of texts, got '{adapters}': write adapters=['{adapters}']")
    found = [OutsideMethod.parse(text) for text in adapters]
    names = [method.label for method in suite.methods] + [each.label for each in found]
    for each in found:
        if names.count(each.label) > 1:
            raise OptionError(f"two methods have the name '{each.label}': give the adapter another one, OTHER={each.target}")
    return found


def _planned(suite: Suite, **options: Any) -> Planned:
    """The rows without results, each with its run, or with the error that refuses it. Runs of seeds differ in the seed only."""
    found: Planned = []
    for problem in suite.problems:
        for method in suite.methods:
            if problem.label not in method.problems:
                continue
            for budget, stop in suite.budgets.items():
                first = _first(problem, method, stop, suite.seeds[0], **options)
                for seed in suite.seeds:
                    run = first if isinstance(first, UserError) else replace(first, spec=replace(first.spec, seed=seed))
                    found.append((_empty(problem, method.label, budget, seed), run))
    return found


def _first(problem: SuiteProblem, method: SuiteMethod, stop: Stop, seed: int, **options: Any) -> PlannedRun | UserError:
    try:
        return PlannedRun.of(
            problem.problem, method.solver, stop=stop, seed=seed, modes=problem.modes, method=method.label, **options
        )
    except UserError as error:
        return error


def _empty(problem: SuiteProblem, method: str, budget: str, seed: int) -> Run:
    return Run(problem.label, problem.problem.digest, method, budget, seed, "not run")


def _named(
    suite: Suite, planned: Planned, outside: Sequence[OutsideMethod]
) -> tuple[dict[str, PlannedRun], dict[str, tuple[str, Run, OutsideRun]]]:
    """The runs by the names of their folders, and those of other programs with their identifiers and rows."""
    runs: dict[str, PlannedRun] = {}
    for row, run in planned:
        if isinstance(run, PlannedRun):
            runs[folder_name("-".join(row.case), row.seed, runs)] = run
    others: dict[str, tuple[str, Run, OutsideRun]] = {}
    for problem in suite.problems:
        for method in outside:
            for budget, stop in suite.budgets.items():
                for seed in suite.seeds:
                    row = replace(_empty(problem, method.label, budget, seed), outside=True)
                    name = folder_name("-".join(row.case), seed, {**runs, **others})
                    call = OutsideRun.of(method, problem.problem, modes=problem.modes, stop=stop, seed=seed)
                    others[name] = (method.id(problem.problem, problem.modes, stop, seed), row, call)
    return runs, others


def _label(row: Run, suite: Suite) -> str:
    budget = [row.budget] if len(suite.budgets) > 1 else []
    seed = [f"seed {row.seed}"] if len(suite.seeds) > 1 else []
    return ", ".join([row.problem, row.method, *budget, *seed])


def _row(row: Run, outcome: StoredResult | UserError | str | None) -> Run:
    """The row of a run with its outcome: its result, or the reason why there is none, or None if it was not made."""
    if outcome is None:
        return row
    if isinstance(outcome, UserError):
        return replace(row, status="refused", failed=True, sentence=str(outcome))
    if isinstance(outcome, str):
        return replace(row, status="failed", failed=True, sentence=outcome)
    summary, failed = outcome.summary, outcome.status.exit_code == 1
    names = ("steps", "seconds", "unknowns", "relative_l2", "relative_h1", "max_error", "reference_error")
    half_times = [  # in one step there is no order of the modes
        (mode["wavenumber"], mode["halving_step"], mode["halving_seconds"])
        for mode in (summary["modes"] if summary["steps"] > 1 else [])
        if mode["status"] in ("halved", "not halved")
    ]
    return replace(
        row,
        status=outcome.status.label,
        failed=failed,
        sentence=summary["sentence"] if failed else summary["frequency_order"],
        **{name: summary[name] for name in names},
        bias_index=summary["bias_index"],
        bias_index_is_bound=summary["bias_index_is_bound"],
        half_times=sorted(half_times, key=lambda mode: mode[0]),
        curve=_curve(outcome),
        outside=outcome.status is Status.RECORDED,
    )


def _curve(outcome: StoredResult) -> list[list[float]]:
    """Pairs of seconds and errors, of which a long run keeps the first, the last and some between."""
    import numpy as np

    known = np.flatnonzero(np.isfinite(outcome.errors) & np.isfinite(outcome.seconds))
    if not len(known):
        return []
    places = known[np.unique(np.linspace(0, len(known) - 1, min(len(known), _MOST_POINTS)).round().astype(int))]
    return np.stack([outcome.seconds[places], outcome.errors[places]], axis=1).tolist()
