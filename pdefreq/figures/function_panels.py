"""Functions of one variable in a row of panels, with points of data, for experiments that compare fits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from matplotlib.figure import Figure

from pdefreq.figures.style import Picture, styled


@dataclass(frozen=True)
class Line:
    """A function or a set of points.

    Args:
        name: The name in the legend; a name is listed once for each row of panels.
        x: Places, shape ``(n,)``.
        y: Values, shape ``(n,)``.
        color: The color.
        style: The kind of line, or ``"o"`` and ``"."`` for points.
    """

    name: str
    x: np.ndarray
    y: np.ndarray
    color: str
    style: Literal["-", "--", "-.", ":", "o", "."] = "-"

    @property
    def look(self) -> dict[str, Any]:
        """Keywords of ``plot``."""
        if self.style in ("o", "."):
            size = {"o": 5.0, ".": 2.5}[self.style]
            return {"marker": "o", "markersize": size, "markeredgewidth": 0, "linestyle": "", "zorder": 3}
        return {"linestyle": self.style, "linewidth": 1.5}


@dataclass(frozen=True)
class Panel:
    """One panel.

    Args:
        title: The title.
        xlabel: The label of the horizontal axis.
        ylabel: The label of the vertical axis.
        lines: What is drawn, the lowest first.
        scales: The scales of both axes.
        ylim: The range of the vertical axis; by default that of the lines.
        shaded: An interval of the horizontal axis that is shaded.
    """

    title: str
    xlabel: str
    ylabel: str
    lines: Sequence[Line]
    scales: tuple[Literal["linear", "log"], Literal["linear", "log"]] = ("linear", "linear")
    ylim: tuple[float, float] | None = None
    shaded: tuple[float, float] | None = field(default=None)


@styled
def function_panels_figure(rows: Sequence[Sequence[Panel]], *, title: str) -> Figure:
    """Rows of panels, each row with one legend at its right.

    Args:
        rows: The panels, as many in each row.
        title: The title of the figure.
    """
    columns = len(rows[0])
    figure = Picture(figsize=(4.1 * columns + 2.2, 3.5 * len(rows) + 0.5))
    parts = figure.subfigures(len(rows), 1, squeeze=False)[:, 0]
    for part, panels in zip(parts, rows, strict=True):
        axes = part.subplots(1, columns, squeeze=False)[0]
        for each, panel in zip(axes, panels, strict=True):
            for line in panel.lines:
                each.plot(line.x, line.y, color=line.color, label=line.name, **line.look)
            if panel.shaded is not None:
                each.axvspan(*panel.shaded, color="0.93", zorder=0)
            each.set(title=panel.title, xlabel=panel.xlabel, ylabel=panel.ylabel, xscale=panel.scales[0], yscale=panel.scales[1])
            if panel.ylim is not None:
                each.set_ylim(panel.ylim)
        handles = {label: handle for each in axes for handle, label in zip(*each.get_legend_handles_labels(), strict=True)}
        part.legend(list(handles.values()), list(handles), loc="outside right center", fontsize=9, handlelength=1.8)
    figure.suptitle(title)
    return figure
