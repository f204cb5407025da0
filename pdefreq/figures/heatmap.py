"""The heat map of the errors of modes against steps (Xu et al., 2020, figure 4)."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pdefreq.core.history import History
from pdefreq.figures.labels import mode_labels, order_in_title
from pdefreq.figures.panels import (
    draw_front,
    draw_heat_map,
    draw_predicted_front,
    heat_colorbar,
    label_rows,
    log_limits,
    step_columns,
)
from pdefreq.figures.style import METHOD_COLORS, Picture, note, styled
from pdefreq.spectrum.spectral_record import SpectralRecord


@styled
def heatmap_figure(history: History, *, wavenumbers: Iterable[float] = (), title: str = "", max_modes: int = 24) -> Figure:
    """The relative error of each mode (row) after each step (column), and the step at which it is halved.

    Crosses mark predicted halving steps. For a method that takes one step, the errors of the result are drawn.

    Args:
        history: The history of one run.
        wavenumbers: Wavenumbers of modes that must be shown; the others are those of largest amplitude.
        title: The title of the map.
        max_modes: Largest number of rows.
    """
    figure = Picture(figsize=(8, 4.8))
    axes = figure.add_subplot(title=title)
    watched = SpectralRecord.of(history)
    if not watched.has_steps:
        note(axes, "no steps recorded" if len(watched) else "no spectrum recorded")
        return figure
    shown = watched.pick(max_modes, wavenumbers)
    if watched.step[-1] <= 1:
        _draw_answer(axes, shown)
        return figure
    axes.set_title(f"{title}\n{order_in_title([watched])}".strip())
    axes.set(xscale="log", xlabel="step", ylabel="wavenumber")
    steps = step_columns(shown.step[-1])
    draw_heat_map(axes, steps, shown.resampled(steps))
    axes.set_xlim(steps[0], steps[-1])
    draw_front(axes, shown.front[None])
    if len(shown.prediction):
        draw_predicted_front(axes, shown.prediction.halving_steps, shown.prediction.caveat)
    label_rows(axes, mode_labels(shown.modes))
    heat_colorbar(figure, [axes])
    return figure


def _draw_answer(axes: Axes, record: SpectralRecord) -> None:
    """The final error of each mode, one row per mode as in the map."""
    left = np.where(record.total[-1] > 0, record.total[-1], np.nan)
    if not np.isfinite(left).any():
        note(axes, "one step, and no solution to compare with")
        return
    low, high = log_limits(left, ceiling=np.inf) or (1e-16, 1.0)
    rows = np.arange(len(record))
    axes.hlines(rows, low, left, color="0.75", linewidth=2)
    axes.plot(left, rows, "o", color=METHOD_COLORS[0], gid="answer")
    axes.set(xscale="log", xlim=(low, high), ylim=(-0.5, len(record) - 0.5), ylabel="wavenumber")
    axes.set_xlabel("relative error of the mode after the one step")
    label_rows(axes, mode_labels(record.modes))
