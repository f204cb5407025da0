"""The keys of a problem file, and their validation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pdefreq.core.errors import ProblemFileError
from pdefreq.core.registry import nearest
from pdefreq.problem.expressions.scope import shorten
from pdefreq.problem.files.findings import Findings
from pdefreq.problem.terms import TERMS

_KEYS: dict[str, Any] = {  # None: a value; a dict: a table; a list: tables; str: a table of any names
    "title": None,
    "citation": None,
    "parameters": str,
    "domain": str,  # checked by the class of the domain
    "equation": {"source": None, "exact": None, "singular": None, "interpolation": None, "shades": None, "term": [str]},
    "boundary": {"value": None, "part": [dict.fromkeys(("name", "where", "kind", "value", "alpha", "flux"))]},
    "data": dict.fromkeys(("points", "number", "noise", "holdout")),
    "spectrum": dict.fromkeys(("modes", "wavenumbers", "direction")),
    "variant": str,
}


def check_document(document: Any) -> None:
    """Check that a problem file has no unknown keys, and that tables are tables.

    Raises:
        ProblemFileError: If it does not; for an unknown key, the message suggests the nearest known key. Several errors are
            listed in one message.
    """
    terms = dict.fromkeys(key for name in TERMS for key in TERMS.load(name).keys)
    findings = Findings()
    for error in _errors(document, {**_KEYS, "equation": terms | _KEYS["equation"]}):
        findings.add(error)
    findings.raise_all()


def _errors(table: Any, known: Mapping[str, Any], path: str = "") -> Iterator[ProblemFileError]:
    """The unknown keys of a table, and the values that must be tables."""
    if not isinstance(table, dict):
        yield ProblemFileError(f"[{path}] must be a table of keys and values, got {shorten(table)}")
        return
    for key, value in table.items():
        if key not in known:
            place = f"[{path}] " if path else ""
            yield ProblemFileError(f"{place}unknown key {shorten(key)}: {nearest(key, known)}")
            continue
        below = f"{path}.{key}" if path else key
        match known[key]:
            case dict() as keys:
                yield from _errors(value, keys, below)
            case [keys]:
                if not isinstance(value, list):
                    yield ProblemFileError(f"{below} must be written as [[{below}]], got {shorten(value)}")
                    continue
                for item in value:
                    if isinstance(keys, dict):
                        yield from _errors(item, keys, below)
                    elif not isinstance(item, dict):
                        yield ProblemFileError(f"[[{below}]] must be a table, got {shorten(item)}")
            case None if isinstance(value, dict):
                yield ProblemFileError(f"{below} must be a value, not a table")
            case _ if known[key] is str and not isinstance(value, dict):
                yield ProblemFileError(f"[{below}] must be a table, got {shorten(value)}")
