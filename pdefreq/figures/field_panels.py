"""Several functions of two variables side by side, with one color bar in each row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
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
def field_panels_figure(rows: Sequence[FieldRow], *, title: str) -> Figure:
    """A row of maps for each problem.

    Args:
        rows: The problems, each with as many fields.
        title: Title of the figure.
    """
    columns = max(len(row.fields) for row in rows)
    figure = Picture(figsize=(1.6 + 3.7 * columns, 0.7 + 3.5 * len(rows)))
    figure.suptitle(title)
    panels = figure.subplots(len(rows), columns, squeeze=False)
    for line, row in zip(panels, rows, strict=True):
        first = next(iter(row.fields.values()))
        low, high = float(np.nanmin(first)), float(np.nanmax(first))
        for axes, (name, values) in zip(line, row.fields.items(), strict=True):
            axes.grid(False)
            axes.set_facecolor("0.88")
            mesh = axes.pcolormesh(
                row.x,
                row.y,
                np.ma.masked_invalid(values.T),
                vmin=low,
                vmax=high,
                cmap=SOLUTION_MAP,
                shading="gouraud" if np.isfinite(values).all() else "nearest",
                rasterized=True,
            )
            axes.set(title=name, xlabel="x", ylabel="y", aspect="equal")
            axes.label_outer()
        bar = figure.colorbar(mesh, ax=list(line), extend="both", pad=0.015, aspect=25)
        bar.set_label(row.name)
        bar.ax.grid(False)
    return figure
