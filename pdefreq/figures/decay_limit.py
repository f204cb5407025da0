"""Interpolants of least weighted norm in one and two dimensions, and their size away from the data."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from pdefreq.figures.style import METHOD_COLORS, Picture, styled, wavenumber_colors


@styled
def decay_limit_figure(
    x: np.ndarray,
    curves: Mapping[int, Mapping[float, np.ndarray]],
    data: tuple[np.ndarray, np.ndarray],
    ratios: np.ndarray,
    slopes: Mapping[tuple[int, float], float],
) -> Figure:
    """A panel of interpolants for each dimension, and a panel of the power of M with which they decrease.

    Args:
        x: Points of the first axis, shape ``(n,)``.
        curves: Interpolants by dimension and alpha, shape ``(n,)``.
        data: Places and values of the data on the first axis.
        ratios: alpha / d, ascending.
        slopes: The slope of log(rms off the data) in log(M), by dimension and alpha / d.
    """
    figure = Picture(figsize=(4.7 * (len(curves) + 1), 4.4))
    *panels, last = figure.subplots(1, len(curves) + 1)
    for axes, (d, interpolants) in zip(panels, curves.items(), strict=True):
        for (alpha, values), color in zip(interpolants.items(), wavenumber_colors(len(interpolants)), strict=True):
            axes.plot(x, values, color=color, linewidth=1.6, label=f"α = {alpha:g}")
        axes.plot(*data, "o", color="black", markersize=6, label="data")
        axes.set(xlabel="x", ylabel="h", title=f"least norm, d = {d}")
        axes.locator_params(axis="x", nbins=5)
        bottom, top = axes.get_ylim()
        axes.set_ylim(bottom, top + 0.25 * (top - bottom))  # room for the legend
        axes.legend(fontsize=9, ncols=2, loc="upper right")
    for d, color in zip(curves, METHOD_COLORS, strict=False):
        last.plot(ratios, [slopes[d, ratio] for ratio in ratios], "o-", color=color, label=f"d = {d}", linewidth=1.6)
    last.axvline(1, color="0.6", linewidth=1)
    last.axhline(0, color="0.6", linewidth=1)
    last.set(xlabel="α / d", ylabel="slope of the rms off the data in M", title="spikes (left) and a limit (right)")
    last.legend()
    return figure
