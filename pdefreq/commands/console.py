"""The console of the commands, and the form of sentences, numbers, tables and JSON on it."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from pdefreq.commands.tables import FittedTable
from pdefreq.core.printable import without_controls

if TYPE_CHECKING:
    from pathlib import Path


def make_console(*, json_output: bool = False) -> Console:
    """The console for text: stdout, or stderr if stdout is reserved for JSON."""
    return PlainConsole(stderr=json_output, highlight=False, markup=False, emoji=False)


class PlainConsole(Console):
    """A console that prints text as it is: brackets are not markup, and characters that control a terminal are removed."""

    def render_str(self, text: str, **settings: Any) -> Text:
        return super().render_str(without_controls(text), **settings)


def say(console: Console, text: str, style: str = "") -> None:
    """Print a sentence, wrapped only on a terminal."""
    console.print(text, style=style, soft_wrap=not console.is_terminal)


def say_files(console: Console, folder: Path, *names: str, remark: str = "") -> None:
    """Print where files were written, in one line; called at the end of a command.

    Args:
        console: The console.
        folder: The folder.
        names: The files in it that are worth opening.
        remark: Further contents of the folder.
    """
    if len(names) == 1 and not remark:
        say(console, f"written to {folder / names[0]}")
    else:
        listed = ", ".join([*names, *([remark] if remark else [])])
        say(console, f"written to {folder}" + (f": {listed}" if listed else ""))


def plain_table(*columns: str, dropped: Sequence[str] = ()) -> FittedTable:
    """An empty table without vertical lines, whose first column is never wrapped.

    Args:
        columns: The headings of columns of text.
        dropped: Headings of the columns that are left out first on a narrow terminal.
    """
    table = FittedTable(dropped=dropped)
    for position, name in enumerate(columns):
        table.add_column(name, no_wrap=position == 0)
    return table


def print_json(value: Any) -> None:
    """Print one JSON object on stdout; numbers that are not finite become null."""
    from pdefreq.runs.run_folder import to_json

    print(json.dumps(to_json(value), allow_nan=False))


def number(value: Any, digits: int = 3) -> str:
    """A number for a table; a dash for None and nan."""
    if value is None or not math.isfinite(value):
        return "-"
    return f"{value:.{digits}g}"


def bounded(value: float | None, own: float | None, digits: int = 3) -> str:
    """An error for a table, as ``< bound`` where the error of the reference solution is the larger part of the bound.

    Args:
        value: The bound of the error: the difference from the reference solution plus the error of the latter.
        own: The error of the reference solution; 0 or None for an exact solution.
        digits: Significant digits.

    Example:
        >>> bounded(0.103, 0.103), bounded(2.5e-3, 1e-6)
        ('< 0.103', '0.0025')
    """
    is_bound = value is not None and own is not None and own > 0 and value <= 2 * own
    return ("< " if is_bound else "") + number(value, digits)
