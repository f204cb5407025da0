"""The result of a benchmark: one row for each run, medians over the seeds, cited numbers, the machine and the versions."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from pdefreq.core.errors import RunFolderError
from pdefreq.core.history import Status
from pdefreq.core.text_table import text_table
from pdefreq.figures.notebook import Shown, table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMAT = 1
FILE = "benchmark.json"
_MOST_BYTES = 2**28
_MEDIANS = ("seconds", "steps", "unknowns", "relative_l2", "bias_index")
_SPREADS = ("seconds", "relative_l2", "bias_index")
_HALVES = ("half_time_low", "half_time_high")
_SCALARS = (
    "problem",
    "method",
    "budget",
    "seed",
    "status",
    "steps",
    "seconds",
    "unknowns",
    "relative_l2",
    "relative_h1",
    "max_error",
    "reference_error",
    "bias_index",
    "bias_index_is_bound",
    *_HALVES,
    "sentence",
)
_SHOWN = ("problem", "method", "budget", "status", "relative_l2", "bias_index", "seconds")


class _RunRecord(TypedDict):
    """A `Run`."""

    problem: str
    digest: str
    method: str
    budget: str
    seed: int
    status: str
    failed: bool
    sentence: str
    steps: int | None
    seconds: float | None
    unknowns: int | None
    relative_l2: float | None
    relative_h1: float | None
    max_error: float | None
    reference_error: float | None
    bias_index: float | None
    bias_index_is_bound: bool | None
    half_times: list[list[float | None]]
    curve: list[list[float]]
    outside: bool


class _PublishedRecord(TypedDict):
    """A `pdefreq.studies.suite.Published`."""

    method: str
    problem: str
    error: float
    definition: str
    source: str
    seconds: float | None
    hardware: str


class _MachineRecord(TypedDict):
    """What `pdefreq.core.machine.machine` returns."""

    processor: str | None
    cores: int
    memory: int | None
    system: str


class _SetupRecord(TypedDict):
    """How the runs were made: see `Benchmark`."""

    workers: int | None
    threads: int | None
    device: str
    dtype: str


class _Record(TypedDict):
    """All of ``benchmark.json``."""

    format: int
    suite: str
    title: str
    date: str
    machine: _MachineRecord
    setup: NotRequired[_SetupRecord]
    versions: Mapping[str, str]
    runs: list[_RunRecord]
    published: list[_PublishedRecord]


@dataclass(frozen=True)
class Run:
    """One run of a benchmark.

    Args:
        problem: The problem as the suite names it.
        digest: The digest of the content of the problem.
        method: The method as the suite names it.
        budget: The budget in words.
        seed: The seed.
        status: How the run ended; ``"refused"`` if the method can't solve the problem, ``"failed"`` for an error of another
            program, ``"not run"`` after an interruption.
        failed: Whether there is no result.
        sentence: The reason, if it failed; otherwise the order of the frequencies.
        steps: The number of steps.
        seconds: The time of the steps.
        unknowns: The number of coefficients.
        relative_l2: The relative L2 error, like the other errors as in docs/errors.md; None if unknown.
        relative_h1: The relative H1 error.
        max_error: The largest error.
        reference_error: The estimated relative L2 error of the reference solution.
        bias_index: The bias index B.
        bias_index_is_bound: Whether B is a bound, because some modes were not halved.
        half_times: For each watched mode whose relative error begins above one half, in the order of the wavenumbers: the
            wavenumber, and the step and the seconds at which its error is halved, None if it is not.
        curve: Pairs of seconds and relative L2 errors along the run.
        outside: Whether another program made the run.
    """

    problem: str
    digest: str
    method: str
    budget: str
    seed: int
    status: str
    failed: bool = False
    sentence: str = ""
    steps: int | None = None
    seconds: float | None = None
    unknowns: int | None = None
    relative_l2: float | None = None
    relative_h1: float | None = None
    max_error: float | None = None
    reference_error: float | None = None
    bias_index: float | None = None
    bias_index_is_bound: bool | None = None
    half_times: Sequence[Sequence[float | None]] = ()
    curve: Sequence[Sequence[float]] = ()
    outside: bool = False

    @property
    def case(self) -> tuple[str, str, str]:
        """The problem, the method and the budget."""
        return self.problem, self.method, self.budget

    @property
    def is_open(self) -> bool:
        """Whether the run has not ended, because the benchmark was interrupted."""
        return self.status in ("not run", Status.INTERRUPTED.label)

    @property
    def half_time_low(self) -> float | None:
        """The half time of the lowest mode, in seconds; None if it is not halved."""
        return self._half_time(0)

    @property
    def half_time_high(self) -> float | None:
        """The half time of the highest mode, in seconds; None if it is not halved."""
        return self._half_time(-1)

    def _half_time(self, place: int) -> float | None:
        """That of a mode; the largest one of all modes with its wavenumber."""
        if not self.half_times:
            return None
        number = self.half_times[place][0]
        times = [math.inf if time is None else time for k, _, time in self.half_times if k == number]
        return _finite(max(times))


@dataclass(frozen=True, eq=False, repr=False)
class Benchmark(Shown):
    """The result of a benchmark.

    Args:
        suite: The name of the suite.
        title: The title of the suite.
        runs: The runs, also those that failed.
        published: Numbers of publications, which were not measured here: see `pdefreq.studies.suite.Published`.
        machine: The machine: see `pdefreq.core.machine.machine`.
        versions: The versions of Python and of packages.
        date: The day of the last run, ``2026-01-31``.
        folder: The folder with the results, if they are stored.
        setup: How the runs were made: the number of processes ``"workers"`` and of the ``"threads"`` of each, both None for an
            executor; ``"device"`` and ``"dtype"``. It is empty for results that do not contain it.

    Example:
        >>> from pdefreq import benchmark
        >>> benchmark("quick").rows()  # doctest: +SKIP
    """

    suite: str
    title: str
    runs: Sequence[Run]
    published: Sequence[Mapping[str, Any]]
    machine: Mapping[str, Any]
    versions: Mapping[str, str]
    date: str
    folder: Path | None = None
    setup: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        rows = [row for row in self.rows() if not row["failed"]]
        failed = sum(run.failed for run in self.runs)
        head = f"<benchmark {self.suite}: {len(self.runs)} runs, of which {failed} failed>"
        return "\n".join([head, *text_table(_SHOWN, rows)])

    def cases(self) -> Iterator[tuple[tuple[str, str, str], list[Run]]]:
        """Each problem with each method and budget, and the runs of its seeds."""
        found: dict[tuple[str, str, str], list[Run]] = {}
        for run in self.runs:
            found.setdefault(run.case, []).append(run)
        yield from found.items()

    @property
    def problems(self) -> list[str]:
        """The problems in the order of the suite."""
        return list(dict.fromkeys(run.problem for run in self.runs))

    def rows(self) -> list[dict[str, Any]]:
        """One row for each problem, method and budget: medians over the seeds, some with their range; None if undefined."""
        rows = []
        for (problem, method, budget), runs in self.cases():
            status = ", ".join(dict.fromkeys(run.status for run in runs))
            row: dict[str, Any] = {"problem": problem, "method": method, "budget": budget, "status": status, "seeds": len(runs)}
            row["failed"] = any(run.failed for run in runs)
            row["sentence"] = next((run.sentence for run in runs if run.failed), runs[0].sentence)
            for name in _HALVES:  # a mode that is not halved takes longer than those that are
                times = [math.inf if (time := getattr(run, name)) is None else time for run in runs if run.half_times]
                row[name] = _finite(statistics.median_low(times)) if times else None
            for name in _MEDIANS:
                values = [value for run in runs if (value := getattr(run, name)) is not None]
                row[name] = statistics.median_low(values) if values else None
                if name in _SPREADS:
                    row[f"{name}_min"], row[f"{name}_max"] = min(values, default=None), max(values, default=None)
            rows.append(row)
        return rows

    def failures(self) -> list[tuple[str, str, str, str]]:
        """The problem, the method, the budget and the sentence of each failure."""
        return list(dict.fromkeys((*run.case, run.sentence) for run in self.runs if run.failed))

    def typical(self, problem: str) -> dict[tuple[str, str], Run]:
        """For each method and budget on a problem, the run of the seed with the median error."""
        found = {}
        for (its_problem, method, budget), runs in self.cases():
            measured = [run for run in runs if run.relative_l2 is not None and run.curve]
            if its_problem == problem and measured:
                ranked = sorted(measured, key=lambda run: run.relative_l2 or 0.0)
                found[method, budget] = ranked[(len(ranked) - 1) // 2]
        return found

    def plot(self) -> Figure:
        """A figure of the error against the time and of the half times against the wavenumber, for each problem."""
        from pdefreq.figures.benchmark import benchmark_figure

        panels = {}
        several = len({run.budget for run in self.runs}) > 1
        for problem in self.problems:
            runs = self.typical(problem).items()
            panels[problem] = {f"{method}, {budget}" if several else method: _drawn(run) for (method, budget), run in runs}
        return benchmark_figure(panels, title=self.title)

    def plot_bias(self) -> Figure:
        """A figure of the bias index of each method on each problem; medians over the seeds."""
        from pdefreq.figures.benchmark import bias_figure

        several = len({run.budget for run in self.runs}) > 1
        values = {
            (f"{row['method']}, {row['budget']}" if several else row["method"], row["problem"]): row["bias_index"]
            for row in self.rows()
            if row["bias_index"] is not None
        }
        methods = list(dict.fromkeys(method for method, _ in values))
        return bias_figure(methods, self.problems, values, title=self.title)

    def save(self, folder: str | Path) -> Path:
        """Write the results into a folder.

        ``benchmark.json`` contains all numbers, and ``benchmark.csv`` a line for each run. The figures are ``benchmark.png``
        and ``bias_index.png``.

        Raises:
            RunFolderError: If the folder can't be written.
        """
        from pdefreq.core.file_io import csv_bytes, json_bytes, make_folder, write_atomically
        from pdefreq.figures.style import encode

        folder = Path(folder)
        make_folder(folder)
        cells = ([getattr(run, name) for name in _SCALARS] for run in self.runs)
        record = {
            "format": FORMAT,
            **{name: getattr(self, name) for name in ("suite", "title", "date", "machine", "versions")},
            **({"setup": self.setup} if self.setup else {}),
            "runs": [asdict(run) for run in self.runs],
            "published": [dict(row) for row in self.published],
        }
        write_atomically(folder / FILE, json_bytes(record))
        write_atomically(folder / "benchmark.csv", csv_bytes(_SCALARS, cells))
        write_atomically(folder / "benchmark.png", encode(self.plot(), "png"))
        write_atomically(folder / "bias_index.png", encode(self.plot_bias(), "png"))
        return folder

    def write_parquet(self, path: str | Path) -> None:
        """Write a row for each run as a Parquet file, with the columns of ``benchmark.csv``.

        Raises:
            MissingPackageError: If pyarrow is not installed.
            RunFolderError: If the file can't be written.
        """
        from pdefreq.core.parquet import write_parquet

        write_parquet(Path(path), [{name: getattr(run, name) for name in _SCALARS} for run in self.runs])

    def _html(self) -> str:
        return table((*_SHOWN, "sentence"), self.rows())


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _drawn(run: Run) -> dict[str, Any]:
    return {"curve": run.curve, "half_times": run.half_times}


def load_benchmark(path: str | Path) -> Benchmark:
    """The result of a benchmark from its folder, or from its file ``benchmark.json``.

    Raises:
        RunFolderError: If there is none, or the file is damaged.
    """
    from pdefreq.core.file_io import as_path, read_bounded
    from pdefreq.core.strict_json import parse_json, require_schema

    path = as_path(path)
    file = path / FILE if path.is_dir() else path
    try:
        record = parse_json(read_bounded(file, _MOST_BYTES))
        if not isinstance(record, dict) or record.get("format") != FORMAT:
            raise ValueError(f"it is not the result of a benchmark in format {FORMAT}")
        require_schema(record, _Record)
        runs = [Run(**row) for row in record["runs"]]
        names = ("suite", "title", "published", "machine", "versions", "date")
        return Benchmark(runs=runs, folder=file.parent, setup=record.get("setup", {}), **{name: record[name] for name in names})
    except OSError as error:
        raise RunFolderError(f"can't read the benchmark {file}: {(error.strerror or str(error)).lower()}") from None
    except ValueError as error:
        raise RunFolderError(f"{file} can't be used: {error}") from None
