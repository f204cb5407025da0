"""Run specifications: all that determines a run, as JSON. Equal specifications give equal coefficients."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from pdefreq.core.composition import Part, decode_part, encode_part
from pdefreq.core.content import beside, code_files, moved
from pdefreq.core.errors import OptionError, RunFolderError
from pdefreq.core.history import Schedule, Stop
from pdefreq.core.strict_json import require_schema
from pdefreq.problem.identity import WrittenProblem
from pdefreq.runs.run_record import SpecRecord, spec_id
from pdefreq.solvers.solver import Solver

if TYPE_CHECKING:
    import numpy as np

    from pdefreq.probes.probe import Probe

P = TypeVar("P", bound=Part)

FORMAT = 6
"""The version of the content of run folders. Folders of other versions are refused."""


@dataclass(frozen=True)
class RunSpec:
    """All that determines a run.

    Args:
        problem: The problem in its written form.
        method: The name of the method in tables and folders, as it was requested.
        solver: The method as its registered name and its options, as `solver_to_json` writes them; None for a method that is
            not in a registry.
        seed: The seed of all random numbers.
        dtype: ``"float64"`` or ``"float32"``.
        device: A torch device such as ``"cpu"`` or ``"cuda"``.
        stop: The budget.
        schedule: The recorded steps.
        modes: The mode family, if it is not that of the problem.
        predict: Whether to store the prediction for each mode.
        probes: The probes, as written by `probe_to_json`; None for the default probes.
        outputs: What the commands write with the tables: ``"figures"``, ``"tensorboard"``; Python functions write neither.
        given: Names of the Python objects that the spec can't contain: solver, guess, reference, probes. For the problem see
            `WrittenProblem.samples`.
        reasons: Sentences on the choice of the method, if `method` chose it for the problem, as `auto` does, and of its parts.
    """

    problem: WrittenProblem
    method: str
    solver: Mapping[str, Any] | None
    seed: int = 0
    dtype: str = "float64"
    device: str = "cpu"
    stop: Stop = field(default_factory=Stop)
    schedule: Schedule = field(default_factory=Schedule)
    modes: str | None = None
    predict: bool = True
    probes: tuple[Mapping[str, Any], ...] | None = None
    outputs: tuple[str, ...] = ("figures",)
    given: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """A JSON object, in which the problem refers to arrays that are stored separately: see `WrittenProblem.arrays`."""
        return {f.name: getattr(self, f.name) for f in fields(self)} | {
            "problem": self.problem.to_json(),
            "stop": asdict(self.stop),
            "schedule": asdict(self.schedule),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any], arrays: Mapping[str, np.ndarray] = MappingProxyType({})) -> RunSpec:
        """The inverse of `to_json`.

        Args:
            data: The JSON object.
            arrays: The arrays of the problem.

        Raises:
            RunFolderError: If keys are missing or unknown, a value has the wrong type, or the problem is damaged.
        """
        try:
            require_schema(data, SpecRecord, "spec")
            parts = {
                "problem": WrittenProblem.from_json(data["problem"], arrays),
                "stop": Stop(**data["stop"]),
                "schedule": Schedule(**data["schedule"]),
                "given": tuple(data["given"]),
                "outputs": tuple(data["outputs"]),
                "reasons": tuple(data["reasons"]),
            }
            probes = data["probes"]
            return cls(**{**data, **parts, "probes": None if probes is None else tuple(probes)})
        except (KeyError, TypeError, ValueError, AttributeError, OptionError) as error:
            raise RunFolderError(f"run.json does not hold a run of this version of pdefreq: {error}") from None

    def beside(self, folder: Path) -> RunSpec:
        """The same spec with the Python files of the user replaced by their copies in a run folder."""
        return self.moved(lambda path: folder / path.name)

    def moved(self, place: Callable[[Path], Path]) -> RunSpec:
        """The same spec with the Python files of the user replaced by copies, whose paths depend on those of the files."""
        problem = self.problem.moved(place)
        return replace(self, problem=problem, solver=moved(self.solver, place), probes=moved(self.probes, place))

    @property
    def code_files(self) -> list[Path]:
        """The Python files of the user to which the method, the probes and the problem refer."""
        return list(dict.fromkeys([*code_files([self.solver, self.probes or []]), *self.problem.code_files]))

    @property
    def id(self) -> str:
        """Twelve hexadecimal digits of the digest of the spec."""
        return spec_id(self.to_json())


def solver_to_json(solver: Solver) -> dict[str, Any] | None:
    """A solver as its registered name and its options, parts included; None if these do not determine it."""
    return encode_part(solver)


def solver_from_json(data: Mapping[str, Any], folder: Path | None = None, *, trust: bool = False) -> Solver:
    """The inverse of `solver_to_json`.

    Args:
        data: The JSON object.
        folder: A run folder with copies of the Python files that the data name.
        trust: Whether these files are loaded.

    Raises:
        RunFolderError: If the data name no method, or a file that is not trusted.
    """
    return _read(Solver, data, folder, trust)


def same_method(solver: Solver, data: Mapping[str, Any]) -> bool:
    """Whether a method is the written one, apart from the folders of Python files."""
    own = solver_to_json(solver)
    return own is not None and json.dumps(beside(own, Path()), sort_keys=True) == json.dumps(beside(data, Path()), sort_keys=True)


def probe_to_json(probe: Probe) -> dict[str, Any] | None:
    """A probe as its registered name and its options; None if these do not determine it."""
    return encode_part(probe)


def probe_from_json(data: Mapping[str, Any], folder: Path | None = None, *, trust: bool = False) -> Probe:
    """The inverse of `probe_to_json`, with the arguments and errors of `solver_from_json`."""
    from pdefreq.probes.probe import Probe

    return _read(Probe, data, folder, trust)


def _read(kind: type[P], data: Any, folder: Path | None, trust: bool) -> P:
    made = decode_part(kind.registry, data if folder is None else beside(data, folder), trust=trust)
    if not isinstance(made, kind):
        raise RunFolderError(f"run.json names {data.get('name')!r} as a {kind.registry.kind}, which it is not")
    return made
