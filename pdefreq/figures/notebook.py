"""The display of results in notebooks."""

from __future__ import annotations

import base64
import html
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Shown(ABC):
    """A result that is displayed as text or a table with a figure below."""

    @abstractmethod
    def plot(self) -> Figure:
        """The figure."""

    @abstractmethod
    def _html(self) -> str:
        """The text or table above the figure."""

    def _repr_png_(self) -> bytes:
        from pdefreq.figures.style import encode

        return encode(self.plot(), "png", dpi=110)

    def _repr_html_(self) -> str:
        return f"{self._html()}<img src='data:image/png;base64,{base64.b64encode(self._repr_png_()).decode()}'>"


def paragraph(lines: Iterable[str]) -> str:
    """Lines of plain text as HTML."""
    return f"<p>{'<br>'.join(html.escape(line) for line in lines)}</p>"


def table(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """Some columns of rows of text and numbers as HTML."""
    head = "".join(f"<th>{name.replace('_', ' ')}</th>" for name in columns)
    body = "".join("<tr>" + "".join(f"<td>{_cell(row[name])}</td>" for name in columns) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return html.escape(value) if isinstance(value, str) else f"{value:.4g}"
