"""The result of a benchmark: its runs, medians over the seeds, cited numbers, the machine and the versions."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pdefreq.core.text_table import text_table
from pdefreq.figures.notebook import Shown, table
from pdefreq.spectrum.bias import combined
from pdefreq.studies.benchmark_file import FILE, read_json, rows_of, write_csv, write_json
from pdefreq.studies.benchmark_run import Run, select_time

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MEDIANS = ("seconds", "steps", "unknowns", "relative_l2", "bias_index")
_SPREADS = ("seconds", "relative_l2", "bias_index")
_HALVES = ("half_time_low", "half_time_high")
_SHOWN = ("problem", "method", "budget", "status", "relative_l2", "bias_index", "bias_index_relation", "seconds")


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
            executor; ``"device"`` and ``"dtype"``. It is empty for results that do not contain it. If parts of the runs were
            made by several commands, facts in which they differ are None, as in the machine.

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
            for name in _HALVES:
                times = [getattr(run, name) for run in runs if run.half_times]
                row[name] = select_time(statistics.median_low, times) if times else None
            ordered = [run for run in runs if run.bias_index is not None and not run.failed]
            found = [bias for run in ordered if (bias := run.bias) is not None]
            relation = combined(run.bias_index_relation for run in runs if not run.failed)
            row["bias_index_relation"] = relation if found else None
            orders = {bias.order for bias in found}
            row["frequency_order"] = None if not found else orders.pop() if len(orders) == 1 else 0
            for name in _MEDIANS:
                used = ordered if name == "bias_index" else runs
                values = [value for run in used if (value := getattr(run, name)) is not None]
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
            (f"{row['method']}, {row['budget']}" if several else row["method"], row["problem"]): (
                row["bias_index"],
                row["bias_index_relation"],
                row["frequency_order"] != 0,
            )
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
        from pdefreq.core.file_io import make_folder, write_atomically
        from pdefreq.figures.style import encode

        folder = Path(folder)
        make_folder(folder)
        write_json(folder / FILE, self)
        write_csv(folder / "benchmark.csv", self.runs)
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

        write_parquet(Path(path), rows_of(self.runs))

    def _html(self) -> str:
        return table((*_SHOWN, "sentence"), self.rows())


def _drawn(run: Run) -> dict[str, Any]:
    return {"curve": run.curve, "half_times": run.half_times}


def load_benchmark(path: str | Path) -> Benchmark:
    """The result of a benchmark from its folder, or from its file ``benchmark.json``.

    Raises:
        RunFolderError: If there is none, or the file is damaged.
    """
    from pdefreq.core.file_io import as_path

    path = as_path(path)
    file = path / FILE if path.is_dir() else path
    return Benchmark(folder=file.parent, **read_json(file))
