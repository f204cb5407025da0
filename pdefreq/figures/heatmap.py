"""The frequency-step heat map: the error of each mode against the step (Xu et al., 2020, figure 4)."""

from __future__ import annotations

from collections.abc import Iterable

from matplotlib.figure import Figure

from pdefreq.core.history import History
from pdefreq.figures.labels import mode_labels, order_in_title
from pdefreq.figures.one_step import draw_final_errors
from pdefreq.figures.panels import (
    draw_front,
    draw_heat_map,
    draw_predicted_front,
    front_legend,
    heat_colorbar,
    label_rows,
    step_columns,
)
from pdefreq.figures.style import Picture, note, styled
from pdefreq.spectrum.spectral_record import SpectralRecord


@styled
def heatmap_figure(history: History, *, wavenumbers: Iterable[float] = (), title: str = "", max_modes: int = 24) -> Figure:
    """The relative error of each mode (row) after each step (column), and the step at which it is halved.

    Crosses mark the predicted halving steps; a legend explains the marks. For a run of one step, the final errors are drawn
    against the wavenumber.

    Args:
        history: The history of one run.
        wavenumbers: Modes that must be shown, by wavenumber; the rest are those of largest amplitude.
        title: Title of the map.
        max_modes: The maximum number of rows, if no more modes must be shown.
    """
    figure = Picture(figsize=(8, 4.8))
    axes = figure.add_subplot(title=title)
    watched = SpectralRecord.of(history)
    if not watched.has_steps:
        note(axes, "no steps recorded" if len(watched) else "no spectrum recorded")
        return figure
    wavenumbers = tuple(wavenumbers)
    if watched.last_step <= 1:
        draw_final_errors(axes, watched, watched.modes.nearest(wavenumbers))
        return figure
    shown = watched.pick(max(max_modes, len(wavenumbers)), wavenumbers)
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
    front_legend(figure, [axes])
    return figure
