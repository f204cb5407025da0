"""Tables of a report."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from pdefreq.reports.markup import Markup, tag
from pdefreq.spectrum.bias import Relation, with_relation

MOST_ROWS, MOST_COLUMNS = 60, 25  # of the table of a chart


def shown(value: Any, digits: int = 4) -> str:
    """A number as text; a dash if it is missing or not finite."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:.{digits}g}"


def bias(value: float | None, relation: Relation | None) -> str:
    """A bias index as text; in parentheses if low and high modes were not halved, so that it is not a bound."""
    return with_relation(shown(value, 2), None if value is None else relation).replace(">=", "≥").replace("<=", "≤")


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, caption: str) -> Markup:
    """A table in a group that is scrolled sideways, also with the keyboard."""
    head = tag("thead", tag("tr", *(tag("th", name, scope="col") for name in columns)))
    body = [tag("tr", tag("th", row[0], scope="row"), *(tag("td", cell) for cell in row[1:])) for row in rows]
    content = tag("table", tag("caption", caption), head, tag("tbody", *body))
    return tag("div", content, class_="scroll", tabindex="0", role="group", aria_label=caption)


def data_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Markup:
    """The table of a chart, closed at first. Wide and long tables are cut, and say so."""
    cut = "; the table is thinned, all numbers are in the run folder" if len(rows) >= 30 else ""
    if len(columns) > MOST_COLUMNS or len(rows) > MOST_ROWS:
        cut = f"; the first {min(len(rows), MOST_ROWS)} rows and {min(len(columns), MOST_COLUMNS)} columns of the numbers"
    columns, rows = columns[:MOST_COLUMNS], [row[:MOST_COLUMNS] for row in rows[:MOST_ROWS]]
    return tag("details", tag("summary", f"Table: {title}"), table(columns, rows, caption=title + cut))


def facts(rows: Iterable[tuple[str, Any]]) -> Markup:
    """A list of names and values."""
    return tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in rows))
