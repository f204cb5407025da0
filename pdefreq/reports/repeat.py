"""The command that repeats a run."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pdefreq.core.errors import UserError
from pdefreq.core.history import Stop

if TYPE_CHECKING:
    from pdefreq.problem.identity import WrittenProblem
    from pdefreq.runs.solution import Solution

_NOT_DETERMINED = "This run contains Python objects: repeat it with the script that made it."


def command_of(run: Solution) -> str:
    """The command that repeats a run, or a sentence if there is none.

    It states all options of the method that differ from those that the name of the method has on this problem. The number of
    steps is that of the run. A problem that is not included in the package is named by a file with its text.
    """
    spec, problem = run.spec, _problem(run.spec.problem)
    stop = Stop(steps=run.step) if spec.stop.steps is not None else spec.stop
    method = None if spec.solver is None or spec.given or problem is None else _method(run, stop)
    if problem is None or method is None:
        return _NOT_DETERMINED
    words = ["pdefreq", "solve", *problem, *method, "--seed", spec.seed, "--dtype", spec.dtype]
    for name, value in asdict(stop).items():
        words += [f"--{name.replace('_', '-')}", value] if value is not None else []
    words += ["--device", spec.device] if spec.device != "cpu" else []
    words += ["--modes", spec.modes] if spec.modes else []
    words += [word for probe in spec.probes or () for word in _probe(probe)]
    words += [] if spec.predict else ["--no-prediction"]
    words += ["--tensorboard"] if "tensorboard" in spec.outputs else []
    words += ["--trust"] if spec.problem.code_files else []
    return " ".join(shlex.quote(str(word)) for word in words)


def _problem(written: WrittenProblem) -> list[str] | None:
    """The words that name the problem; None if it has no file."""
    from pdefreq.problem.files import load_problem

    if written.is_given:
        return None
    parameters: dict[str, Any] = {key: _text(value) for key, value in written.parameters.items()}
    settings = [word for key, value in parameters.items() for word in ("--param", f"{key}={value}")]
    try:
        if load_problem(written.name, **parameters).digest == written.digest:
            return [written.name, *settings]
    except UserError:  # no problem of the package has this name and these parameters
        pass
    if not written.text:
        return None
    stem, colon, variant = written.name.partition(":")
    return [f"{stem}.toml{colon}{variant}", *settings]


def _method(run: Solution, stop: Stop) -> list[str] | None:
    """The words that name the method and set its options; None if they do not give the same method."""
    from pdefreq.runs.spec import solver_to_json
    from pdefreq.solvers.names import make_solver

    blind, wanted = run.problem.blind(), run.spec.solver
    assert wanted is not None

    def resolved(name: str, settings: Mapping[str, str]) -> dict[str, Any] | None:
        solver = make_solver(name, settings)
        return solver_to_json(solver.resolved(blind, solver.budget.override(stop)))

    for name in dict.fromkeys((run.spec.method, str(wanted["name"]))):
        try:
            usual = resolved(name, {})
            settings = {} if usual is None else _settings(wanted, usual)
            if usual is not None and resolved(name, settings) == wanted:
                return ["--method", name, *(word for item in settings.items() for word in ("--set", "=".join(item)))]
        except UserError:  # the name is a label that the caller chose, or sets an option as well
            continue
    return None


def _probe(probe: Mapping[str, Any]) -> list[str]:
    """The words that ask for a probe; none for those of every run."""
    from pdefreq.probes import DEFAULT_PROBES
    from pdefreq.probes.probe import make_probe
    from pdefreq.runs.spec import probe_to_json

    name, usual = probe["name"], probe_to_json(make_probe(probe["name"])) or {}
    if name in DEFAULT_PROBES:
        return []
    settings = ",".join("=".join(item) for item in _settings(probe, usual).items())
    return ["--probe", f"{name}:{settings}" if settings else name]


def _settings(wanted: Mapping[str, Any], usual: Mapping[str, Any], before: str = "") -> dict[str, str]:
    """The options of a part that differ from those of another one of the same name, as text by path."""
    found: dict[str, str] = {}
    for key, value in wanted.items():
        old, path = usual.get(key), f"{before}{key}"
        if isinstance(value, Mapping) and "name" in value:
            if not isinstance(old, Mapping) or old.get("name") != value["name"]:
                found[path], old = value["name"], {}
            found |= _settings(value, old, f"{path}.")
        elif key != "name" and value != old:
            found[path] = _text(value)
    return found


def _text(value: Any) -> str:
    """A value as on the command line."""
    if isinstance(value, Mapping):
        return ",".join(f"{key}:{_text(each)}" for key, each in value.items())
    return value if isinstance(value, str) else json.dumps(value)
