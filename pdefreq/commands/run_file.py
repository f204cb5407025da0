"""The command `pdefreq run`, which starts the run that a file describes."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

import typer

from pdefreq.commands import shared_options as o
from pdefreq.commands.solve import solve
from pdefreq.core.conversion import describe
from pdefreq.core.errors import OptionError, UntrustedCodeError
from pdefreq.core.registry import is_file, nearest, untrusted

RunFile = Annotated[Path, typer.Argument(metavar="FILE.toml", help="The file that describes the run.", show_default=False)]
_VALUES: dict[str, tuple[type, ...]] = {
    "problem": (str,),
    "method": (str,),
    "modes": (str,),
    "steps": (int,),
    "seconds": (int, float),
    "train_seconds": (int, float),
    "tolerance": (int, float),
    "stagnation": (int,),
    "seed": (int,),
    "seeds": (int,),
    "dtype": (str,),
    "device": (str,),
    "threads": (int,),
    "probes": (list,),
    "prediction": (bool,),
}
TABLES = ("set", "param")
SWEEP_TABLES = ("grid", "range")
SWEEP_VALUES: dict[str, tuple[type, ...]] = {"samples": (int,), "search": (str,)}
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
    choices: dict[str, Any] = {"modes": o.ModeFamily, "dtype": o.Precision}
    arguments = {
        name: _choice(name, value, choices[name]) if name in choices else value
        for name, value in given.items()
        if name not in ("set", "param", "probes", "prediction")
    }
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
        return isinstance(tomllib.loads(file.read_text(encoding="utf-8")).get("problem"), str)
    except (OSError, ValueError, RecursionError):
        return False


def read_run_file(
    file: Path,
    *,
    trust: bool = False,
    further: Mapping[str, tuple[type, ...]] = MappingProxyType({}),
    tables: Sequence[str] = (),
) -> dict[str, Any]:
    """The entries of a run file: values as written, and the tables ``set`` and ``param`` with values as text.

    The path of a problem file is relative to the run file.

    Args:
        file: The file.
        trust: Whether Python files that it names may be loaded.
        further: Types of further values that are allowed.
        tables: Names of further tables that are allowed.

    Raises:
        OptionError: If the file can't be read, has an unknown key or a value of another type, names no problem, or names Python
            code and is not trusted.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text in UTF-8"
        raise OptionError(f"can't read the run file '{file}': {reason.lower()}") from None
    try:
        found = tomllib.loads(text[:_LONGEST])
    except (ValueError, RecursionError) as error:
        raise OptionError(f"the run file '{file}' is not valid TOML: {str(error).partition(chr(10))[0]}") from None
    types, known = _VALUES | dict(further), (*TABLES, *tables)
    for key, value in found.items():
        if key in known:
            if not isinstance(value, dict):
                raise OptionError(f"[{key}] in '{file}' must be a table of keys and values, got {value!r}")
        elif key in (*SWEEP_TABLES, *SWEEP_VALUES) and key not in types:
            raise OptionError(f"the file '{file}' describes a sweep, since it has the key '{key}': use `pdefreq sweep {file}`")
        elif key not in types:
            raise OptionError(f"the run file '{file}' has an unknown key '{key}': {nearest(key, [*types, *known])}")
        elif not isinstance(value, types[key]) or (isinstance(value, bool) and types[key] != (bool,)):
            expected = " or ".join(map(describe, types[key]))
            raise OptionError(f"`{key}` in '{file}' must be {expected}, got {value!r}")
    if "problem" not in found:
        raise OptionError(f"the run file '{file}' names no problem: write problem = \"poisson\", or the path of a problem file")
    found |= {name: {key: _text(value) for key, value in found[name].items()} for name in TABLES if name in found}
    named = [found.get("method", ""), *found.get("set", {}).values(), *map(str, found.get("probes", []))]
    code = [Path(name.rpartition(":")[0]) for name in named if is_file(name)]
    if code and not trust:
        raise UntrustedCodeError(untrusted(code), files=list(code))
    if found["problem"].partition(".toml")[1] and not os.path.isabs(found["problem"]):
        found["problem"] = str(file.parent / found["problem"])
    return found


def _text(value: Any) -> str:
    """The text of a value on the command line, with lists and numbers as JSON."""
    import json

    return value if isinstance(value, str) else json.dumps(value)


def _choice(name: str, value: str, kind: Any) -> Any:
    if value not in [each.value for each in kind]:
        raise OptionError(f"`{name}` must be one of {', '.join(each.value for each in kind)}, got '{value}'")
    return kind(value)
