"""The report of an experiment: findings, tables and figures in a folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pdefreq.core.file_io import csv_bytes, make_folder, write_atomically

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Table:
    """Rows of numbers and texts under headings."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]

    def lines(self) -> list[str]:
        """As text: columns of one width, a table in Markdown too."""
        cells = [list(self.columns), *([_cell(value) for value in row] for row in self.rows)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = ["| " + " | ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) + " |" for row in cells]
        return [lines[0], "|" + "|".join("-" * (w + 2) for w in widths) + "|", *lines[1:]]

    def csv(self) -> bytes:
        """As comma-separated values, numbers in full."""
        return csv_bytes(self.columns, self.rows)


@dataclass(frozen=True)
class Report:
    """The outcome of a reproduction.

    Args:
        title: The title.
        source: The publication.
        findings: One sentence for each finding.
        tables: The tables by file name.
        figures: The figures by file name.
    """

    title: str
    source: str
    findings: Sequence[str]
    tables: Mapping[str, Table]
    figures: Mapping[str, Figure] = field(default_factory=dict)

    def text(self) -> str:
        """The report without its figures, in Markdown."""
        parts = [f"# {self.title}", f"Source: {self.source}", "\n".join(f"- {line}" for line in self.findings)]
        for name, table in self.tables.items():
            parts += [f"## {name}", "\n".join(table.lines())]
        return "\n\n".join(parts) + "\n"

    def write(self, folder: str | Path) -> Path:
        """Write ``report.md``, a ``.csv`` for each table and a ``.png`` for each figure into a new folder.

        Raises:
            RunFolderError: If the folder can't be made.
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
    """What ``python -m pdefreq.experiments.<name>`` does: run, print, and keep in the next free folder below ``runs``."""
    from pdefreq.runs.run_folder import next_free

    report = experiment()
    print(report.text())
    print(f"results: {report.write(next_free(Path('runs'), f'reproduce-{name}'))}")


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
