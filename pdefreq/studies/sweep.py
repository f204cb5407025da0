"""Sweeps: one method on one problem with many values of its options."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pdefreq.core.conversion import convert, shown
from pdefreq.core.errors import IncompatibleError, MissingPackageError, NotConvergedError, OptionError, UserError
from pdefreq.core.history import Stop
from pdefreq.core.text_table import text_table
from pdefreq.figures.notebook import Shown, table
from pdefreq.studies.comparison import method_row
from pdefreq.studies.search_space import Range, Search, Values, grid_points, sample_points

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from matplotlib.figure import Figure

    from pdefreq.problem.problem import Problem
    from pdefreq.runs.loop import Progress
    from pdefreq.runs.solution import Solution
    from pdefreq.runs.study_folder import NextFolder

_ERRORS = ("relative_l2", "relative_l2_min", "relative_l2_max")
_RESULTS = (*_ERRORS, "bias_index", "bias_index_relation", "steps", "seconds", "status")
_SHOWN = 10  # rows of the short form


@dataclass(frozen=True, eq=False, repr=False)
class Sweep(Shown):
    """The solutions of one problem by one method with different options.

    Args:
        problem: The problem.
        method: The name of the method.
        points: The options of each point.
        solutions: For each point, the solutions of its seeds; empty if the method refused.
        refusals: For each point, the sentence that refused it, or an empty text.
        folder: The folder with the results, if they are stored.

    Example:
        >>> from pdefreq import sweep
        >>> found = sweep("poisson", "fem", {"cells": [64, 256]})
        >>> found.best()["cells"]
        256
    """

    problem: Problem
    method: str
    points: Sequence[Mapping[str, Any]]
    solutions: Sequence[Sequence[Solution]]
    refusals: Sequence[str]
    folder: Path | None = None

    def __repr__(self) -> str:
        shown_names = (*self.options, "relative_l2", "bias_index", "bias_index_relation", "seconds", "status")
        rows = sorted(self.rows(), key=lambda row: math.inf if row["relative_l2"] is None else row["relative_l2"])
        which = f", the best {_SHOWN} of {len(rows)}" if len(rows) > _SHOWN else ""
        return "\n".join([f"<sweep of {self.method} on {self.problem.name}{which}>", *text_table(shown_names, rows[:_SHOWN])])

    @property
    def options(self) -> list[str]:
        """The names of the options."""
        return [*self.points[0]]

    def rows(self) -> list[dict[str, Any]]:
        """One row per point: its options, and medians over the seeds; None if undefined."""
        rows = []
        for point, seeds, refusal in zip(self.points, self.solutions, self.refusals, strict=True):
            row = method_row(self.method, seeds) if seeds else {"status": "refused", "sentence": refusal} if refusal else {}
            results = {name: row.get(name) for name in (*_RESULTS, "sentence")}
            rows.append({**point, **results, "status": row.get("status", "not run")})
        return rows

    def best(self) -> dict[str, Any]:
        """The row with the smallest relative L2 error.

        Raises:
            NotConvergedError: If no point has an error.
        """
        known = [row for row in self.rows() if row["relative_l2"] is not None]
        if not known:
            raise NotConvergedError(f"no run of the sweep of {self.method} on {self.problem.name} has an error")
        return min(known, key=lambda row: row["relative_l2"])

    def plot(self) -> Figure:
        """A figure of the relative L2 error and the bias index over the options."""
        from pdefreq.figures.sweep import sweep_figure

        return sweep_figure(self.rows(), self.options, title=f"{self.method} on {self.problem.title or self.problem.name}")

    def to_pandas(self) -> Any:
        """The rows as a data frame.

        Raises:
            MissingPackageError: If pandas is not installed.
        """
        try:
            import pandas  # pyright: ignore[reportMissingImports]
        except ImportError:
            raise MissingPackageError("pandas is not installed: pip install pandas, or use rows()", package="pandas") from None
        return pandas.DataFrame(self.rows())

    def save(self, folder: str | Path) -> Path:
        """Write the table as ``sweep.csv`` and ``sweep.json``, and the figure ``sweep.png``.

        Raises:
            RunFolderError: If the folder can't be written.
        """
        from pdefreq.core.file_io import csv_bytes, json_bytes, make_folder, write_atomically
        from pdefreq.figures.style import encode

        folder, rows = Path(folder), self.rows()
        make_folder(folder)
        cells = ([value if isinstance(value, str | int | float) else _text(value) for value in row.values()] for row in rows)
        write_atomically(folder / "sweep.csv", csv_bytes(rows[0], cells))
        record = {"problem": self.problem.name, "method": self.method, "options": self.options, "rows": rows}
        write_atomically(folder / "sweep.json", json_bytes(record))
        write_atomically(folder / "sweep.png", encode(self.plot(), "png"))
        return folder

    def write_parquet(self, path: str | Path) -> None:
        """Write the table as a Parquet file, with the columns of `rows`.

        Raises:
            MissingPackageError: If pyarrow is not installed.
            RunFolderError: If the file can't be written.
        """
        from pdefreq.core.parquet import write_parquet

        write_parquet(Path(path), self.rows())

    def _html(self) -> str:
        return table((*self.options, *_RESULTS, "sentence"), self.rows())


def sweep(
    problem: Problem | str,
    method: str,
    grid: Mapping[str, Sequence[Any]] | None = None,
    ranges: Mapping[str, Range | tuple[float, float] | str] | None = None,
    *,
    samples: int | None = None,
    search: Search = "sobol",
    settings: Mapping[str, Any] | None = None,
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
    progress: Callable[[str, Progress], None] | None = None,
) -> Sweep:
    """Solve a problem with a method for many values of its options.

    Args:
        problem: A problem, the name of an included problem, or the path of a problem file.
        method: The name of a method.
        grid: Lists of values by the names of options, which are those of ``--set``. Without `samples`, all combinations are run.
        ranges: Intervals of values by the names of options: a `Range`, a pair of numbers, or text such as ``"1e-4:1e-1:log"``.
            They need `samples`.
        samples: The number of points that are drawn from the lists and the intervals.
        search: How they are drawn: ``"sobol"``, a scrambled Sobol sequence, or ``"random"``, independent uniform points.
        settings: Options that are the same for all runs.
        steps: Largest number of steps, in place of the default of the method.
        seconds: Largest time of each run, measurements included.
        train_seconds: Largest time of the steps of each run.
        stop: Further limits.
        seeds: The number of seeds for each point.
        seed: The first seed, also that of the sample.
        folder: A folder for the results and the runs: a new one, or that of the same sweep if it was interrupted, which is then
            continued. By default nothing is written.
        device: A torch device.
        dtype: ``"float64"`` or ``"float32"``.
        modes: A mode family; by default that of the problem.
        workers: The number of processes that make the runs, or ``"auto"`` for the number of cores.
        executor: An executor that makes them instead, such as that of a Dask client.
        progress: Called as ``progress(label, progress)`` where `solve` would call it.

    Returns:
        The sweep; after an interruption it contains the runs so far.

    Raises:
        OptionError: If there is nothing to vary, or ranges are given without `samples`.
        IncompatibleError: If the method refuses all points.
        UserError: As `solve` does.
    """
    from pdefreq.runs.arguments import problem_of
    from pdefreq.runs.many_runs import run_all, was_interrupted
    from pdefreq.runs.planned_run import PlannedRun
    from pdefreq.runs.study_folder import StudyFolder
    from pdefreq.solvers.names import make_solver

    stop = Stop.of(stop, steps=steps, seconds=seconds, train_seconds=train_seconds)
    if convert("seeds", seeds, int) < 1:
        raise OptionError(f"`seeds` must be at least 1, got {seeds}", option="seeds")
    problem = problem_of(problem)
    points = _points(grid or {}, ranges or {}, samples, search, seed)
    common = dict(settings or {})
    if twice := sorted(common.keys() & points[0].keys()):
        raise OptionError(f"`{twice[0]}` is both varied and set: leave one out", option=twice[0])
    runs: dict[str, PlannedRun] = {}
    places: list[int] = []
    refusals = [""] * len(points)
    for number, point in enumerate(points):
        written = {key: _text(value) for key, value in (common | dict(point)).items()}
        for each in range(seed, seed + seeds):
            try:
                solver = make_solver(method, written)
                run = PlannedRun.of(problem, solver, stop=stop, seed=each, device=device, dtype=dtype, modes=modes, method=method)
            except (IncompatibleError, NotConvergedError) as refusal:
                refusals[number] = str(refusal)
                break
            runs[f"point-{number + 1:0{len(str(len(points)))}}-seed{each}"] = run
            places.append(number)
    solutions: list[list[Solution]] = [[] for _ in points]
    with StudyFolder(folder, "sweep", runs) as study:

        def follow(index: int, now: Progress) -> None:
            if progress is not None:
                label = ", ".join(f"{key}={_text(value)}" for key, value in points[places[index]].items())
                progress(f"{label}, seed {study.runs[index].spec.seed}" if seeds > 1 else label, now)

        outcomes = run_all(study.runs, workers=workers, executor=executor, progress=follow)
        for number, outcome in zip(places, outcomes, strict=True):
            if isinstance(outcome, UserError):
                refusals[number] = str(outcome)
            elif outcome is not None:
                solutions[number].append(outcome)
        if any(solutions) and all(outcome is not None and not was_interrupted(outcome) for outcome in outcomes):
            study.finish()
    if not any(solutions) and any(refusals):
        raise IncompatibleError(f"{method} refuses all points of the sweep: {next(filter(None, refusals))}")
    found = Sweep(problem, method, points, solutions, refusals, study.path)
    if study.path is not None and any(solutions):
        found.save(study.path)
    return found


def _points(
    grid: Mapping[str, Sequence[Any]],
    ranges: Mapping[str, Range | tuple[float, float] | str],
    samples: int | None,
    search: Search,
    seed: int,
) -> list[dict[str, Any]]:
    for name, values in grid.items():
        if isinstance(values, str) or not isinstance(values, Sequence):
            raise OptionError(f"the values of `{name}` must be a list, got {shown(values)}", option=name)
    lists = {name: Values(tuple(values)) for name, values in grid.items()}
    intervals = {name: _range(name, each) for name, each in ranges.items()}
    if twice := sorted(lists.keys() & intervals.keys()):
        raise OptionError(f"`{twice[0]}` has both a list and a range: leave one out", option=twice[0])
    if not lists and not intervals:
        raise OptionError(
            "a sweep needs an option to vary: --grid learning_rate=1e-3,3e-3, or grid={'learning_rate': [1e-3, 3e-3]}"
        )
    if samples is None:
        if intervals:
            raise OptionError("a sweep over ranges needs a number of points: --samples 16, or samples=16", option="samples")
        return grid_points(lists)
    return sample_points({**lists, **intervals}, samples, search=search, seed=seed)


def _range(name: str, given: Range | tuple[float, float] | str) -> Range:
    if isinstance(given, Range):
        return given
    if isinstance(given, str):
        return Range.parse(given)
    try:
        low, high = map(float, given)
    except (TypeError, ValueError):
        raise OptionError(f"the range of `{name}` must be two numbers, got {shown(given)}", option=name) from None
    return Range(low, high)


def _text(value: Any) -> str:
    """A value as text of the command line, with lists and numbers as JSON."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "null"
    return value if isinstance(value, str) else json.dumps(value)
