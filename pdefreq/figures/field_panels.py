"""Several functions of two variables side by side, with one color bar in each row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from pdefreq.figures.style import SOLUTION_MAP, Picture, styled


@dataclass(frozen=True, eq=False)
class FieldRow:
    """One problem.

    Args:
        name: Its name.
        x: Coordinates along the first axis, shape ``(n,)``.
        y: Coordinates along the second axis, shape ``(m,)``.
        fields: Values ``(n, m)`` by the title of their panel; nan outside the domain. The range of the colors is that of the
            first.
    """

    name: str
    x: np.ndarray
    y: np.ndarray
    fields: Mapping[str, np.ndarray]


@styled
def field_panels_figure(rows: Sequence[FieldRow], *, title: str, across: bool = False) -> Figure:
    """Maps of the fields of each problem, one problem below the other or side by side.

    Args:
        rows: The problems, each with as many fields.
        title: Title of the figure.
        across: Whether the problems are side by side, and their fields below each other.
    """
    number, size = max(len(row.fields) for row in rows), len(rows)
    lines, columns = (number, size) if across else (size, number)
    figure = Picture(figsize=(3.7 * columns + (1.2 * columns if across else 1.6), 0.7 + 3.5 * lines))
    figure.suptitle(title)
    panels = figure.subplots(lines, columns, squeeze=False)
    for line, row in zip(panels.T if across else panels, rows, strict=True):
        first = next(iter(row.fields.values()))
        norm = Normalize(float(np.nanmin(first)), float(np.nanmax(first)))
        for axes, (name, values) in zip(line, row.fields.items(), strict=True):
            axes.grid(False)
            axes.set_facecolor("0.88")
            shown = np.ma.masked_invalid(values.T)
            axes.pcolormesh(row.x, row.y, shown, norm=norm, cmap=SOLUTION_MAP, shading="nearest", rasterized=True)
            axes.set(title=name, xlabel="x", ylabel="y", aspect="equal")
            if not across:
                axes.label_outer()
        bar = figure.colorbar(ScalarMappable(norm, SOLUTION_MAP), ax=list(line), extend="both", pad=0.015, aspect=25)
        bar.set_label(row.name)
        bar.ax.grid(False)
    return figure
