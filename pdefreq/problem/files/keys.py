"""The keys of a problem file, and their validation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pdefreq.core.errors import ProblemFileError
from pdefreq.core.registry import nearest
from pdefreq.problem.expressions.scope import shorten
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
        ProblemFileError: If it does not; for an unknown key, the message suggests the nearest known key.
    """
    terms = dict.fromkeys(key for name in TERMS for key in TERMS.load(name).keys)
    check_keys(document, {**_KEYS, "equation": terms | _KEYS["equation"]})


def check_keys(table: Any, known: Mapping[str, Any], path: str = "") -> None:
    """Check that a table has no unknown keys, and that tables inside it are tables.

    Raises:
        ProblemFileError: If it does not; for an unknown key, the message suggests the nearest known key.
    """
    if not isinstance(table, dict):
        raise ProblemFileError(f"[{path}] must be a table of keys and values, got {shorten(table)}")
    for key, value in table.items():
        if key not in known:
            place = f"[{path}] " if path else ""
            raise ProblemFileError(f"{place}unknown key {shorten(key)}: {nearest(key, known)}")
        below = f"{path}.{key}" if path else key
        match known[key]:
            case dict() as keys:
                check_keys(value, keys, below)
            case [keys]:
                if not isinstance(value, list):
                    raise ProblemFileError(f"{below} must be written as [[{below}]], got {shorten(value)}")
                for item in value:
                    if isinstance(keys, dict):
                        check_keys(item, keys, below)
                    elif not isinstance(item, dict):
                        raise ProblemFileError(f"[[{below}]] must be a table, got {shorten(item)}")
            case None if isinstance(value, dict):
                raise ProblemFileError(f"{below} must be a value, not a table")
            case _ if known[key] is str and not isinstance(value, dict):
                raise ProblemFileError(f"[{below}] must be a table, got {shorten(value)}")
