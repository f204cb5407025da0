"""Measured against predicted half times, one panel for each optimizer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from matplotlib.figure import Figure

from pdefreq.figures.style import METHOD_COLORS, Picture, styled

_RANGE = (0.7, 3e4)  # steps


class _Drift(Protocol):
    @property
    def is_small(self) -> bool: ...


class PredictedHalfTime(Protocol):
    """A half time in steps."""

    @property
    def predicted(self) -> float: ...
    @property
    def measured(self) -> float: ...
    @property
    def drift(self) -> _Drift: ...


@styled
def half_times_figure(rows: Mapping[str, Sequence[PredictedHalfTime]]) -> Figure:
    """Points in the plane of predicted and measured half times, with the band of a factor of two.

    Args:
        rows: The half times by the name of the optimizer. Those whose prediction lies beyond the axis are drawn at its end.
    """
    columns = 3 if len(rows) > 4 else 2 if len(rows) > 1 else 1
    lines = -(-len(rows) // columns)
    figure = Picture(figsize=(4.6 * columns, 4.2 * lines))
    panels = np.atleast_1d(figure.subplots(lines, columns, sharex=True, sharey=True)).ravel()
    ends = np.array(_RANGE)
    for axes, (name, found) in zip(panels, rows.items(), strict=False):
        axes.fill_between(ends, ends / 2, 2 * ends, color="0.92", zorder=0, label="factor of 2")
        axes.plot(ends, ends, color="0.6", linewidth=1)
        for small, color, label in ((False, METHOD_COLORS[1], "flag raised"), (True, METHOD_COLORS[0], "no flag")):
            some = [row for row in found if row.drift.is_small is small]
            x = np.clip(np.ceil([row.predicted for row in some]), 1, _RANGE[1])
            y = np.clip(np.ceil([row.measured for row in some]), 1, _RANGE[1])
            axes.scatter(
                x,
                y,
                s=20,
                facecolors=color if small else "none",
                edgecolors=color,
                linewidths=1,
                label=label,
                clip_on=False,
                zorder=3,
            )
        axes.set(xscale="log", yscale="log", xlim=_RANGE, ylim=_RANGE)
        axes.set_title(name, fontsize=11)
    for axes in panels[len(rows) :]:
        axes.remove()
    for place, axes in enumerate(panels[: len(rows)]):
        if place % columns == 0:
            axes.set_ylabel("measured half time, steps")
        if place + columns >= len(rows):  # nothing is drawn below
            axes.set_xlabel("predicted half time, steps")
            axes.tick_params(labelbottom=True)
    panels[0].legend(loc="upper left")
    return figure
