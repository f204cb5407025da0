"""Comparison of several methods on one problem in the same modes."""

from __future__ import annotations

import dataclasses
import itertools
import math
import re
import statistics
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pdefreq.core.conversion import convert, shown
from pdefreq.core.errors import IncompatibleError, NotConvergedError, OptionError, UserError
from pdefreq.core.history import Stop
from pdefreq.core.notes import brief_of
from pdefreq.core.text_table import text_table
from pdefreq.figures.notebook import Shown, table
from pdefreq.runs.monitor import Monitor
from pdefreq.runs.record import Record
from pdefreq.spectrum.bias import combined

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from matplotlib.figure import Figure

    from pdefreq.problem.problem import Problem
    from pdefreq.runs.loop import Progress
    from pdefreq.runs.study_folder import NextFolder
    from pdefreq.solvers.solver import Solver

    Method = str | Solver | Monitor | Record

_MEDIANS = ("unknowns", "steps", "seconds", "relative_l2", "relative_h1", "bias_index")  # lower medians, values of runs
_SPREADS = ("relative_l2", "bias_index")


@dataclass(frozen=True, eq=False, repr=False)
class Comparison(Shown):
    """The solutions of one problem by several methods, and records of other programs.

    Args:
        problem: The problem.
        solutions: For each method, one solution per seed; for another program, its record.
        refusals: For each method that can't solve the problem, the sentence with the reason.
        folder: The folder with the results, if they are stored.

    Example:
        >>> from pdefreq import compare
        >>> compare("poisson", ["fem", "sine"]).rows()[0]["status"]
        'done'
    """

    problem: Problem
    solutions: Mapping[str, Sequence[Record]]
    refusals: Mapping[str, str]
    folder: Path | None = None

    def __repr__(self) -> str:
        shown = ("method", "status", "unknowns", "steps", "seconds", "relative_l2", "bias_index", "bias_index_relation")
        return "\n".join([f"<comparison on {self.problem.name}>", *text_table(shown, self.rows())])

    def rows(self) -> list[dict[str, Any]]:
        """One row per method: medians over the seeds, for the error and the bias index also the range; None if undefined.

        ``notes`` is a list of the notes on the runs. ``bias_index_relation`` states whether the bias index of longer runs is
        at least (``">="``) or at most (``"<="``) this one; it is ``"~"`` if neither is known.
        """
        rows = [method_row(label, seeds) for label, seeds in self.solutions.items()]
        empty = dict.fromkeys(_columns())
        return rows + [
            empty | {"method": label, "status": "refused", "sentence": sentence, "notes": []}
            for label, sentence in self.refusals.items()
        ]

    def plot(self) -> Figure:
        """A figure of all methods: halving times against wavenumbers, and the error against seconds."""
        from pdefreq.figures.comparison import comparison_figure

        histories = {label: [solution.history for solution in seeds] for label, seeds in self.solutions.items()}
        return comparison_figure(
            histories,
            wavenumbers=self.problem.spectrum.wavenumbers,
            title=self.problem.title or self.problem.name,
            remarks={label: ", ".join(_briefly(seeds)) for label, seeds in self.solutions.items()},
        )

    def save(self, folder: str | Path) -> Path:
        """Write the figure and the table (as CSV and JSON), and store each run in a folder of its own.

        Args:
            folder: The folder; runs that are stored in it are not changed.

        Raises:
            RunFolderError: If the folder can't be written.
        """
        from pdefreq.core.file_io import csv_bytes, json_bytes, write_atomically
        from pdefreq.figures.style import encode

        folder = Path(folder)
        for label, seeds in self.solutions.items():
            for solution in seeds:
                if solution.folder is None or solution.folder.parent != folder:
                    solution.save(folder / folder_name(label, solution.seed))
        rows = self.rows()
        record = {"problem": self.problem.name, "title": self.problem.title, "rows": rows}
        write_atomically(folder / "comparison.csv", csv_bytes(_columns(), map(_as_text, rows)))
        write_atomically(folder / "comparison.json", json_bytes(record))
        write_atomically(folder / "comparison.png", encode(self.plot(), "png"))
        return folder

    def _html(self) -> str:
        shown = (
            "method",
            "status",
            "unknowns",
            "steps",
            "seconds",
            "relative_l2",
            "relative_h1",
            "bias_index",
            "sentence",
            "notes",
        )
        return table(shown, [row | {"notes": " ".join(row["notes"])} for row in self.rows()])


