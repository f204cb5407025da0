"""All that determines a run, as JSON: the same spec gives the same coefficients."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib
import importlib.util
import inspect
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pdefreq.errors import RunFolderError, UserError
from pdefreq.history import Schedule, Stop
from pdefreq.identity import WrittenProblem
from pdefreq.registry import import_file
from pdefreq.solvers.solver import Solver

if TYPE_CHECKING:
    import numpy as np

    from pdefreq.probes.probe import Probe


FORMAT = 2
"""The version of what run folders hold. Folders of other versions are refused."""


@dataclass(frozen=True)
class RunSpec:
    """All that determines a run.

    Args:
        problem: The problem, written.
        method: The method's name, for tables and folders.
        solver: The solver's class and options, as `solver_to_json` writes them.
        seed: Seed of every random number.
        dtype: ``"float64"`` or ``"float32"``.
        device: A torch device such as ``"cpu"`` or ``"cuda"``.
        stop: The budget.
        schedule: When to record.
        modes: The family of modes that was asked for instead of the problem's own.
        predict: Whether to keep what theory says of each mode.
        probes: What is measured, each as `probe_to_json` writes it; None for the probes of every run.
        given: What was a Python object and is not here: guess, reference, probes (of local classes). Of the problem,
            `WrittenProblem.samples` tells.
    """

    problem: WrittenProblem
    method: str
    solver: Mapping[str, Any]
    seed: int = 0
    dtype: str = "float64"
    device: str = "cpu"
    stop: Stop = field(default_factory=Stop)
    schedule: Schedule = field(default_factory=Schedule)
    modes: str | None = None
    predict: bool = True
    probes: tuple[Mapping[str, Any], ...] | None = None
    given: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """A JSON object. Its problem refers to arrays that are kept apart: see `WrittenProblem.arrays`."""
        return {f.name: getattr(self, f.name) for f in fields(self)} | {
            "problem": self.problem.to_json(),
            "stop": asdict(self.stop),
            "schedule": asdict(self.schedule),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any], arrays: Mapping[str, np.ndarray] = MappingProxyType({})) -> RunSpec:
        """The inverse of `to_json`.

        Args:
            data: What it wrote.
            arrays: The arrays of the problem.

        Raises:
            RunFolderError: If keys are missing or unknown, or the problem is damaged.
        """
        try:
            parts = {
                "problem": WrittenProblem.from_json(data["problem"], arrays),
                "stop": Stop(**data["stop"]),
                "schedule": Schedule(**data["schedule"]),
                "given": tuple(data["given"]),
            }
            probes = data.get("probes")
            return cls(**{**data, **parts, "probes": None if probes is None else tuple(probes)})
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise RunFolderError(f"run.json does not hold a run of this version of pdefreq: {error}") from None

    @property
    def id(self) -> str:
        """Twelve hexadecimal digits that differ when anything above does."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True, default=str).encode()).hexdigest()[:12]


def solver_to_json(solver: Solver) -> dict[str, Any]:
    """A solver as its class and options, nested solvers and options included."""
    return _class_and_options(solver)


def probe_to_json(probe: Probe) -> dict[str, Any] | None:
    """A probe as its class and options; None for one that could not be made again from them."""
    kind = type(probe)
    if not is_dataclass(probe) or "<locals>" in kind.__qualname__ or kind.__module__ == "__main__":
        return None
    written = _class_and_options(probe)
    try:
        return json.loads(json.dumps(written))
    except TypeError:
        return None


def _class_and_options(part: Any) -> dict[str, Any]:
    source = getattr(inspect.getmodule(type(part)), "__file__", None)
    name = type(part).__module__
    if source and importlib.util.find_spec(name.split(".")[0]) is None:  # loaded from a file, not importable by name
        name = str(Path(source).resolve())
    return {"class": f"{name}:{type(part).__qualname__}"} | {
        f.name: _to_json(getattr(part, f.name)) for f in fields(part) if f.init
    }


def _to_json(value: Any) -> Any:
    if isinstance(value, Solver):
        return solver_to_json(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {"class": f"{type(value).__module__}:{type(value).__qualname__}"} | {
            f.name: _to_json(getattr(value, f.name)) for f in dataclasses.fields(value)
        }
    if isinstance(value, (list, tuple)):
        return [_to_json(v) for v in value]
    return value


def solver_from_json(data: Mapping[str, Any], folder: Path | None = None) -> Solver:
    """The inverse of `solver_to_json`.

    Args:
        data: What it wrote.
        folder: Where a method's own file was copied to; tried before its original place.

    Raises:
        RunFolderError: If the class can't be found, or is no solver.
    """
    solver = _from_json(data, folder)
    if not isinstance(solver, Solver):
        raise RunFolderError(f"run.json names {data.get('class')!r} as its method, which is not a Solver")
    return solver


def probe_from_json(data: Mapping[str, Any], folder: Path | None = None) -> Probe:
    """The inverse of `probe_to_json`.

    Raises:
        RunFolderError: If the class can't be found, or is no probe.
    """
    from pdefreq.probes.probe import Probe

    probe = _from_json(data, folder)
    if not isinstance(probe, Probe):
        raise RunFolderError(f"run.json names {data.get('class')!r} as a probe, which is none")
    return probe


def _from_json(value: Any, folder: Path | None) -> Any:
    if isinstance(value, Mapping) and "class" in value:
        place, _, name = str(value["class"]).rpartition(":")
        try:
            factory = getattr(_module(place, folder), name)
            if not (isinstance(factory, type) and is_dataclass(factory)):  # never call what a file merely names
                raise RunFolderError(f"run.json names {value['class']!r} as a part of its run, which is no dataclass")
            return factory(**{key: _from_json(v, folder) for key, v in value.items() if key != "class"})
        except UserError:
            raise
        except (ImportError, AttributeError, TypeError) as error:
            raise RunFolderError(f"{value['class']!r} can't be loaded any more: {error}") from None
    return tuple(_from_json(v, folder) for v in value) if isinstance(value, list) else value


def _module(place: str, folder: Path | None) -> Any:
    if not place.endswith(".py"):
        return importlib.import_module(place)
    path = Path(place)
    copy = folder / path.name if folder is not None else None
    return import_file(copy if copy is not None and copy.is_file() else path)


def own_files(data: Any) -> list[Path]:
    """The Python files that solvers and probes written as JSON were loaded from, to be kept beside their run."""
    if isinstance(data, Mapping):
        place = str(data.get("class", "")).rpartition(":")[0]
        here = [Path(place)] if place.endswith(".py") else []
        return here + [path for value in data.values() for path in own_files(value)]
    return [path for value in data for path in own_files(value)] if isinstance(data, (list, tuple)) else []
