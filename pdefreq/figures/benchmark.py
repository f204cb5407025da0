"""Figures of benchmarks: errors against time and half times against wavenumbers, and the bias index of each method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import CenteredNorm
from matplotlib.figure import Figure

from pdefreq.core.options import in_lines, short_labels
from pdefreq.figures.labels import in_cell
from pdefreq.figures.panels import log_limits, spread_ticks
from pdefreq.figures.style import DIFFERENCE_MAP, METHOD_DASHES, Picture, method_style, note, styled
from pdefreq.spectrum.bias import Relation

Panel = Mapping[str, Mapping[str, Any]]

_ACROSS = 4  # problems side by side
_LOWEST = 1e-16  # errors below are drawn there
_PER_COLUMN = 26  # characters of a method in the legend


@styled
def benchmark_figure(problems: Mapping[str, Panel], *, title: str = "") -> Figure:
    """Two panels for each problem: the relative L2 error against the time of the steps, and half times against wavenumbers.

    Args:
        problems: For each problem, the runs by the names of their methods. A run has the key ``curve``, pairs of seconds and
            errors, and the key ``half_times``, triples of wavenumber, step and seconds.
        title: Title of the figure.
    """
    names = list(dict.fromkeys(name for runs in problems.values() for name in runs))
    labels, styles = short_labels(names), _styles(names)
    across = max(1, min(_ACROSS, len(problems)))
    lines = max(1, -(-len(problems) // across))
    figure = Picture(figsize=(max(6.0, 3.6 * across), 0.8 + 5.4 * lines + 0.22 * -(-len(names) // across)))
    figure.suptitle(title, fontsize=14)
    grid: Any = figure.subplots(2 * lines, across, squeeze=False)
    for axes in grid.flat:
        axes.set_visible(False)
    for place, (problem, runs) in enumerate(problems.items()):
        above, below = (grid[2 * (place // across) + half, place % across] for half in (0, 1))
        above.set_title(problem)
        _draw_errors(above, runs, styles)
        _draw_half_times(below, runs, styles)
        if place % across == 0:
            above.set_ylabel("relative L2 error")
            below.set_ylabel("half time in seconds")
    handles = [
        figure.axes[0].plot([], [], **styles[name], marker="o", markersize=4, label=in_lines(labels[name], width=_PER_COLUMN))[0]
        for name in names
    ]
    if handles:
        figure.legend(handles=handles, loc="outside lower center", ncols=min(across, len(names)), fontsize=9)
    return figure


def _styles(names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The color and dashes of each method. The variants of a method have its color, as far as there are dashes."""
    bases = list(dict.fromkeys(name.partition(":")[0] for name in names))
    free = {base: method_style(place) for place, base in enumerate(bases)}
    found: dict[str, dict[str, Any]] = {}
    for name in names:
        style = free.get(name.partition(":")[0], {})
        if style in found.values():
            unused = ({**style, "linestyle": dash} for dash in METHOD_DASHES)
            taken = [*found.values(), *free.values()]
            style = next((each for each in unused if each not in taken), style)
        found[name] = style
    return found


def _draw_errors(axes: Axes, runs: Panel, styles: Mapping[str, Any]) -> None:
    curves = {name: np.array(run["curve"], dtype=float).reshape(-1, 2) for name, run in runs.items()}
    curves = {name: curve[curve[:, 0] > 0] for name, curve in curves.items()}  # a logarithmic axis has no place for the start
    for name, curve in curves.items():
        seconds, errors = curve[:, 0], np.maximum(curve[:, 1], _LOWEST)
        axes.plot(seconds, errors, **styles[name], alpha=0.9)
        axes.plot(seconds[-1:], errors[-1:], marker="o", markersize=5, color=styles[name]["color"])
    _finish(axes, "seconds of steps", "no errors")


def _draw_half_times(axes: Axes, runs: Panel, styles: Mapping[str, Any]) -> None:
    for name, run in runs.items():
        halved = np.array(run["half_times"], dtype=float).reshape(-1, 3)
        halved = halved[(halved[:, 0] > 0) & (halved[:, 2] > 0)]  # a logarithmic axis has no place for the constant mode
        axes.plot(halved[:, 0], halved[:, 2], **styles[name], marker="o", markersize=4, alpha=0.9)
    _finish(axes, "wavenumber", "no mode was halved\nin more than one step")


def _finish(axes: Axes, xlabel: str, otherwise: str) -> None:
    """Set logarithmic axes with readable ticks, or write the reason into an empty panel."""
    axes.set_visible(True)
    axes.set_xlabel(xlabel)
    shown = [np.asarray(line.get_ydata(), dtype=float) for line in axes.lines]
    if not any(map(len, shown)):
        note(axes, otherwise)
        axes.set(xticks=[], yticks=[])
        return
    axes.set(xscale="log", yscale="log", ylim=log_limits(np.concatenate(shown)))
    spread_ticks(axes.xaxis)


@styled
def bias_figure(
    methods: Sequence[str],
    problems: Sequence[str],
    values: Mapping[tuple[str, str], tuple[float, Relation, bool]],
    *,
    title: str = "",
) -> Figure:
    """The bias index B of each method (row) on each problem (column); cells without B are empty.

    Cells without a clear order, and those in which B is not a bound because low and high modes were not halved, have no color.

    Args:
        methods: The names of the methods.
        problems: The names of the problems.
        values: B by method and problem, its relation to that of a longer run, and whether there is a clear order.
        title: Title of the figure.
    """
    cells = np.full((len(methods), len(problems)), np.nan)
    for (method, problem), (value, relation, is_clear) in values.items():
        cells[methods.index(method), problems.index(problem)] = value if is_clear and relation != "~" else np.nan
    labels = short_labels(methods)
    figure = Picture(figsize=(max(6.0, 3.2 + 0.95 * len(problems)), 2.2 + 0.38 * len(methods)))
    axes = figure.subplots()
    told = "above 0: low frequencies converge first; without color: no clear order"
    told += "; in parentheses: low and high modes were not halved" * any(relation == "~" for _, relation, _ in values.values())
    axes.set_title(f"{title}\n{told}", fontsize=11)
    if not methods:
        note(axes, "no method has a bias index")
        axes.set(xticks=[], yticks=[])
        return figure
    most = float(np.nanmax(np.abs(cells), initial=1.0))
    image = axes.imshow(cells, cmap=DIFFERENCE_MAP, norm=CenteredNorm(halfrange=most), aspect="auto")
    for (method, problem), (value, relation, _) in values.items():
        row, column = methods.index(method), problems.index(problem)
        text = in_cell(value, relation)
        color = "0.45"
        if np.isfinite(cells[row, column]):
            color = "white" if np.mean(image.cmap(image.norm(np.array(value)))[:3]) < 0.5 else "black"
        axes.text(column, row, text, ha="center", va="center", fontsize=9, color=color)
    axes.set_xticks(range(len(problems)), list(problems), rotation=30, ha="right")
    axes.set_yticks(range(len(methods)), [labels[name] for name in methods])
    axes.grid(visible=False)
    bar = figure.colorbar(image, ax=axes)
    bar.set_label("bias index B")
    return figure
