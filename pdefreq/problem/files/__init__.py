"""Problem files: lookup by name, and construction of a `Problem` from a file, a variant and parameters.

Listing names and titles does not import numpy, torch or sympy.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pdefreq.core.conversion import shown
from pdefreq.core.errors import OptionError, ProblemFileError, UnknownNameError
from pdefreq.core.registry import nearest
from pdefreq.problem.files.description import describe
from pdefreq.problem.files.directories import problem_directories
from pdefreq.problem.problem import Problem

__all__ = [
    "describe",
    "load_problem",
    "parameter_names",
    "problem_directories",
    "problem_from_text",
    "problem_names",
    "run_settings",
    "template",
    "variant_names",
]

_LONGEST = 1_000_000  # characters


def problem_names() -> list[tuple[str, str]]:
    """The name and title of every problem that can be loaded by name, sorted. The title of an unreadable file is its error."""
    rows = {}
    for name, path in _files().items():
        try:
            rows[name] = str(_toml(_read(path), name).get("title", ""))
        except ProblemFileError as error:
            rows[name] = str(error)
    return sorted(rows.items())


def load_problem(
    name_or_path: str | os.PathLike[str], /, variant: str | None = None, *, trust: bool = False, **parameters: float | str
) -> Problem:
    """Load a problem of the package by name, or a problem file by path.

    Args:
        name_or_path: ``"poisson"``, ``"poisson:hard"``, ``"my.toml"``, ``"folder/my.toml:hard"``.
        variant: A variant of the file; alternatively given after the colon.
        trust: Whether Python files that the problem file names, for user-defined terms or domains, may be loaded.
        parameters: Values for parameters of the file and for ``dimension``: numbers, or expressions of earlier parameters.

    Raises:
        UnknownNameError: If the problem, the variant or a parameter does not exist.
        ProblemFileError: If the file is malformed or inconsistent.

    Example:
        >>> load_problem("poisson-chirp", dimension=1, mu=5).domain.dimension
        1
    """
    path, name = _located(name_or_path, variant)
    return problem_from_text(_read(path), name=name, parameters=parameters, locate=path.parent.joinpath, trust=trust)


def run_settings(name_or_path: str | os.PathLike[str], /) -> dict[str, Any]:
    """The entries of the [run] table of a problem file: the method, its options and the limits of a run, if it states them.

    Args:
        name_or_path: A problem or a file, as in `load_problem`.

    Raises:
        UnknownNameError: If the problem or the variant does not exist.
        ProblemFileError: If the file is not valid TOML, or an entry is malformed or names a Python file.
    """
    path, name = _located(name_or_path, None)
    document = _toml(_read(path), name)
    changes = document.get("variant", {})
    variant = name.partition(":")[2]
    if isinstance(changes, dict) and variant in changes:
        document = _merged(document, changes[variant])
    values = document.get("run", {})
    if not isinstance(values, dict) or not values:  # `load_problem` refuses other values
        return {}
    from pdefreq.problem.files.run_table import read_run

    return read_run(values)


def variant_names(name_or_path: str | os.PathLike[str], /) -> list[str]:
    """The variants of a problem file.

    Raises:
        UnknownNameError: If the problem does not exist.
        ProblemFileError: If the file is not valid TOML.
    """
    return list(_table_of(name_or_path, "variant"))


def parameter_names(name_or_path: str | os.PathLike[str], /) -> list[str]:
    """The parameters of a problem file; errors are those of `variant_names`."""
    return list(_table_of(name_or_path, "parameters"))


def _table_of(name_or_path: str | os.PathLike[str], table: str) -> dict[str, Any]:
    path, name = _located(name_or_path, None)
    found = _toml(_read(path), name).get(table, {})
    return found if isinstance(found, dict) else {}


def template(kind: str = "box", *, complete: bool = False) -> str:
    """A problem file that can be solved without changes; see `pdefreq.problem.files.templates.template`."""
    from pdefreq.problem.files.templates import template

    return template(kind, complete=complete)


def _located(given: str | os.PathLike[str], variant: str | None) -> tuple[Path, str]:
    """The file of a problem, and the name of the problem with its variant."""
    if not isinstance(given, (str, os.PathLike)):
        raise OptionError(f"a problem must be a name or the path of a problem file, got {shown(given)}")
    place = os.fspath(given)
    if variant is None and re.search(r":[^:/\\]+$", place):
        place, _, variant = place.rpartition(":")
    if place.endswith(".toml") or "/" in place or os.sep in place:
        path, stem = Path(os.path.expanduser(place)), Path(place).stem
    else:
        files = _files()
        if place not in files:
            raise UnknownNameError(
                f"unknown problem '{_line(place)}' (the path of a file must end in .toml): {nearest(place, files)}",
                name=place,
            )
        path, stem = files[place], place
    return path, f"{stem}:{variant}" if variant else stem


def problem_from_text(
    text: str,
    *,
    name: str = "problem",
    parameters: Mapping[str, float | str] | None = None,
    locate: Callable[[str], Path] | None = None,
    trust: bool = False,
) -> Problem:
    """The problem described by the text of a problem file.

    Args:
        text: The text in TOML.
        name: The name of the problem, followed by a colon and a variant if one is selected.
        parameters: Values of parameters, as in `load_problem`.
        locate: A function from the name of a file in the text to its path; by default the `problem_directories` are searched.
        trust: Whether Python files that the text names may be loaded.

    Raises:
        UnknownNameError: If the variant or a parameter does not exist.
        ProblemFileError: If the text is malformed or inconsistent.
    """
    from pdefreq.core.findings import Findings
    from pdefreq.problem.files.aliases import without_aliases
    from pdefreq.problem.files.keys import known_part
    from pdefreq.problem.files.reader import read_problem

    findings, stated = Findings(), _toml(text, name)
    if isinstance(stated.get("problem"), str) and "domain" not in stated:
        raise ProblemFileError(
            f"'{_line(name)}' describes runs of the problem '{_line(stated['problem'])}': use `pdefreq run FILE`, "
            "or `pdefreq sweep FILE` if it has a table [grid] or [range]"
        )
    whole = without_aliases(stated, findings)
    document = known_part(whole, findings)
    changes = document.get("variant", {})
    variants = {label: known_part(_merged(whole, each), findings) for label, each in changes.items()}
    variant = name.partition(":")[2]
    if variant:
        if variant not in variants:
            raise UnknownNameError(
                f"unknown variant '{_line(variant)}' of '{name.partition(':')[0]}': {nearest(variant, variants)}",
                name=variant,
            )
        document = variants[variant]
    return read_problem(
        document,
        name=name,
        text=text,
        overrides=dict(parameters or {}),
        locate=locate or _shipped,
        findings=findings,
        trust=trust,
    )


def _shipped(name: str) -> Path:
    """The path of a file in a problem directory, or the name itself if no directory contains it."""
    places = [directory / name for directory in problem_directories()]
    return next((place for place in places if place.is_file()), Path(name))


def _files() -> dict[str, Path]:
    """Name -> file. If several directories contain a name, the first one is used."""
    return {path.stem: path for directory in reversed(problem_directories()) for path in sorted(directory.glob("*.toml"))}


def _read(path: Path) -> str:
    try:
        if not path.is_file():
            what = "is a folder: name a .toml file in it" if Path(path).is_dir() else "does not exist"
            raise ProblemFileError(f"the problem file {_line(path)} {what}")
        with path.open(encoding="utf-8") as file:
            text = file.read(_LONGEST + 1)
    except UnicodeDecodeError:
        raise ProblemFileError(f"{_line(path)} is not a text file in UTF-8") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a file name"
        raise ProblemFileError(f"can't read the problem file {_line(path)}: {reason.lower()}") from None
    if len(text) > _LONGEST:
        raise ProblemFileError(f"{_line(path)} has more than {_LONGEST} characters, too many for a problem file")
    return text


def _toml(text: str, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ProblemFileError(f"problem '{_line(name)}' is not valid TOML: it is nested too deeply") from None
    except ValueError as error:  # tomllib.TOMLDecodeError, and numbers with too many digits
        raise ProblemFileError(f"problem '{_line(name)}' is not valid TOML: {_line(error)}") from None


def _merged(document: Mapping[str, Any], changes: Any) -> dict[str, Any]:
    """The document with the tables of a variant merged into it recursively. An empty string removes a key."""
    if not isinstance(changes, dict):
        raise ProblemFileError(f"[variant] must contain tables such as [variant.hard], got {_line(changes)}")
    merged = dict(document)
    for key, value in changes.items():
        old = merged.get(key)
        merged[key] = _merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return {key: value for key, value in merged.items() if changes.get(key) != ""}


def _line(text: object) -> str:
    return "".join(c if c.isprintable() else "?" for c in str(text))[:200]
