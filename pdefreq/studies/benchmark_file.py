"""The files of a benchmark: ``benchmark.json`` with its schema, and ``benchmark.csv``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NotRequired, Protocol, TypedDict

from pdefreq.core.errors import RunFolderError
from pdefreq.core.file_io import csv_bytes, json_bytes, read_bounded, write_atomically
from pdefreq.core.strict_json import parse_json, require_schema
from pdefreq.studies.benchmark_run import Run

FORMAT = 1
FILE = "benchmark.json"
_MOST_BYTES = 2**28
_FACTS = ("suite", "title", "date", "machine", "versions")
_COLUMNS = (
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
    "bias_index_relation",
    "half_time_low",
    "half_time_high",
    "sentence",
)


class _RunRecord(TypedDict):
    """A `pdefreq.studies.benchmark_run.Run`."""

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
    """What `pdefreq.core.machine.machine` returns; None also for facts in which the machines of the runs differ."""

    processor: str | None
    cores: int | None
    memory: int | None
    system: str | None


class _SetupRecord(TypedDict):
    """How the runs were made: see `pdefreq.studies.benchmark_result.Benchmark`."""

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


class Result(Protocol):
    """The parts of a `pdefreq.studies.benchmark_result.Benchmark` that are stored."""

    @property
    def suite(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def date(self) -> str: ...
    @property
    def machine(self) -> Mapping[str, Any]: ...
    @property
    def setup(self) -> Mapping[str, Any]: ...
    @property
    def versions(self) -> Mapping[str, str]: ...
    @property
    def runs(self) -> Sequence[Run]: ...
    @property
    def published(self) -> Sequence[Mapping[str, Any]]: ...


def write_json(file: Path, result: Result) -> None:
    """Write ``benchmark.json``.

    Raises:
        RunFolderError: If the file can't be written.
    """
    record = {
        "format": FORMAT,
        **{name: getattr(result, name) for name in _FACTS},
        **({"setup": result.setup} if result.setup else {}),
        "runs": [asdict(run) for run in result.runs],
        "published": [dict(row) for row in result.published],
    }
    write_atomically(file, json_bytes(record))


def read_json(file: Path) -> dict[str, Any]:
    """The parts of a result by name, from ``benchmark.json``.

    Raises:
        RunFolderError: If the file can't be read, or is damaged.
    """
    try:
        record = parse_json(read_bounded(file, _MOST_BYTES))
        if not isinstance(record, dict) or record.get("format") != FORMAT:
            raise ValueError(f"it is not the result of a benchmark in format {FORMAT}")
        require_schema(record, _Record)
    except OSError as error:
        raise RunFolderError(f"can't read the benchmark {file}: {(error.strerror or str(error)).lower()}") from None
    except ValueError as error:
        raise RunFolderError(f"{file} can't be used: {error}") from None
    kept = {name: record[name] for name in (*_FACTS, "published")}
    return kept | {"setup": record.get("setup", {}), "runs": [Run(**row) for row in record["runs"]]}


def write_csv(file: Path, runs: Sequence[Run]) -> None:
    """Write ``benchmark.csv``, a line for each run.

    Raises:
        RunFolderError: If the file can't be written.
    """
    write_atomically(file, csv_bytes(_COLUMNS, (row.values() for row in rows_of(runs))))


def rows_of(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """The columns of ``benchmark.csv`` by name, for each run."""
    return [{name: getattr(run, name) for name in _COLUMNS} for run in runs]
