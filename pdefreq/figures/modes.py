"""The error of each mode against step and against seconds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure

from pdefreq.core.history import History
from pdefreq.figures.labels import mode_labels
from pdefreq.figures.one_step import draw_final_errors, draw_spectra
from pdefreq.figures.panels import TAU, log_limits, spread_ticks
from pdefreq.figures.style import Picture, note, styled, wavenumber_colors
from pdefreq.spectrum.spectral_record import SpectralRecord

_THEORY: dict[str, Any] = {"color": "black", "linestyle": (0, (4, 4)), "linewidth": 0.9}


@styled
def mode_figure(history: History, *, wavenumbers: Iterable[float] = (), title: str = "", max_modes: int = 12) -> Figure:
    """Relative error of the modes against step (left) and seconds (right), with dark colors for low wavenumbers.

    The predictions of theory are drawn in black dashes on top. For a run of one step, the final errors of all modes (left) and
    the amplitudes of the solution and of the error (right) are drawn against the wavenumber.

    Args:
        history: The history of one run.
        wavenumbers: Modes that must be shown, by wavenumber; the rest are those of largest amplitude.
        title: Title of the figure.
        max_modes: The maximum number of curves, if no more modes must be shown.
    """
    figure = Picture(figsize=(11, 4.6))
    figure.suptitle(title)
    watched, wavenumbers = SpectralRecord.of(history), tuple(wavenumbers)
    if watched.has_steps and watched.last_step <= 1:
        named = watched.modes.nearest(wavenumbers)
        for axes, draw in zip(figure.subplots(1, 2), (draw_final_errors, draw_spectra), strict=True):
            draw(axes, watched, named)
        return figure
    panels = figure.subplots(1, 2, sharey=True)
    record = watched.pick(max(max_modes, len(wavenumbers)), wavenumbers)
    if not record.has_steps:
        for axes in panels:
            note(axes, "no steps recorded" if len(record) else "no spectrum recorded")
        return figure
    (known,) = np.nonzero(np.isfinite(record.error).any(axis=0))  # a named mode that the solution does not contain has no curve
    record = record.take(known) if len(known) else record
    colors = wavenumber_colors(len(record))
    at = record.prediction.step, np.interp(record.prediction.step, record.step, record.seconds)
    for axes, time, when, label in zip(panels, (record.step, record.seconds), at, ("step", "seconds"), strict=True):
        axes.set_xscale("log", nonpositive="mask")
        axes.set_yscale("log", nonpositive="mask")
        # set limits first: autoscaling of a logarithmic axis fails for the numbers of a diverged run
        axes.set(xlabel=label, xlim=log_limits(time, floor=0, ceiling=np.inf), ylim=log_limits(np.append(record.error, TAU)))
        spread_ticks(axes.xaxis)
        _draw(axes, time, record, when, colors)
    if len(record.prediction):
        panels[0].plot([], [], label="predicted", **_THEORY)
        panels[0].set_title(
            f"predictions {caveat}" if (caveat := record.prediction.caveat) else "", fontsize="medium", loc="left"
        )
        panels[0].legend(loc="lower left")
    panels[0].set_ylabel("relative error of the mode")
    scale = ScalarMappable(Normalize(-0.5, len(record) - 0.5), ListedColormap(colors))
    bar = figure.colorbar(scale, ax=panels, ticks=range(len(record)), pad=0.02, aspect=30, label="wavenumber")
    bar.ax.set_yticklabels(mode_labels(record.modes))
    bar.ax.tick_params(length=0)
    bar.ax.grid(False)
    return figure


def _draw(axes: Axes, time: np.ndarray, record: SpectralRecord, when: np.ndarray, colors: np.ndarray) -> None:
    axes.axhline(TAU, color="0.5", linewidth=1, zorder=1)
    axes.text(1.005, TAU, "½", transform=axes.get_yaxis_transform(), va="center", color="0.4")
    theory = record.prediction.error.T if len(record.prediction) else [None] * len(record)
    below = {"linewidth": 4, "alpha": 0.6} if len(record.prediction) else {}
    for error, foretold, color, column in zip(record.error.T, theory, colors, record.column, strict=True):
        axes.plot(time, error, color=color, gid=f"mode-{column}", **below)
        if foretold is not None:
            axes.plot(when, foretold, gid=f"predicted-{column}", **_THEORY)
