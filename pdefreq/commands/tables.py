"""Tables that fit on the terminal."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Column, Table
from rich.text import Text

_NARROWEST = 12  # least width of a column whose text is wrapped


class FittedTable(Table):
    """A table that leaves out columns on a narrow terminal, so that no number is cut off; a line below it names them.

    Args:
        dropped: Headings of the columns that are left out, the first one first; then the last columns are left out. The first
            column always remains.
    """

    def __init__(self, *, dropped: Sequence[str] = ()) -> None:
        super().__init__(box=box.SIMPLE_HEAD, pad_edge=False)
        self.dropped = dropped

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        kept = list(self.columns)
        while len(kept) > 1 and self._least(console, kept) > options.max_width:
            kept.remove(self._least_important(kept))
        yield from Table.__rich_console__(self._with(kept), console, options)
        missing = [str(column.header) for column in self.columns if column not in kept]
        if missing:
            yield Text(f"left out, because the terminal is narrow: {', '.join(missing)}", style="dim")

    def _least_important(self, kept: Sequence[Column]) -> Column:
        for name in self.dropped:
            for column in reversed(kept[1:]):
                if column.header == name:
                    return column
        return kept[-1]

    def _least(self, console: Console, kept: Sequence[Column]) -> int:
        """The width at which no cell is cut off; texts in several words may be wrapped."""
        width = console.measure(self._with(kept), options=console.options.update(width=100_000)).maximum
        return width - sum(max(0, _longest(column) - _NARROWEST) for column in kept if not column.no_wrap)

    def _with(self, kept: Sequence[Column]) -> FittedTable:
        shown = copy.copy(self)
        shown.columns = [replace(column, _index=index) for index, column in enumerate(kept)]
        return shown


def _longest(column: Column) -> int:
    """The width of the longest line in a column."""
    cells = [str(column.header), *map(str, column.cells)]
    return max(cell_len(line) for cell in cells for line in (cell.splitlines() or [""]))
