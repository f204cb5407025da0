"""Errors against seconds, with a panel for each problem and a curve for each method."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pdefreq.core.history import History
from pdefreq.core.options import in_lines
from pdefreq.figures.panels import log_limits, spread_ticks
from pdefreq.figures.style import Picture, method_style, note, styled

_TIMES = 200  # log-spaced times to which the seeds of a method are interpolated
_BESIDE: dict[str, Any] = {"loc": "center left", "bbox_to_anchor": (1.01, 0.5)}
_WITHIN: dict[str, Any] = {"loc": "best", "fontsize": 9}
_DASHES = (":", "--", "-.")  # dash patterns of guides


@styled
def errors_figure(
    panels: Mapping[str, Mapping[str, Sequence[History]]],
    *,
    title: str,
    squared: bool = False,
    guides: Mapping[str, float] | None = None,
) -> Figure:
    """A panel for each problem with the errors of its methods against seconds, and a band over the seeds.

    Args:
        panels: For each problem, the histories of the seeds of each method.
        title: Title of the figure.
        squared: Whether the square of the relative L2 error is drawn instead of the error, like REL in the literature.
        guides: Errors by label, each drawn as a dotted or dashed line in every panel; they are squares if `squared` is set.
    """
    once = len({tuple(runs) for runs in panels.values()}) <= 1  # the panels have the same names: one legend beside the last panel
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
        limits.append(axes.get_ylim())  # before they are merged: the panels share the axis
    limits += [(level / 2, 2 * level) for level in (guides or {}).values()]
    if limits:
        row[0].set_ylim(min(low for low, _ in limits), max(high for _, high in limits))
        if row[0].get_yscale() == "log":
            spread_ticks(row[0].yaxis)
    return figure


def draw_errors(
    axes: Axes,
    runs: Mapping[str, Sequence[History]],
    *,
    squared: bool = False,
    legend: Mapping[str, Any] | None = _BESIDE,
    remarks: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """The relative L2 error of each method against seconds: the median over its seeds, and a band from lowest to highest.

    An error of zero lies on the lower edge of a logarithmic axis, and the legend says so. A method without a known error has an
    entry in the legend only.

    Args:
        axes: The axes to draw on.
        runs: The histories of the seeds of each method; a method with one step is drawn as a point.
        squared: Whether squares are drawn.
        legend: Arguments of the legend; None for no legend.
        remarks: A few words for the legend on some of the methods, such as "overfitted".
    """
    axes.set(xlabel="seconds", ylabel="squared relative L2 error" if squared else "relative L2 error")
    power = 2 if squared else 1
    curves = {label: [c for c in (_known(h, power) for h in histories) if len(c[0])] for label, histories in runs.items()}
    drawn = [error for seeds in curves.values() for _, error in seeds]
    if not drawn:
        note(axes, "no exact or reference solution")
        return
    bottom, top = log_limits(np.concatenate(drawn)) or (1e-16, 1.0)
    axes.set(xscale="log", yscale="log", ylim=(bottom, top))
    for position, (label, seeds) in enumerate(curves.items()):
        style = method_style(position)
        ends = [error[-1] for _, error in seeds]
        words = [remarks.get(label, ""), "no error is known" if not ends else "error 0" if not any(ends) else ""]
        name = "\n".join([in_lines(label), *(f"({word})" for word in words if word)])
        if not seeds:
            axes.plot([], [], label=name, **style)
            continue
        raised = [(seconds, np.maximum(error, bottom)) for seconds, error in seeds]
        if all(len(seconds) == 1 for seconds, _ in seeds):  # one step: a point
            at, height = (float(np.median([curve[i][0] for curve in raised])) for i in (0, 1))
            axes.plot(at, min(height, top), "D", color=style["color"], markersize=8, label=name, gid=f"l2-{label}", clip_on=False)
            continue
        seconds, low, middle, high = _band(raised)
        axes.plot(seconds, middle, label=name, gid=f"l2-{label}", clip_on=any(ends), **style)
        if len(seeds) > 1:
            axes.fill_between(seconds, low, high, color=style["color"], alpha=0.2, linewidth=0)
    if legend is not None:
        axes.legend(**legend)


def _known(history: History, power: int) -> tuple[np.ndarray, np.ndarray]:
    """Seconds, and errors to a power, of the rows with positive seconds and a finite error."""
    if "relative_l2" not in history:
        return np.empty(0), np.empty(0)
    seconds, error = history.column("seconds").astype(float), history.column("relative_l2").astype(float) ** power
    shown = (seconds > 0) & np.isfinite(error)
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
