"""Tables of plain text, for the representations of results."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

_ENDS = 5  # number of first rows and of last rows that are shown of a long table
_LONGEST = 60  # largest number of characters in a cell


def text_table(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Lines of aligned columns. A long table is shown by its first and last rows.

    Args:
        columns: The names of the columns, which are keys of the rows.
        rows: Numbers and texts by name; None and nan are shown as a dash.

    Example:
        >>> text_table(["step", "error"], [{"step": 1, "error": 0.25}, {"step": 10, "error": None}])
        ['step  error', '   1   0.25', '  10      -']
    """
    cells = [[_cell(row[name]) for name in columns] for row in rows]
    if len(cells) > 2 * _ENDS:
        cells = [*cells[:_ENDS], ["..."] * len(columns), *cells[-_ENDS:]]
    cells = [[*columns], *cells]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in cells]


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, str):
        return value if len(value) <= _LONGEST else f"{value[: _LONGEST - 3]}..."
    return f"{value:.4g}" if math.isfinite(value) else "-"