def compare(
    problem: Problem | str,
    solvers: Iterable[Method] | Mapping[str, Method],
    *,
    steps: int | None = None,
    seconds: float | None = None,
    train_seconds: float | None = None,
    stop: Stop | None = None,
    seeds: int = 1,
    seed: int = 0,
    folder: str | Path | NextFolder | None = None,
    device: str = "cpu",
    dtype: str = "float64",
    modes: str | None = None,
    workers: int | str = 1,
    executor: Executor | None = None,
    batch: bool = False,
    progress: Callable[[str, int, Progress], None] | None = None,
) -> Comparison:
    """Solve a problem with several methods. A method that can't solve it is listed with the reason.

    Args:
        problem: A problem, the name of an included problem, or the path of a problem file.
        solvers: Names or methods with their options; also monitors or records of other programs on the same problem. A mapping
            gives them labels.
        steps: Largest number of steps, in place of the defaults of the methods.
        seconds: Largest time of each run from its first measurement on, measurements included.
        train_seconds: Largest time of the steps of each run, without measurements.
        stop: Further limits, in place of those of the default budget of each method.
        seeds: The number of seeds for each method.
        seed: The first seed.
        folder: A folder for all results, with a folder for each run: a new one, or that of the same comparison if it was
            interrupted, which is then continued without a repetition of finished runs. By default nothing is written.
        device: A torch device.
        dtype: ``"float64"`` or ``"float32"``.
        modes: A mode family, as for `solve`; by default that of the problem.
        workers: The number of processes that make the runs, each with one thread, or ``"auto"`` for the number of cores. The
            results do not depend on it. Times are measured while the other processes run.
        executor: An executor that makes the runs instead, such as that of a Dask client: see `docs/many_runs.md`.
        batch: Whether the seeds of each method are trained together, as one batch of networks: see `docs/many_runs.md`.
        progress: Called as ``progress(label, seed, progress)`` where `solve` would call it.

    Returns:
        The comparison; after an interruption it contains the runs so far.

    Raises:
        IncompatibleError: If no method can solve the problem.
        UserError: As `solve` does.
    """
    from pdefreq.runs.arguments import problem_of
    from pdefreq.runs.batched_seeds import run_batches
    from pdefreq.runs.many_runs import run_all, was_interrupted
    from pdefreq.runs.planned_run import PlannedRun
    from pdefreq.runs.study_folder import StudyFolder

    stop = Stop.of(stop, steps=steps, seconds=seconds, train_seconds=train_seconds)
    if convert("seeds", seeds, int) < 1:
        raise OptionError(f"`seeds` must be at least 1, got {seeds}", option="seeds")
    if batch and (seeds == 1 or executor is not None or workers != 1):
        raise OptionError("`batch` needs `seeds` above 1, and makes all runs in this process: leave `workers` and `executor` out")
    problem = problem_of(problem)
    methods = _labelled(solvers)
    solutions: dict[str, list[Record]] = {}
    refusals: dict[str, str] = {}
    runs: dict[str, PlannedRun] = {}
    for label, solver in methods.items():
        solutions[label] = []
        if isinstance(solver, Record):
            solutions[label].append(_of_problem(solver, problem))
            continue
        for each in range(seed, seed + seeds):
            try:
                run = PlannedRun.of(
                    problem,
                    solver,
                    stop=stop,
                    seed=each,
                    device=device,
                    dtype=dtype,
                    modes=modes,
                    method=label,
                )
            except (IncompatibleError, NotConvergedError) as refusal:
                refusals[label] = str(refusal)
                break
            runs[folder_name(label, each, runs)] = run
    with StudyFolder(folder, "compare", runs) as study:

        def follow(index: int, now: Progress) -> None:
            if progress is not None:
                progress(study.runs[index].spec.method, study.runs[index].spec.seed, now)

        if batch:
            outcomes = run_batches(study.runs, seeds=seeds, progress=follow)
        else:
            outcomes = run_all(study.runs, workers=workers, executor=executor, progress=follow)
        for run, outcome in zip(study.runs, outcomes, strict=True):
            if isinstance(outcome, UserError):
                refusals.setdefault(run.spec.method, str(outcome))
            elif outcome is not None:
                solutions[run.spec.method].append(outcome)
        solutions = {label: found for label, found in solutions.items() if found}
        if solutions and all(outcome is not None and not was_interrupted(outcome) for outcome in outcomes):
            study.finish()
    if not solutions:
        reasons = "; ".join(f"{label}: {sentence}" for label, sentence in refusals.items())
        raise IncompatibleError(f"none of the methods can solve the problem '{problem.name}': {reasons}")
    comparison = Comparison(problem, solutions, refusals, study.path)
    if study.path is not None:
        comparison.save(study.path)
    return comparison


