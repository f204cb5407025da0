"""Solutions in trial spaces of increasing dimension, with their limit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pdefreq.figures.style import EXACT_COLOR, Picture, method_style, styled, wavenumber_colors

_ROOM = 0.12  # margin above and below the curves, relative to their range


@dataclass(frozen=True)
class Family:
    """One kind of trial space, for several sizes.

    Args:
        name: The displayed name.
        profiles: Size m -> u along the line that is drawn, shape ``(len(x),)``.
        measured: Size m -> the number that the last panel shows.
    """

    name: str
    profiles: Mapping[int, np.ndarray]
    measured: Mapping[int, float]


@styled
def point_sources_figure(
    x: np.ndarray,
    limit: np.ndarray,
    families: Sequence[Family],
    *,
    title: str,
    axis: str,
    measure: str,
    guides: Mapping[str, tuple[np.ndarray, np.ndarray]],
    logarithmic: bool,
) -> Figure:
    """A panel for each family, with the limit in gray, and a panel for a number against the size m.

    Args:
        x: Points of the line, shape ``(n,)``.
        limit: The limit of Ritz-Galerkin solutions at these points; it may be infinite.
        families: Five families, so that the panels fill two rows.
        title: The title of the figure.
        axis: Name of the coordinate along the line.
        measure: Title of the last panel.
        guides: Lines in the last panel, by label.
        logarithmic: Whether its vertical axis is logarithmic.
    """
    figure = Picture(figsize=(12.5, 6.6))
    panels = figure.subplots(2, 3, squeeze=False).ravel()
    order = [0, 1, 3, 4, 5]  # the panel of numbers is at the end of the first row
    curves = np.concatenate([u for family in families for u in family.profiles.values()])
    low, high = float(curves.min()), float(curves.max())
    limit = np.nan_to_num(limit, posinf=2 * high, neginf=2 * low)  # a line to the edge of the panel
    for place, family in zip(order, families, strict=True):
        axes = panels[place]
        axes.plot(x, limit, color=EXACT_COLOR, linewidth=4, alpha=0.3, label="limit", gid="limit")
        for color, (m, u) in zip(wavenumber_colors(len(family.profiles)), family.profiles.items(), strict=True):
            axes.plot(x, u, color=color, linewidth=1.5, label=f"m = {m}", gid=f"m-{m}")
        axes.set(title=family.name, xlim=(x[0], x[-1]), ylim=(low - _ROOM * (high - low), high + _ROOM * (high - low)))
        axes.legend(loc="best", fontsize=9, handlelength=1.4)
        axes.set_xlabel(axis)
        axes.locator_params(axis="x", nbins=5)
    for axes in (panels[0], panels[3]):
        axes.set_ylabel("u")
    _draw_numbers(panels[2], families, measure, guides, logarithmic)
    figure.suptitle(title)
    return figure


def _draw_numbers(
    axes: Axes,
    families: Sequence[Family],
    measure: str,
    guides: Mapping[str, tuple[np.ndarray, np.ndarray]],
    logarithmic: bool,
) -> None:
    for label, line in guides.items():
        axes.plot(*line, color="0.45", linewidth=1.2, linestyle="--", label=label)
    for i, family in enumerate(families):
        sizes = np.array(list(family.measured))
        values = np.array(list(family.measured.values()))
        axes.plot(sizes, values, marker="o", markersize=4, linewidth=1.5, label=family.name, **method_style(i))
    axes.set_xscale("log")
    if logarithmic:
        axes.set_yscale("log")
    axes.set(title=measure, xlabel="m")
    axes.legend(fontsize=8, handlelength=1.8, loc="best")
