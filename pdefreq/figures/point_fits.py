"""Functions through given points, in several panels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from pdefreq.figures.style import EXACT_COLOR, Picture, method_style, styled


@dataclass(frozen=True, eq=False)
class Fits:
    """One panel.

    Args:
        title: Its title.
        x: Coordinates of the data.
        values: Values of the data.
        curves: Values ``(n,)`` at the points of the line by name.
        target: The function behind the data at the points of the line; None if there is none.
    """

    title: str
    x: Sequence[float]
    values: Sequence[float]
    curves: Mapping[str, np.ndarray]
    target: np.ndarray | None = None


@styled
def point_fits_figure(line: np.ndarray, panels: Sequence[Fits], *, title: str) -> Figure:
    """A panel for each set of curves.

    Args:
        line: Points of the line, shape ``(n,)``.
        panels: The panels.
        title: Title of the figure.
    """
    figure = Picture(figsize=(1 + 4.2 * len(panels), 4.6))
    figure.suptitle(title)
    row = figure.subplots(1, len(panels), squeeze=False)[0]
    for axes, panel in zip(row, panels, strict=True):
        if panel.target is not None:
            axes.plot(line, panel.target, color=EXACT_COLOR, linewidth=4, alpha=0.3, label="target")
        for position, (name, values) in enumerate(panel.curves.items()):
            axes.plot(line, values, linewidth=1.5, label=name, **method_style(position))
        if len(panel.x):
            axes.plot(panel.x, panel.values, "o", color="0.1", markersize=6, zorder=3, label="data")
        axes.set(title=panel.title, xlabel="x", xlim=(line[0], line[-1]))
        axes.locator_params(axis="x", nbins=5)
        axes.legend(fontsize=9)
    row[0].set_ylabel("u")
    return figure
