"""Gray pictures in rows of panels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from pdefreq.figures.style import Picture, styled


@styled
def picture_panels_figure(rows: Mapping[str, Mapping[str, np.ndarray]], bounds: Sequence[float], *, title: str) -> Figure:
    """Rows of pictures with gray values from 0 (black) to 1 (white); pixels that are nan are drawn in light blue.

    Args:
        rows: For each label of a row its pictures by title, shape ``(columns, rows)``, with rows from bottom to top.
        bounds: The left, right, lower and upper ends of the axes.
        title: The title of the figure.
    """
    columns = max(map(len, rows.values()))
    figure = Picture(figsize=(2.75 * columns + 0.5, 3.0 * len(rows) + 0.4))
    axes = figure.subplots(len(rows), columns, squeeze=False, sharex=True, sharey=True)
    for line, (label, pictures) in zip(axes, rows.items(), strict=True):
        for each, (name, gray) in zip(line, pictures.items(), strict=True):
            each.set_facecolor("#CFE3F2")
            each.imshow(gray.T, origin="lower", cmap="gray", vmin=0, vmax=1, extent=tuple(bounds))
            each.grid(False)
            each.set(title=name)
        line[0].set_ylabel(f"{label}\ny")
    for each in axes[-1]:
        each.set_xlabel("x")
    figure.suptitle(title)
    return figure
