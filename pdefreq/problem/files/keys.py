"""The tables of a problem file with their keys, and the check that a file has no others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pdefreq.core.errors import ProblemFileError
from pdefreq.core.findings import Findings
from pdefreq.core.table_keys import Key, Other, Table
from pdefreq.core.text_kinds import Text
from pdefreq.problem.expressions.scope import shorten
from pdefreq.problem.files.boundary import BOUNDARY_KEYS
from pdefreq.problem.files.coefficient_files import GRID_KEYS
from pdefreq.problem.files.data import DATA_KEYS
from pdefreq.problem.files.equation import EQUATION_KEYS
from pdefreq.problem.files.key_names import renamed
from pdefreq.problem.files.run_table import RUN_KEYS
from pdefreq.problem.files.spectrum import SPECTRUM_KEYS
from pdefreq.problem.terms import TERMS


def document_keys() -> tuple[Key, ...]:
    """The keys and tables of a problem file. The keys of [domain] belong to the kinds of domains."""
    terms = tuple(key for name in TERMS for key in TERMS.load(name).keys)
    return (
        Key("title", Text(), "the title in tables and figures", default="", examples=("My problem",)),
        Key("citation", Text(), "the source of the problem", default=""),
        Key("parameters", Table(None), "named numbers, which formulas may contain; `--param NAME=VALUE` changes them"),
        Key("domain", Table(None), "the domain"),
        Key("equation", Table((*terms, *GRID_KEYS, *EQUATION_KEYS)), "the equation and, where it is known, its solution"),
        Key("boundary", Table(BOUNDARY_KEYS), "the conditions on the boundary"),
        Key("data", Table(DATA_KEYS), "points at which f is known, instead of everywhere"),
        Key("spectrum", Table(SPECTRUM_KEYS), "the modes in which errors are measured"),
        Key("run", Table(RUN_KEYS), "the method and the limits of `pdefreq solve`, unless the command line states them"),
        Key("variant", Table(None), "changes to this file, by name of the variant, such as [variant.hard.equation]"),
    )


def known_part(document: Mapping[str, Any], findings: Findings, keys: Sequence[str] = ()) -> dict[str, Any]:
    """A file without its unknown keys, and without values that are not tables where tables are expected.

    Both are reported. An unknown key that resembles a missing one takes its place, so that its value is checked as well.

    Args:
        document: The tables of the file, or those of a variant merged into them.
        findings: The errors of the file.
        keys: The keys and tables of the file; by default those of a problem file.
    """
    return _known(document, keys or document_keys(), "", findings)


def _known(table: Mapping[str, Any], keys: Sequence[str], path: str, findings: Findings) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in renamed(table, keys, path, findings):
        below = f"{path}.{key}" if path else key
        kind = next(known.kind if isinstance(known, Key) else Other("") for known in keys if known == key)
        try:
            found[key] = _checked(value, kind, below, findings)
        except ProblemFileError as error:
            findings.add(error)
            findings.incomplete |= {path, below}
    return found


def _checked(value: Any, kind: Any, path: str, findings: Findings) -> Any:
    """A value whose tables have known keys only."""
    if not isinstance(kind, Table):
        if isinstance(value, dict):
            raise ProblemFileError(f"{path} must be a value, not a table")
        return value
    if not kind.repeated:
        inside = [f"[[{path}.{key}]]" for key in kind.keys or () if isinstance(key, Key) and _is_repeated(key.kind)]
        if isinstance(value, list) and inside:
            raise ProblemFileError(f"[{path}] is one table: write {' or '.join(inside)} in place of [[{path}]]")
        return _table(value, kind, path, f"[{path}] must be a table of keys and values", findings)
    if not isinstance(value, list):
        raise ProblemFileError(f"{path} must be written as [[{path}]], got {shorten(value)}")
    return [_table(item, kind, path, f"[[{path}]] must be a table", findings) for item in value]


def _is_repeated(kind: Any) -> bool:
    return isinstance(kind, Table) and kind.repeated


def _table(value: Any, kind: Table, path: str, expected: str, findings: Findings) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ProblemFileError(f"{expected}, got {shorten(value)}")
    return dict(value) if kind.keys is None else _known(value, kind.keys, path, findings)
