"""The content of ``run.json``: its schema, its strict reading, and the digest of its spec."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NotRequired, TypedDict

from pdefreq.core.strict_json import parse_json, require_schema
from pdefreq.spectrum.bias import Relation

MAX_BYTES = 64 * 2**20
"""The largest size of ``run.json``, in bytes. Arrays are in other files, so that a size of 1 MB is already unusual."""


class StopRecord(TypedDict):
    """The stopping criteria, `pdefreq.core.history.Stop`."""

    steps: int | None
    seconds: float | None
    tolerance: float | None
    stagnation: int | None
    train_seconds: NotRequired[float | None]


class ScheduleRecord(TypedDict):
    """The recorded steps, `pdefreq.core.history.Schedule`."""

    dense: int
    per_decade: int


class ProblemRecord(TypedDict):
    """The problem, `pdefreq.problem.identity.WrittenProblem`; its content is checked by the classes that it names."""

    name: str
    digest: str
    title: str
    citation: str
    text: str
    parameters: Mapping[str, float]
    samples: Mapping[str, list[float | None]]
    content: Mapping[str, Any]


class SpecRecord(TypedDict):
    """The specification, `pdefreq.runs.spec.RunSpec`; methods and probes are checked by the classes that they name."""

    problem: ProblemRecord
    method: str
    solver: Mapping[str, Any] | None
    seed: int
    dtype: Literal["float64", "float32"]
    device: str
    stop: StopRecord
    schedule: ScheduleRecord
    modes: str | None
    predict: bool
    probes: list[Mapping[str, Any]] | None
    given: list[Literal["solver", "guess", "reference", "probes"]]
    outputs: list[Literal["figures", "tensorboard"]]
    reasons: list[str]


class RecordedRun(TypedDict):
    """What is stored of a run of another program besides its history: see `pdefreq.runs.stored_record`."""

    problem: ProblemRecord
    modes: str | None
    label: str
    notes: list[str]
    reference_given: bool


class RunRecord(TypedDict):
    """All of ``run.json``. One of `spec` and `recorded` says what was run; records of older versions have neither."""

    format: int
    spec: SpecRecord | None
    id: str | None
    recorded: NotRequired[RecordedRun | None]
    summary: Mapping[str, Any]
    definitions: NotRequired[Mapping[str, str]]
    versions: NotRequired[Mapping[str, str]]


_MEASURES = ("seconds", "relative_l2", "relative_h1", "max_error", "bias_index", "objective")


def read_record(path: Path) -> dict[str, Any]:
    """The JSON object in ``run.json``, not yet compared with the schema, since its format may be another one.

    Raises:
        OSError: If it can't be read.
        ValueError: If it is too large or is not a strict JSON object. The message is a clause.
    """
    if (size := path.stat().st_size) > MAX_BYTES:
        raise ValueError(f"it has {size:,} bytes, more than {MAX_BYTES:,}")
    record = parse_json(path.read_bytes())
    if not isinstance(record, dict):
        raise ValueError("it must contain one JSON object")
    return record


def require_record(record: Mapping[str, Any]) -> None:
    """Compare the content of ``run.json`` with the schema, and the digest of the spec with the recorded one.

    Raises:
        ValueError: If the content does not fit, or the spec was edited. The message is a clause.
    """
    require_schema(record, RunRecord)
    require_summary(record["summary"])
    if record["spec"] is not None and (found := spec_id(record["spec"])) != record["id"]:
        raise ValueError(
            f"its spec was edited: its id is {str(record['id'])[:20]}, and the content gives {found}; restore the file, or "
            "start a new run with the options that you want"
        )


def require_summary(summary: Mapping[str, Any]) -> None:
    """Check the entries of a summary that are read again: the status and the measures, which may be unknown.

    Raises:
        ValueError: If an entry has the wrong type.
    """
    require_schema(summary.get("status", ""), str, "summary.status")
    for name in _MEASURES:
        require_schema(summary.get(name), float | None, f"summary.{name}")
    require_schema(summary.get("bias_index_relation"), Relation | None, "summary.bias_index_relation")


def spec_id(spec: Mapping[str, Any]) -> str:
    """Twelve hexadecimal digits of the digest of a spec as a JSON object."""
    return hashlib.sha256(json.dumps(spec, sort_keys=True, default=str).encode()).hexdigest()[:12]
