"""Comparison of several methods: the convergence of each mode against the step, and the error against seconds."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.patheffects import Normal, Stroke

from pdefreq.core.history import History
from pdefreq.core.options import in_lines, short_labels
from pdefreq.figures.errors import draw_errors
from pdefreq.figures.labels import mode_labels, order_in_title
from pdefreq.figures.panels import draw_front, draw_heat_map, front_legend, heat_colorbar, label_rows, spread_ticks, step_columns
from pdefreq.figures.style import Picture, note, styled
from pdefreq.spectrum.spectral_record import SpectralRecord, common_modes

_PER_LINE = 4.0  # methods side by side
_NARROW = 0.25  # minimum width of the panel of a one-step method, relative to others; all widths are multiples of it
_LETTERS = 8  # letters of a title that fit above such a panel


@styled
def comparison_figure(
    runs: Mapping[str, Sequence[History]],
    *,
    wavenumbers: Iterable[float] = (),
    title: str = "",
    max_modes: int = 24,
    remarks: Mapping[str, str] = MappingProxyType({}),
) -> Figure:
    """A heat map for each method with the same modes (top), and the relative L2 error against seconds (bottom).

    With several seeds, a map shows the median error, and fronts and curves have a band from the lowest to the highest value.
    The map of a one-step method is a column of final errors. Titles and legends show the options that differ between methods of
    one name; a list below the figure has the names that were shortened.

    Args:
        runs: The histories of the seeds of each method.
        wavenumbers: Modes that must be shown, by wavenumber; the rest are those of largest amplitude.
        title: Title of the figure.
        max_modes: The maximum number of modes, if no more modes must be shown.
        remarks: A few words for the legend on some of the methods, such as "overfitted".
    """
    wavenumbers = tuple(wavenumbers)
    labels = short_labels(runs)
    runs, remarks = {labels[name]: seeds for name, seeds in runs.items()}, {labels[name]: remarks[name] for name in remarks}
    max_modes = max(max_modes, len(wavenumbers))
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
        front_legend(upper, list(panels.values()))
    draw_errors(lower.subplots(), runs, remarks=remarks)
    if full := [textwrap.fill(name, 110 if width < 3 else 160) for name, label in labels.items() if name != label]:
        lower.supxlabel("\n".join(full), x=0.01, ha="left", fontsize=8, color="0.35")
    return figure


def _read(history: History) -> SpectralRecord:
    """The record of a run; for a one-step method with the total errors, because its algebraic error is zero."""
    record = SpectralRecord.of(history)
    return record.of_total_errors() if _is_one_step([history]) else record


def _is_one_step(histories: Sequence[History]) -> bool:
    return len(histories) > 0 and all(history.last("step") == 1 for history in histories)


def _width(label: str) -> float:
    """The relative width of the panel of a one-step method, which is the width of its name."""
    longest = max(map(len, in_lines(label).split("\n")))
    return _NARROW * max(1, -(-longest // _LETTERS))


def _lines(widths: Mapping[str, float]) -> list[dict[str, float]]:
    """The methods in their order, broken into lines of limited width."""
    lines: list[dict[str, float]] = []
    for label, width in widths.items():
        if not lines or sum(lines[-1].values()) + width > _PER_LINE:
            lines.append({})
        lines[-1][label] = width
    return lines


def _panels(figure: SubFigure, lines: list[dict[str, float]], width: float) -> dict[str, Axes]:
    """One panel for each method; the first of each line has the wavenumber labels."""
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
    spread_ticks(axes.xaxis)
    draw_front(axes, np.stack([record.front for record in seeds]))
