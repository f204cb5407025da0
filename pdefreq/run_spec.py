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
from typing import TYPE_CHECKING, Any

from pdefreq.composition import code_files, read, written
from pdefreq.errors import RunFolderError, UserError
from pdefreq.history import Schedule, Stop
from pdefreq.registry import import_file
from pdefreq.solvers.solver import Solver

if TYPE_CHECKING:
    from pdefreq.probes.probe import Probe


@dataclass(frozen=True)
class RunSpec:
    """What was asked for.

    Args:
        problem: The problem's name.
        problem_text: The problem file as used; empty for a problem built in Python.
        problem_files: The files that it names, and what their copies in a run folder are called, as `copy_name` says.
        parameters: Values of its parameters.
        method: The method's name, for tables and folders.
        solver: The solver's class and options, as `solver_to_json` writes them.
        seed: Seed of every random number.
        dtype: ``"float64"`` or ``"float32"``.
        device: A torch device such as ``"cpu"`` or ``"cuda"``.
        stop: The budget.
        schedule: When to record.
        modes: The family of modes watched, where one was named.
        probes: What is measured, each as `probe_to_json` writes it; None for the probes of every run.
        given: Arguments of `solve` that were Python objects and are not here: guess, reference, probes of local classes.
    """

    problem: str
    problem_text: str
    parameters: Mapping[str, Any]
    method: str
    solver: Mapping[str, Any]
    seed: int = 0
    dtype: str = "float64"
    device: str = "cpu"
    stop: Stop = field(default_factory=Stop)
    schedule: Schedule = field(default_factory=Schedule)
    modes: str | None = None
    problem_files: Mapping[str, str] = field(default_factory=dict)
    given: tuple[str, ...] = ()
    probes: tuple[Mapping[str, Any], ...] | None = None

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> RunSpec:
        """The inverse of `to_json`.

        Raises:
            RunFolderError: If keys are missing or unknown.
        """
        try:
            parts = {"stop": Stop(**data["stop"]), "schedule": Schedule(**data["schedule"]), "given": tuple(data["given"])}
            probes = data.get("probes")
            return cls(**{**data, **parts, "probes": None if probes is None else tuple(probes)})
        except (KeyError, TypeError) as error:
            raise RunFolderError(f"run.json does not hold a run of this version of pdefreq: {error}") from None

    @property
    def id(self) -> str:
        """Twelve hexadecimal digits that differ when anything above does."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True, default=str).encode()).hexdigest()[:12]


def copy_name(file: Path) -> str:
    """What the copy of a file in a run folder is called: it holds a digest of the content, so that a spec determines it."""
    return f"{file.stem}.{hashlib.sha256(file.read_bytes()).hexdigest()[:12]}{file.suffix}"


def solver_to_json(solver: Solver) -> dict[str, Any] | None:
    """A solver as its registered name and its options, parts included; None for one that could not be made again from them."""
    return written(solver)


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


def solver_from_json(data: Mapping[str, Any], folder: Path | None = None, *, trust: bool = False) -> Solver:
    """The inverse of `solver_to_json`.

    Args:
        data: What it wrote.
        folder: A run folder, where copies lie of the Python files that the data name.
        trust: Whether these files are loaded.

    Raises:
        RunFolderError: If the data name no method, or a file that is not trusted.
    """
    solver = read(Solver.registry, data if folder is None else _beside(data, folder), trust=trust)
    if not isinstance(solver, Solver):
        raise RunFolderError(f"run.json names {data.get('name')!r} as its method, which is not a Solver")
    return solver


def _beside(data: Any, folder: Path) -> Any:
    """The data with each Python file replaced by its copy in a folder; no other file is named then."""
    if isinstance(data, Mapping):
        return {key: _beside(value, folder) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [_beside(value, folder) for value in data]
    if not code_files(data):
        return data
    path, _, name = str(data).rpartition(":")
    return f"{folder / Path(path).name}:{name}"


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
    return list(dict.fromkeys([*code_files(data), *_class_files(data)]))


def _class_files(data: Any) -> list[Path]:
    if isinstance(data, Mapping):
        place = str(data.get("class", "")).rpartition(":")[0]
        here = [Path(place)] if place.endswith(".py") else []
        return here + [path for value in data.values() for path in _class_files(value)]
    return [path for value in data for path in _class_files(value)] if isinstance(data, (list, tuple)) else []
