"""The frequency-step heat map: which modes are right after how many steps (Xu et al., 2020, figure 4)."""

from __future__ import annotations

from collections.abc import Iterable

from matplotlib.figure import Figure

from pdefreq.figures.mode_errors import ModeErrors, order_in_title
from pdefreq.figures.panels import draw_front, draw_heat_map, heat_colorbar, label_rows, step_columns
from pdefreq.figures.style import Picture, note, styled
from pdefreq.history import History


@styled
def heatmap_figure(history: History, *, wavenumbers: Iterable[float] = (), title: str = "", limit: int = 24) -> Figure:
    """The relative error of each mode (row) after each step (column), and the step at which it is halved.

    Args:
        history: Of one run.
        wavenumbers: Modes that must be shown, by wavenumber; the rest are those of largest amplitude.
        title: Above the map.
        limit: Most rows.
    """
    figure = Picture(figsize=(8, 4.8))
    axes = figure.add_subplot(title=title)
    watched = ModeErrors.read(history)
    if not watched.has_steps:
        note(axes, "no steps recorded" if len(watched) else "no spectrum recorded")
        return figure
    modes = watched.pick(limit, wavenumbers)
    axes.set_title(f"{title}\n{order_in_title([watched])}".strip())
    axes.set(xscale="log", xlabel="step", ylabel="wavenumber")
    steps = step_columns(modes.step[-1])
    draw_heat_map(axes, steps, modes.resampled(steps))
    axes.set_xlim(steps[0], steps[-1])
    draw_front(axes, modes.half_steps()[None])
    label_rows(axes, modes.labels)
    heat_colorbar(figure, [axes])
    return figure
