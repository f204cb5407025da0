"""The correction of misspelled keys, so that their values are checked as well."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pdefreq.core.errors import ProblemFileError
from pdefreq.core.findings import Findings
from pdefreq.core.registry import nearest
from pdefreq.problem.expressions.scope import shorten

_ALIKE = 0.7  # least similarity at which an unknown key is read as the known key that it resembles


def renamed(table: Mapping[str, Any], known: Iterable[str], path: str, findings: Findings) -> Iterator[tuple[str, Any]]:
    """The keys and values of a table, with each unknown key replaced by the missing key that it resembles, or left out.

    Unknown keys are reported when the iteration reaches them, so that errors are listed in the order of the file.

    Args:
        table: The table.
        known: The known keys.
        path: The path of the table.
        findings: The errors of the file.
    """
    known = list(map(str, known))
    missing = [key for key in known if key not in table]
    for key, value in table.items():
        if key in known:
            yield key, value
            continue
        place = f"[{path}] " if path else ""
        findings.add(ProblemFileError(f"{place}unknown key {shorten(key)}: {nearest(key, known)}"))
        close = difflib.get_close_matches(key.lower(), missing, n=1, cutoff=_ALIKE)
        if close:
            missing.remove(close[0])
            yield close[0], value
        else:
            findings.incomplete.add(path)
