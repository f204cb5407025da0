"""Surfaces of functions on a rectangle, in a table of methods and sizes (Wang et al., 2020, figures 6 and 8)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from pdefreq.figures.style import SOLUTION_MAP, Picture, styled


@styled
def surfaces_figure(x: np.ndarray, y: np.ndarray, rows: Mapping[str, Mapping[str, np.ndarray]], *, title: str) -> Figure:
    """A row of surfaces for each method, all with the same vertical axis.

    Args:
        x: Coordinates along the first axis, shape ``(n,)``.
        y: Coordinates along the second axis, shape ``(m,)``.
        rows: Values ``(n, m)`` by method and by the title of the panel.
        title: Title of the figure.
    """
    everything = np.concatenate([values.ravel() for row in rows.values() for values in row.values()])
    low, high = float(everything.min()), float(everything.max())
    columns = max(map(len, rows.values()))
    figure = Picture(figsize=(3.6 * columns, 3.1 * len(rows) + 0.5))
    figure.suptitle(title)
    grid_x, grid_y = np.meshgrid(x, y, indexing="ij")
    panels = figure.subplots(len(rows), columns, squeeze=False, subplot_kw={"projection": "3d"})
    for line, (method, row) in zip(panels, rows.items(), strict=True):
        for axes, (name, values) in zip(line, row.items(), strict=True):
            axes.plot_surface(grid_x, grid_y, values, cmap=SOLUTION_MAP, vmin=low, vmax=high, linewidth=0, rcount=61, ccount=61)
            axes.set(zlim=(low, high), xlabel="x", ylabel="y")
            axes.set_title(f"{method}, {name}", fontsize=11)
            axes.set_zlabel("u", labelpad=1)
            axes.tick_params(labelsize=8, pad=0)
            axes.locator_params(nbins=3)
            axes.view_init(elev=25, azim=-60)
            axes.set_box_aspect((1, 1, 0.9), zoom=0.92)
    return figure