def _of_problem(record: Record, problem: Problem) -> Record:
    """A record, whose problem must be that of the comparison apart from its modes."""
    if dataclasses.replace(record.problem, spectrum=problem.spectrum) != problem:
        raise OptionError(
            f"'{record.label}' was recorded on another problem, '{record.problem.name}': compare it with methods on that problem"
        )
    return record


def _labelled(solvers: Iterable[Method] | Mapping[str, Method]) -> dict[str, Solver | Record]:
    """All methods by label, created before the first run; repeated names are numbered."""
    from pdefreq.solvers.names import make_solver
    from pdefreq.solvers.solver import Solver

    listed: list[tuple[str, Any]] = (
        [(str(name), each) for name, each in solvers.items()] if isinstance(solvers, Mapping) else _with_names(solvers)
    )
    if wrong := [solver for _, solver in listed if not isinstance(solver, (str, Solver, Monitor, Record))]:
        raise OptionError(f"`solvers` must be methods or their names, got {shown(wrong[0])}; `pdefreq methods` lists the names")
    methods: dict[str, Solver | Record] = {}
    for name, solver in listed:
        label, number = name, 1
        while label in methods:
            number += 1
            label = f"{name}-{number}"
        methods[label] = (
            make_solver(solver) if isinstance(solver, str) else solver.record if isinstance(solver, Monitor) else solver
        )
    if not methods:
        raise OptionError("no methods to compare: name at least one")
    return methods


def _with_names(solvers: Any) -> list[tuple[str, Any]]:
    several = isinstance(solvers, Iterable) and not isinstance(solvers, str)
    return [(_name_of(each), each) for each in (solvers if several else [solvers])]


def _name_of(method: Any) -> str:
    if isinstance(method, Monitor):
        return method.record.label
    return method if isinstance(method, str) else method.label if isinstance(method, Record) else getattr(method, "name", "")


def folder_name(label: str, seed: int, taken: Container[str] = ()) -> str:
    """The name of the folder of a run, in which unusual characters are replaced; a number distinguishes equal names."""
    short = re.sub(r"[^\w.+-]+", "-", label)
    name = f"{short}-seed{seed}"
    numbers = itertools.count(2)
    while name in taken:
        name = f"{short}-{next(numbers)}-seed{seed}"
    return name


def _columns() -> list[str]:
    spreads = [f"{name}_{edge}" for name in _SPREADS for edge in ("min", "max")]
    return ["method", "status", *_MEDIANS, *spreads, "bias_index_relation", "reference_error", "sentence", "notes"]


def _as_text(row: Mapping[str, Any]) -> list[Any]:
    """The cells of a row of the CSV file, in which the notes are one text."""
    return [" ".join(row[name]) if name == "notes" else row[name] for name in _columns()]


def _together(seeds: Sequence[Record]) -> list[str]:
    """The notes on the runs of a method. Notes that differ in their numbers only are represented by that of the first run."""
    found: dict[str, list[str]] = {}
    for solution in seeds:
        for note in solution.all_notes:
            found.setdefault(re.sub(r"[-+.,\w]*\d[-+.,\w]*", "", note), []).append(note)
    several = len(seeds) > 1
    return [first + several * f" ({1 + len(others)} of {len(seeds)} seeds)" for first, *others in found.values()]


def _briefly(seeds: Sequence[Record]) -> list[str]:
    """The same in a few words for a figure, with the status of runs that failed or did not converge."""
    words = [
        word
        for solution in seeds
        for word in (solution.status.label if solution.status.exit_code == 1 else "", *map(brief_of, solution.all_notes))
    ]
    return [word for word in dict.fromkeys(words) if word]


def method_row(label: str, seeds: Sequence[Record]) -> dict[str, Any]:
    """The row of a method in a table: medians over the seeds, and the range of some of them; None if undefined."""
    from pdefreq.runs.run_folder import to_json

    summaries = [solution.summary() for solution in seeds]
    row: dict[str, Any] = dict.fromkeys(_columns())
    row["method"] = label
    row["status"] = ", ".join(dict.fromkeys(summary["status"] for summary in summaries))
    row["reference_error"] = summaries[0]["reference_error"]
    row["sentence"] = summaries[0]["frequency_order"] or summaries[0]["sentence"]
    row["notes"] = _together(seeds)
    for name in _MEDIANS:
        values = [v for v in (summary[name] for summary in summaries) if v is not None and math.isfinite(v)]
        if values:
            row[name] = statistics.median_low(values)
        if values and name in _SPREADS:
            row[f"{name}_min"], row[f"{name}_max"] = min(values), max(values)
    if row["bias_index"] is not None:
        row["bias_index_relation"] = combined(s["bias_index_relation"] for s in summaries)
    return to_json(row)
