"""Figures of sweeps: the error and the bias index over one or more options."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import CenteredNorm, LogNorm
from matplotlib.figure import Figure

from pdefreq.figures.labels import in_cell
from pdefreq.figures.style import DIFFERENCE_MAP, HEAT_MAP, METHOD_COLORS, Picture, styled
from pdefreq.spectrum.bias import Relation

_NAMES = {"relative_l2": "relative L2 error", "bias_index": "bias index B"}
_MARKERS: Mapping[Relation, tuple[str, str]] = {">=": ("^", "at least"), "<=": ("v", "at most"), "~": ("X", "no bound")}
_MOST_WRITTEN = 12  # values of an option up to which the cells of a heat map contain their numbers
_DECADE = 10.0  # ratio of the largest to the smallest value from which an axis is logarithmic


@styled
def sweep_figure(rows: Sequence[Mapping[str, Any]], options: Sequence[str], *, title: str = "") -> Figure:
    """The relative L2 error and the bias index over the options of a sweep. A result that no run has is omitted.

    A full grid of two options is drawn as two heat maps, anything else with a column of panels for each option.

    Args:
        rows: The rows of the sweep, with the options and with ``relative_l2`` and ``bias_index``, which may be None, and
            ``bias_index_relation``.
        options: The names of the options.
        title: Title of the figure.
    """
    varied = [name for name in options if len({str(row[name]) for row in rows}) > 1] or [*options][:1]
    results = [name for name in _NAMES if any(row.get(name) is not None for row in rows)] or ["relative_l2"]
    if len(varied) == 2 and len(rows) == math.prod(len(_values(rows, name)) for name in varied):
        return _maps(rows, varied, results, title)
    return _columns(rows, varied, results, title)


def _columns(rows: Sequence[Mapping[str, Any]], options: Sequence[str], results: Sequence[str], title: str) -> Figure:
    figure = Picture(figsize=(max(6.0, 1.0 + 3.4 * len(options)), 0.8 + 2.7 * len(results)))
    figure.suptitle(title, fontsize=14)
    grid: Any = figure.subplots(len(results), len(options), squeeze=False, sharey="row", sharex="col")
    for column, option in enumerate(options):
        for panel, name in zip(grid[:, column], results, strict=True):
            _points(panel, rows, option, name, joined=len(options) == 1)
            if column == 0:
                panel.set_ylabel(_NAMES[name])
        grid[-1, column].set_xlabel(option)
    return figure


def _points(axes: Axes, rows: Sequence[Mapping[str, Any]], option: str, name: str, *, joined: bool) -> None:
    """The values of one result over one option, with the range over the seeds where it is known."""
    labels = _values(rows, option)
    known = sorted((row for row in rows if row.get(name) is not None), key=lambda row: labels.index(row[option]))
    numeric = all(_is_number(value) for value in labels)
    places = [row[option] if numeric else labels.index(row[option]) for row in known]
    values = [row[name] for row in known]
    low, high = ([row.get(f"{name}_{end}") or row[name] for row in known] for end in ("min", "max"))
    spread = np.abs(np.array([np.subtract(values, low), np.subtract(high, values)])) if known else None
    style = {"color": METHOD_COLORS[0], "marker": "o", "linestyle": "-" if joined else "none", "capsize": 3}
    axes.errorbar(places, values, yerr=spread if known and np.any(spread) else None, **style)
    if name == "relative_l2":
        axes.set_yscale("log")
    else:
        axes.axhline(0.0, color="0.6", linewidth=0.8)
        _mark_relations(axes, [(place, row) for place, row in zip(places, known, strict=True)])
    if numeric and min(labels) > 0 and max(labels) / min(labels) >= _DECADE:
        axes.set_xscale("log")
    elif not numeric:
        axes.set_xticks(range(len(labels)), [str(label) for label in labels], rotation=20, ha="right")
    axes.grid(alpha=0.3)


def _mark_relations(axes: Axes, placed: Sequence[tuple[float, Mapping[str, Any]]]) -> None:
    """Marks on bias indices of runs in which some modes were not halved."""
    for relation, (marker, words) in _MARKERS.items():
        points = [(place, row["bias_index"]) for place, row in placed if row.get("bias_index_relation") == relation]
        if points:
            style = {"color": "white", "markeredgecolor": METHOD_COLORS[0], "markersize": 9, "zorder": 3}
            axes.plot(*zip(*points, strict=True), marker, label=f"{words}: some modes not halved", **style)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=9)


def _maps(rows: Sequence[Mapping[str, Any]], options: Sequence[str], results: Sequence[str], title: str) -> Figure:
    down, across = options
    lists = _values(rows, down), _values(rows, across)
    written = max(map(len, lists)) <= _MOST_WRITTEN
    columns, lines = (min(len(each), _MOST_WRITTEN) for each in reversed(lists))
    figure = Picture(figsize=(len(results) * max(4.0, 1.5 + 0.8 * columns), max(3.6, 2.0 + 0.6 * lines)))
    figure.suptitle(title, fontsize=14)
    panels: Any = figure.subplots(1, len(results), squeeze=False)
    for axes, name in zip(panels[0], results, strict=True):
        cells = np.full([len(each) for each in lists], np.nan)
        relations: dict[tuple[int, int], Relation] = {}
        for row in rows:
            if row.get(name) is not None:
                place = lists[0].index(row[down]), lists[1].index(row[across])
                cells[place], relations[place] = row[name], row.get("bias_index_relation") or "="
        known = bool(np.isfinite(cells).any())
        is_error = name == "relative_l2"
        norm = (LogNorm() if is_error else CenteredNorm()) if known else None
        image = axes.imshow(cells, cmap=HEAT_MAP if is_error else DIFFERENCE_MAP, norm=norm, aspect="auto", origin="lower")
        for (i, j), value in np.ndenumerate(cells):
            if written and np.isfinite(value):
                shade = np.mean(image.cmap(image.norm(value))[:3])
                text = f"{value:.1e}" if is_error else in_cell(value, relations[i, j])
                axes.text(j, i, text, ha="center", va="center", fontsize=9, color="white" if shade < 0.5 else "black")
        axes.grid(visible=False)
        if known and not written:
            figure.colorbar(image, ax=axes)
        for axis, values in ((axes.xaxis, lists[1]), (axes.yaxis, lists[0])):
            places = range(0, len(values), math.ceil(len(values) / _MOST_WRITTEN))
            axis.set_ticks(places, [_label(values[place]) for place in places])
        axes.set_xlabel(across)
        axes.set_ylabel(down)
        undecided = not is_error and "~" in relations.values()
        axes.set_title(_NAMES[name] + "\nin parentheses: low and high modes not halved" * undecided, fontsize=11)
    return figure


def _label(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _values(rows: Sequence[Mapping[str, Any]], option: str) -> list[Any]:
    """The different values of an option: numbers in increasing order, others as they occur."""
    found: dict[str, Any] = {str(row[option]): row[option] for row in rows}
    values = [*found.values()]
    return sorted(values) if all(map(_is_number, values)) else values


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
