"""The report of an experiment: findings, tables and figures, written to a folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pdefreq.core.file_io import csv_bytes, make_folder, write_atomically
from pdefreq.experiments.entry import Entry

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Table:
    """Rows of numbers and texts under headings."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]

    def lines(self) -> list[str]:
        """The table as aligned text, which is also Markdown."""
        cells = [list(self.columns), *([_cell(value) for value in row] for row in self.rows)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = ["| " + " | ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) + " |" for row in cells]
        return [lines[0], "|" + "|".join("-" * (w + 2) for w in widths) + "|", *lines[1:]]

    def csv(self) -> bytes:
        """The table as comma-separated values with full precision."""
        return csv_bytes(self.columns, self.rows)


@dataclass(frozen=True)
class Report:
    """The outcome of a reproduction.

    Args:
        title: The title of the report.
        source: The publication.
        findings: The findings, one sentence each, which follow from the numbers of the run.
        tables: Tables by file name without suffix.
        figures: Figures by file name without suffix.
        entry: What was known before the run: the paragraph, the places in the literature and the published numbers.
    """

    title: str
    source: str
    findings: Sequence[str]
    tables: Mapping[str, Table]
    figures: Mapping[str, Figure] = field(default_factory=dict)
    entry: Entry | None = None

    def text(self) -> str:
        """The report without its figures, in Markdown."""
        known = [] if self.entry is None else self.entry.sentences()
        measured = ["Measured in this run:", "\n".join(f"- {line}" for line in self.findings)] if self.findings else []
        parts = [f"# {self.title}", f"Source: {self.source}", *known, *measured]
        for name, table in self.tables.items():
            parts += [f"## {name}", "\n".join(table.lines())]
        return "\n\n".join(parts) + "\n"

    def write(self, folder: str | Path) -> Path:
        """Write ``report.md``, a ``.csv`` for each table and a ``.png`` for each figure into a folder.

        Raises:
            RunFolderError: If the folder cannot be created.
        """
        from pdefreq.figures.style import save_figure

        folder = Path(folder)
        make_folder(folder)
        for name, table in self.tables.items():
            write_atomically(folder / f"{name}.csv", table.csv())
        for name, figure in self.figures.items():
            save_figure(figure, folder / f"{name}.png", dpi=110)
        pictures = "".join(f"\n![{name}]({name}.png)\n" for name in self.figures)
        write_atomically(folder / "report.md", (self.text() + pictures).encode())
        return folder


def main(name: str, experiment: Callable[[], Report]) -> None:
    """Run an experiment, print its report, and write it to the next free folder below ``runs``."""
    from pdefreq.runs.run_folder import next_free

    report = experiment()
    print(report.text())
    print(f"results: {report.write(next_free(Path('runs'), f'reproduce-{name}'))}")


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
