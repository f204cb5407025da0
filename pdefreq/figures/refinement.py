"""Errors of modes and norms on a sequence of finer discretizations."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from pdefreq.figures.labels import mode_labels
from pdefreq.figures.panels import log_limits
from pdefreq.figures.style import Picture, note, styled, wavenumber_colors
from pdefreq.spectrum.orders import Order
from pdefreq.spectrum.spectral_record import SpectralRecord

_NORMS = {"relative_l2": ("L2", "-"), "relative_h1": ("H1", "--"), "max_error": ("largest", ":")}
_THEORY: dict[str, Any] = {"color": "black", "linestyle": (0, (4, 4)), "linewidth": 0.9}
_CURVES = 8  # largest number of modes
_TICKS = 7  # largest number of ticks on the axis of mesh widths


@styled
def refinement_figure(
    record: SpectralRecord,
    norms: Mapping[str, Sequence[float]],
    orders: Mapping[str, Order],
    *,
    names: Sequence[str],
    h: np.ndarray | None,
    unknowns: Sequence[int],
    dimension: int,
    predicted: np.ndarray,
    title: str = "",
    wavenumbers: Sequence[float] = (),
) -> Figure:
    """Errors against mesh width (left) and number of unknowns (right), finer to the right.

    Levels of a fitted order are filled; other levels are hollow. Predicted errors are dashed.

    Args:
        record: Total errors, one row per level.
        norms: Errors by the name of the norm, one entry per level.
        orders: Fitted orders of each norm, and of each mode by its entry in `names`.
        names: Names of the modes, in their order.
        h: Mesh widths, shape ``(levels,)``; None omits the left panel.
        unknowns: Numbers of unknowns.
        dimension: Dimension of the domain; orders are powers of h, or N^(-1 / dimension).
        predicted: Predicted errors of the modes, shape ``(levels, m)``, nan if unknown.
        title: The title of the figure.
        wavenumbers: Wavenumbers of modes that must be shown; the others are those of largest amplitude.
    """
    shown = record.pick(_CURVES, wavenumbers)
    place = [list(record.column).index(column) for column in shown.column]
    curves = _mode_curves(shown, [orders[names[k]] for k in place], predicted[:, place])
    curves += [_norm_curve(name, errors, orders[name]) for name, errors in norms.items()]
    figure = Picture(figsize=(12.5 if h is not None else 8.6, 5.4))
    figure.suptitle(title, fontsize=13)
    panels = figure.subplots(1, 1 if h is None else 2, sharey=True, squeeze=False)[0]
    limits = log_limits(np.concatenate([curve["error"] for curve in curves]))
    if limits is None:
        for axes in panels:
            note(axes, "no errors are known")
        return figure
    x = np.array(unknowns, float)
    if h is not None:
        _draw(panels[0], h, curves, limits, power=1)
        _level_axis(panels[0], h, "mesh width h", ".2g")
        panels[0].invert_xaxis()
    _draw(panels[-1], x, curves, limits, power=-1 / dimension)
    _level_axis(panels[-1], x, "unknowns N", ",.0f")
    panels[0].set_ylabel("error, relative but for the largest")
    handles = [line for line in panels[0].lines if not str(line.get_label()).startswith("_")]
    if np.isfinite(predicted).any():
        handles.append(Line2D([], [], label="theory", **_THEORY))
    handles.append(Line2D([], [], color="0.3", marker="o", markerfacecolor="white", linestyle="none", label="not in the fit"))
    figure.legend(handles=handles, loc="outside right center", title="wavenumber: fitted order", alignment="left")
    return figure


def _mode_curves(record: SpectralRecord, orders: Sequence[Order], predicted: np.ndarray) -> list[dict[str, Any]]:
    colors = wavenumber_colors(len(record))
    return [
        {
            "error": record.error[:, k],
            "theory": predicted[:, k],
            "order": order,
            "label": f"{label}: {_told(order)}",
            "style": {"color": colors[k], "gid": f"mode-{record.column[k]}"},
        }
        for k, (label, order) in enumerate(zip(mode_labels(record.modes), orders, strict=True))
    ]


def _norm_curve(name: str, errors: Sequence[float], order: Order) -> dict[str, Any]:
    label, dashes = _NORMS[name]
    return {
        "error": np.array(errors, float),
        "theory": np.full(len(errors), np.nan),
        "order": order,
        "label": f"{label}: {_told(order)}",
        "style": {"color": "0.45", "linestyle": dashes, "linewidth": 1.4, "gid": name},
    }


def _told(order: Order) -> str:
    """The order for the legend."""
    if order.value is not None:
        return f"{order.value:.2f}"
    return "spectral" if order.faster else "none"


def _draw(axes: Axes, x: np.ndarray, curves: Sequence[dict[str, Any]], limits: tuple[float, float], *, power: float) -> None:
    """All curves, and triangles of the steepest and the flattest of the fitted orders, rounded."""
    axes.set(xscale="log", yscale="log", ylim=limits)
    for curve in curves:
        error, order, color = curve["error"], curve["order"], curve["style"]["color"]
        axes.plot(x, error, label=curve["label"], zorder=2, **curve["style"])
        fitted = np.zeros(len(x), bool)
        if order.levels is not None:
            fitted[order.levels[0] : order.levels[1] + 1] = True
        for mask, face in ((fitted, color), (~fitted, "white")):
            axes.plot(x[mask], error[mask], "o", color=color, markerfacecolor=face, markersize=5, label="_points", zorder=3)
        axes.plot(x, curve["theory"], label="_theory", zorder=4, **_THEORY)
    slopes = sorted({round(curve["order"].value) for curve in curves if curve["order"].value is not None} - {0})
    if slopes:
        _triangle(axes, x[0], limits, slopes[-1], power)
    if len(slopes) > 1:
        _triangle(axes, x[-1], (limits[1], limits[0]), slopes[0], power)


def _triangle(axes: Axes, end: float, limits: tuple[float, float], slope: int, power: float) -> None:
    """A triangle with the slope of an order, in an empty corner: lower left or upper right."""
    size = 2 ** (-1 / power)
    low = limits[0] < limits[1]
    near, far = (end, end * size) if low else (end, end / size)
    base = limits[0] * (limits[1] / limits[0]) ** 0.04
    tip = base * 2.0 ** (slope if low else -slope)
    axes.plot([near, near, far, near], [tip, base, base, tip], color="0.25", linewidth=1.2, label="_slope", zorder=1)
    beside = {"xytext": (5 if low else -5, 0), "ha": "left" if low else "right", "textcoords": "offset points"}
    axes.annotate(f"{slope}", (near, math.sqrt(tip * base)), va="center", color="0.25", **beside)


def _level_axis(axes: Axes, x: np.ndarray, label: str, digits: str) -> None:
    """Ticks at the levels, as many as fit."""
    shown = np.log(x)
    apart = abs(shown[-1] - shown[0]) / _TICKS
    ticks = [x[-1]]
    for value in x[-2::-1]:
        if abs(math.log(value / ticks[-1])) >= apart:
            ticks.append(value)
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:{digits}}"))
    axes.set_xlabel(label)
