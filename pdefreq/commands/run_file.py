"""The command `pdefreq run`, which starts the run that a file describes."""

from __future__ import annotations

import os
import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from pdefreq.commands import shared_options as o
from pdefreq.commands.solve import solve
from pdefreq.core.conversion import describe, shown
from pdefreq.core.errors import ProblemFileError, UntrustedCodeError
from pdefreq.core.findings import Findings
from pdefreq.core.registry import is_file, nearest, trusting, untrusted

RunFile = Annotated[Path, typer.Argument(metavar="FILE.toml", help="The file that describes the run.", show_default=False)]
_VALUES: dict[str, tuple[type, ...]] = {
    "problem": (str,),
    "method": (str,),
    "modes": (o.ModeFamily,),
    "steps": (int,),
    "seconds": (int, float),
    "train_seconds": (int, float),
    "tolerance": (int, float),
    "stagnation": (int,),
    "seed": (int,),
    "seeds": (int,),
    "dtype": (o.Precision,),
    "device": (str,),
    "threads": (int,),
    "probes": (list,),
    "prediction": (bool,),
}
_TABLES: dict[str, tuple[type, ...]] = {"set": (object,), "param": (object,)}  # with the types of their values
_SWEEP_VALUES: dict[str, tuple[type, ...]] = {"samples": (int,), "search": (str,)}
_SWEEP_TABLES: dict[str, tuple[type, ...]] = {"grid": (list,), "range": (str, list)}
_RUN_ONLY = ("probes", "prediction")
_LONGEST = 100_000  # characters


def run(
    file: RunFile,
    trust: o.Trust = False,
    out: o.Out = None,
    json_output: o.Json = False,
    quiet: o.Quiet = False,
    verbose: o.Verbose = False,
    no_figures: o.NoFigures = False,
) -> int:
    """Solve the problem that a file names, with the method, the options and the budget in the file."""
    given = read_run_file(file, trust=trust)
    arguments = {name: value for name, value in given.items() if name not in ("set", "param", "probes", "prediction")}
    with trusting(trust):
        return solve(
            **arguments,
            settings=[f"{key}={value}" for key, value in given.get("set", {}).items()],
            params=[f"{key}={value}" for key, value in given.get("param", {}).items()],
            probe=given.get("probes"),
            no_prediction=not given.get("prediction", True),
            trust=trust,
            out=out,
            json_output=json_output,
            quiet=quiet,
            verbose=verbose,
            no_figures=no_figures,
        )


def is_run_file(file: Path) -> bool:
    """Whether a TOML file names a problem, as run files do, instead of stating one."""
    try:
        return isinstance(_document(file).get("problem"), str)
    except ProblemFileError:
        return False


def read_run_file(file: Path, *, trust: bool = False, is_sweep: bool = False) -> dict[str, Any]:
    """The entries of a run file: values as written, and the tables ``set`` and ``param`` with values as text.

    The path of a problem file is relative to the run file.

    Args:
        file: The file.
        trust: Whether Python files that it names may be loaded.
        is_sweep: Whether the file may describe a sweep.

    Raises:
        ProblemFileError: If the file can't be read, has unknown keys or values of other types, or names no problem. All errors
            are listed.
        UntrustedCodeError: If it names Python code and is not trusted.
    """
    given, findings, found = _document(file), Findings(), {}
    if "problem" not in given and "domain" in given:
        raise ProblemFileError(f"'{file}' is a problem file, not a run file: use `pdefreq solve {file}`")
    for key, value in given.items():
        with findings.collecting():
            found[key] = _checked(key, value, file, is_sweep=is_sweep)
    if "problem" not in given:
        findings.add(ProblemFileError('it names no problem: write problem = "poisson", or the path of a problem file'))
    findings.raise_all(f"the run file '{file}'")
    found |= {name: {key: _text(value) for key, value in found[name].items()} for name in _TABLES if name in found}
    named = [found.get("method", ""), *found.get("set", {}).values(), *map(str, found.get("probes", []))]
    code = [Path(name.rpartition(":")[0]) for name in named if is_file(name)]
    if code and not trust:
        raise UntrustedCodeError(untrusted(code), files=list(code))
    if found["problem"].partition(".toml")[1] and not os.path.isabs(found["problem"]):
        found["problem"] = str(file.parent / found["problem"])
    return found


def _document(file: Path) -> dict[str, Any]:
    try:
        with file.open(encoding="utf-8") as stream:
            text = stream.read(_LONGEST + 1)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text in UTF-8"
        raise ProblemFileError(f"can't read the run file '{file}': {reason.lower()}") from None
    if len(text) > _LONGEST:
        raise ProblemFileError(f"the run file '{file}' has more than {_LONGEST:,} characters, too many for a run file")
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise ProblemFileError(f"the run file '{file}' is not valid TOML: {str(error).partition(chr(10))[0]}") from None


def _checked(key: str, value: Any, file: Path, *, is_sweep: bool) -> Any:
    """The value of a key.

    Raises:
        ProblemFileError: If the key is unknown, or its value has another type.
    """
    types, tables = _VALUES, _TABLES
    if is_sweep:
        types = {name: kinds for name, kinds in _VALUES.items() if name not in _RUN_ONLY} | _SWEEP_VALUES
        tables = _TABLES | _SWEEP_TABLES
    if key in tables:
        if not isinstance(value, dict):
            raise ProblemFileError(f"[{key}] in '{file}' must be a table of keys and values, got {shown(value)}")
        return {name: _typed(f"[{key}] {name}", each, tables[key], file) for name, each in value.items()}
    if key in types:
        return _typed(f"`{key}`", value, types[key], file)
    if key in (*_SWEEP_VALUES, *_SWEEP_TABLES):
        raise ProblemFileError(f"the file '{file}' describes a sweep, since it has the key '{key}': use `pdefreq sweep {file}`")
    raise ProblemFileError(f"the run file '{file}' has an unknown key '{key}': {nearest(key, [*types, *tables])}")


def _typed(name: str, value: Any, types: tuple[type, ...], file: Path) -> Any:
    if issubclass(types[0], StrEnum):
        if value not in [*types[0]]:
            raise ProblemFileError(f"{name} in '{file}' must be one of {', '.join(types[0])}, got {shown(value)}")
        return types[0](value)
    is_other_bool = isinstance(value, bool) and types not in ((bool,), (object,))
    if not isinstance(value, types) or is_other_bool:
        expected = " or ".join(map(describe, types))
        raise ProblemFileError(f"{name} in '{file}' must be {expected}, got {shown(value)}")
    return value


def _text(value: Any) -> str:
    """The text of a value on the command line, with lists and numbers as JSON."""
    import json

    return value if isinstance(value, str) else json.dumps(value)
