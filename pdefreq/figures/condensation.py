"""Features of two-layer networks before and after training, and their fits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from matplotlib.figure import Figure

from pdefreq.figures.style import EXACT_COLOR, METHOD_COLORS, Picture, styled


class Features(Protocol):
    """Features of a network, and its values after training."""

    @property
    def orientation(self) -> np.ndarray: ...
    @property
    def amplitude(self) -> np.ndarray: ...
    @property
    def x(self) -> np.ndarray: ...
    @property
    def u(self) -> np.ndarray: ...
    @property
    def effective_neurons(self) -> tuple[float, float]: ...
    def some(self) -> np.ndarray: ...


@styled
def condensation_figure(found: Mapping[tuple[int, float], Features], data: np.ndarray) -> Figure:
    """Amplitude against orientation, a row for each width and a column for each gamma, and below them the fits.

    Args:
        found: The features by width and gamma.
        data: The points at which x^2 is learned, shape ``(n,)``.
    """
    widths, gammas = sorted({width for width, _ in found}), sorted({gamma for _, gamma in found})
    figure = Picture(figsize=(3.9 * len(gammas), 2.5 * len(widths) + 2.8))
    panels = figure.subplots(len(widths) + 1, len(gammas), squeeze=False)
    for row, width in enumerate(widths):
        for axes, gamma in zip(panels[row], gammas, strict=True):
            features = found[width, gamma]
            units = features.some()
            for moment, color, label in ((0, "0.6", "before"), (1, METHOD_COLORS[1], "after")):
                largest = features.amplitude[moment].max()
                axes.plot(
                    features.orientation[moment][units],
                    features.amplitude[moment][units] / largest,
                    ".",
                    color=color,
                    markersize=3,
                    label=label,
                    rasterized=True,
                )
            axes.set(xlim=(-180, 180), ylim=(0, 1.08), xticks=[-180, -90, 0, 90, 180])
            axes.set_title(f"m = {width:,}, γ = {gamma:g}: N = {features.effective_neurons[1]:.3g}", fontsize=10)
            if row == len(widths) - 1:
                axes.set_xlabel("orientation of (w, b), degrees")
        panels[row][0].set_ylabel("amplitude / largest")
    panels[0][0].legend(loc="upper right", markerscale=3)
    for axes, gamma in zip(panels[-1], gammas, strict=True):
        for width, color in zip(widths, METHOD_COLORS, strict=False):
            axes.plot(found[width, gamma].x, found[width, gamma].u, color=color, linewidth=1.5, label=f"m = {width:,}")
        axes.plot(data, data**2, "o", color=EXACT_COLOR, markersize=5, label="data", zorder=3)
        axes.set(xlabel="x", ylim=(-0.1, 0.45))
        axes.set_title(f"fits, γ = {gamma:g}", fontsize=10)
    panels[-1][0].set_ylabel("u")
    panels[-1][0].legend(loc="upper center", fontsize=9)
    return figure
