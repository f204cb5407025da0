"""Errors against seconds: of several methods in one panel, of several problems side by side."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pdefreq.core.history import History
from pdefreq.core.options import in_lines
from pdefreq.figures.panels import log_limits
from pdefreq.figures.style import Picture, method_style, note, styled

_TIMES = 200  # log-spaced times at which the seeds of a method are combined
_BESIDE: dict[str, Any] = {"loc": "center left", "bbox_to_anchor": (1.01, 0.5)}
_WITHIN: dict[str, Any] = {"loc": "best", "fontsize": 9}
_DASHES = (":", "--", "-.")  # line styles of guides


@styled
def errors_figure(
    panels: Mapping[str, Mapping[str, Sequence[History]]],
    *,
    title: str,
    squared: bool = False,
    guides: Mapping[str, float] | None = None,
) -> Figure:
    """A panel for each problem: errors of its methods against seconds, with a band over the seeds.

    Args:
        panels: For each problem, the histories of the seeds of each method.
        title: The title of the figure.
        squared: Whether the square of the relative L2 error is drawn (REL), instead of the error.
        guides: Errors by label, each drawn as a dotted or dashed line in every panel; squares where squares are drawn.
    """
    once = (
        len({tuple(runs) for runs in panels.values()}) <= 1
    )  # if all panels have the same names, the legend is beside the last one
    figure = Picture(figsize=(1.0 + 3.9 * max(1, len(panels)) + (3.6 if once else 0), 4.2))
    figure.suptitle(title)
    row = figure.subplots(1, max(1, len(panels)), squeeze=False, sharey=True)[0]
    limits: list[tuple[float, float]] = []
    for axes, (name, runs) in zip(row, panels.items(), strict=False):
        for (label, level), dashes in zip((guides or {}).items(), itertools.cycle(_DASHES)):
            axes.axhline(
                level, color="0.45", linewidth=1.2, linestyle=dashes, label=textwrap.fill(label, 26), gid=f"guide-{label}"
            )
        last = axes is row[len(panels) - 1]
        draw_errors(axes, runs, squared=squared, legend=_BESIDE if once and last else None if once else _WITHIN)
        axes.set_title(name)
        axes.label_outer()
        limits.append(axes.get_ylim())  # of this panel, since the axis is shared
    limits += [(level / 2, 2 * level) for level in (guides or {}).values()]
    if limits:
        row[0].set_ylim(min(low for low, _ in limits), max(high for _, high in limits))
    return figure


def draw_errors(
    axes: Axes, runs: Mapping[str, Sequence[History]], *, squared: bool = False, legend: Mapping[str, Any] | None = _BESIDE
) -> None:
    """The relative L2 error of each method against seconds: the median over its seeds, and a band from lowest to highest.

    Args:
        axes: The axes.
        runs: For each method the histories of its seeds; a run of one step is a point.
        squared: Whether squares are drawn.
        legend: The place of the legend; None for no legend.
    """
    axes.set(xlabel="seconds", ylabel="squared relative L2 error" if squared else "relative L2 error")
    power = 2 if squared else 1
    curves = {label: [c for c in (_positive(h, power) for h in histories) if len(c[0])] for label, histories in runs.items()}
    drawn = [error for seeds in curves.values() for _, error in seeds]
    if not drawn:
        note(axes, "no exact or reference solution")
        return
    axes.set(xscale="log", yscale="log", ylim=log_limits(np.concatenate(drawn)))
    for position, (label, seeds) in enumerate(curves.items()):
        style = method_style(position)
        if not seeds:
            continue
        if all(len(seconds) == 1 for seconds, _ in seeds):  # one step: a point
            point = [np.median([curve[i][0] for curve in seeds]) for i in (0, 1)]
            axes.plot(*point, "D", color=style["color"], markersize=8, label=in_lines(label), gid=f"l2-{label}")
            continue
        seconds, low, middle, high = _band(seeds)
        axes.plot(seconds, middle, label=in_lines(label), gid=f"l2-{label}", **style)
        if len(seeds) > 1:
            axes.fill_between(seconds, low, high, color=style["color"], alpha=0.2, linewidth=0)
    if legend is not None:
        axes.legend(**legend)


def _positive(history: History, power: int) -> tuple[np.ndarray, np.ndarray]:
    """Seconds and powers of errors, for the rows that are positive and finite."""
    if "relative_l2" not in history:
        return np.empty(0), np.empty(0)
    seconds, error = history.column("seconds").astype(float), history.column("relative_l2").astype(float) ** power
    shown = (seconds > 0) & np.isfinite(error) & (error > 0)
    return seconds[shown], error[shown]


def _band(curves: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Seconds, and lowest, median and highest error over the seeds; for one seed, its own records."""
    if len(curves) == 1:
        seconds, error = curves[0]
        return seconds, error, error, error
    begin, end = max(t[0] for t, _ in curves), min(t[-1] for t, _ in curves)
    seconds = np.geomspace(begin, max(begin, end), _TIMES)
    errors = np.exp([np.interp(np.log(seconds), np.log(t), np.log(e)) for t, e in curves])
    return seconds, errors.min(axis=0), np.median(errors, axis=0), errors.max(axis=0)
