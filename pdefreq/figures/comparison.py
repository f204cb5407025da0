"""Comparison of methods: the order of frequencies, and the error against seconds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.patheffects import Normal, Stroke

from pdefreq.core.history import History
from pdefreq.core.options import in_lines
from pdefreq.figures.errors import draw_errors
from pdefreq.figures.labels import mode_labels, order_in_title
from pdefreq.figures.panels import draw_front, draw_heat_map, heat_colorbar, label_rows, step_columns
from pdefreq.figures.style import Picture, note, styled
from pdefreq.spectrum.spectral_record import SpectralRecord, common_modes

_PER_LINE = 4.0  # methods per line
_NARROW = 0.25  # smallest width of the column of a one-step method, relative to a panel; all widths are multiples of it
_LETTERS = 8  # letters of a title above such a column


@styled
def comparison_figure(
    runs: Mapping[str, Sequence[History]], *, wavenumbers: Iterable[float] = (), title: str = "", max_modes: int = 24
) -> Figure:
    """Heat maps of all methods in the same modes, and below them the relative L2 error against seconds.

    For several seeds a map shows the median error, and fronts and curves have a band from the lowest to the highest value.
    A method that takes one step has no order of frequencies: its map is a column of final errors.

    Args:
        runs: For each method the histories of its seeds.
        wavenumbers: Wavenumbers of modes that must be shown; the others are those of largest amplitude.
        title: The title of the figure.
        max_modes: Largest number of modes.
    """
    watched = {label: [_read(history) for history in histories] for label, histories in runs.items()}
    shared = iter(common_modes([record for seeds in watched.values() for record in seeds], max_modes, wavenumbers))
    shown = {label: [next(shared) for _ in seeds] for label, seeds in watched.items()}
    lines = _lines({label: _width(label) if _is_one_step(histories) else 1.0 for label, histories in runs.items()})
    width = max((sum(line.values()) for line in lines), default=1.0)
    figure = Picture(figsize=(max(8.0, 1.8 + 3.2 * width), 3.6 * len(lines) + 3.2))
    figure.suptitle(title, fontsize=14)
    halves: Any = figure.subfigures(2, 1, height_ratios=[3.6 * len(lines) + 0.01, 3.0])
    upper, lower = halves
    panels = _panels(upper, lines, width)
    for label, axes in panels.items():
        axes.set_title(f"{in_lines(label)}\n{order_in_title(watched[label])}")
        _draw_map(axes, shown[label])
    if panels:
        heat_colorbar(upper, list(panels.values()))
    draw_errors(lower.subplots(), runs)
    return figure


def _read(history: History) -> SpectralRecord:
    """The total error of a one-step method: its algebraic error is zero."""
    record = SpectralRecord.of(history)
    return record.of_total_errors() if _is_one_step([history]) else record


def _is_one_step(histories: Sequence[History]) -> bool:
    return len(histories) > 0 and all(history.last("step") == 1 for history in histories)


def _width(label: str) -> float:
    """The width of the panel of a one-step method, which depends on its name."""
    longest = max(map(len, in_lines(label).split("\n")))
    return _NARROW * max(1, -(-longest // _LETTERS))


def _lines(widths: Mapping[str, float]) -> list[dict[str, float]]:
    """The methods in their order, divided into lines."""
    lines: list[dict[str, float]] = []
    for label, width in widths.items():
        if not lines or sum(lines[-1].values()) + width > _PER_LINE:
            lines.append({})
        lines[-1][label] = width
    return lines


def _panels(figure: SubFigure, lines: list[dict[str, float]], width: float) -> dict[str, Axes]:
    """One panel for each method; the first panel of each line has the labels of wavenumbers."""
    panels: dict[str, Axes] = {}
    places = figure.add_gridspec(max(1, len(lines)), max(1, round(width / _NARROW)))  # nested grids with several lines collapse
    for row, line in enumerate(lines):
        ends = np.rint(np.cumsum([0.0, *line.values()]) / _NARROW).astype(int).tolist()
        for column, label in enumerate(line):
            panels[label] = figure.add_subplot(places[row, ends[column] : ends[column + 1]])
            panels[label].set_ylabel("wavenumber" if column == 0 else "")
            panels[label].tick_params(axis="y", labelleft=column == 0)
    return panels


def _draw_map(axes: Axes, seeds: Sequence[SpectralRecord]) -> None:
    seeds = [record for record in seeds if record.has_steps]
    if not seeds:
        note(axes, "no spectrum")
        axes.set(xticks=[], yticks=[])
        return
    label_rows(axes, mode_labels(seeds[0].modes))
    last = max(float(record.step[-1]) for record in seeds)
    steps = step_columns(last)
    error = np.exp(np.median(np.log([record.resampled(steps) for record in seeds]), axis=0))
    if last == 1:
        draw_heat_map(axes, np.array([0.5, 1.5]), error[[0, 0]])
        axes.set_xticks([1])
        worst = f"largest {np.nanmax(error[0]):.0e}" if np.isfinite(error[0]).any() else ""
        outline = [Stroke(linewidth=3, foreground="white"), Normal()]
        axes.text(0.5, 0.5, worst, transform=axes.transAxes, rotation=90, ha="center", va="center", path_effects=outline)
        return
    draw_heat_map(axes, steps, error)
    axes.set(xscale="log", xlim=(1, last), xlabel="step")
    draw_front(axes, np.stack([record.front for record in seeds]))
