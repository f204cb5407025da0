"""The LFP solution of a regression: its values and limits, the rates of the waves, and their convergence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from pdefreq.figures.style import (
    APPROXIMATE_COLOR,
    METHOD_COLORS,
    SOLUTION_MAP,
    Picture,
    styled,
    wavenumber_colors,
)
from pdefreq.theory.lfp import lfp_weight

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pdefreq.theory.lfp_model import LfpModel

_MARGIN = 0.15  # part of the range of the data that is drawn beyond each end
_PIXELS = 121
_SNAPSHOTS = 6
_LONG = 1e6  # steps
_POWERS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True, eq=False)
class Curve:
    """A function at points.

    Args:
        label: Its label.
        points: Shape ``(q, d)``; in two dimensions a grid with equal numbers along both axes.
        values: Shape ``(q,)``.
    """

    label: str
    points: np.ndarray
    values: np.ndarray


@styled
def lfp_figure(found: LfpModel, *, title: str = "", network: Curve | None = None) -> Figure:
    """The solution, gamma^2 by wavenumber and, in one dimension, the model during training.

    Args:
        found: The solution; in two dimensions, it is drawn as a picture with the training points.
        title: Title of the figure.
        network: A trained network, which is drawn with the solution.
    """
    figure = Picture(figsize=(14, 4.6))
    if found.x.shape[1] == 2:
        *pictures, rates = figure.subplots(1, 3 if network else 2)
        _draw_planes(figure, pictures, found, network)
    else:
        solution, rates, training = figure.subplots(1, 3)
        _draw_line(solution, found, network)
        _draw_training(training, found)
    _draw_rates(rates, found)
    figure.suptitle(title)
    return figure


def _draw_line(axes: Axes, found: LfpModel, network: Curve | None) -> None:
    wide = _wide(found)
    for (name, values), color in zip(found.splines.items(), (METHOD_COLORS[2], METHOD_COLORS[3]), strict=False):
        axes.plot(found.line, values, color=color, linewidth=1.4, label=name)
    if network is not None:
        axes.plot(network.points[:, 0], network.values, color=APPROXIMATE_COLOR, linewidth=5, alpha=0.45, label=network.label)
    axes.plot(wide, found(wide), color="black", linewidth=1.3, linestyle=(0, (4, 3)), label="LFP")
    axes.plot(found.x[:, 0], found.y, "o", color="black", markersize=6, label="data", zorder=3)
    axes.set(xlabel="x", ylabel="h", title="solution and its limits")
    bottom, top = axes.get_ylim()
    axes.set_ylim(bottom, top + 0.45 * (top - bottom))  # room for the legend
    axes.legend(loc="upper left", ncols=2, fontsize=9)


def _draw_planes(figure: Figure, panels: Sequence[Axes], found: LfpModel, network: Curve | None) -> None:
    low, high = found.x.amin(dim=0), found.x.amax(dim=0)
    pad = _MARGIN * (high - low)
    axis = [torch.linspace(float(a), float(b), _PIXELS, dtype=torch.float64) for a, b in zip(low - pad, high + pad, strict=True)]
    values = found(torch.cartesian_prod(*axis)).reshape(_PIXELS, _PIXELS)
    extent = (float(axis[0][0]), float(axis[0][-1]), float(axis[1][0]), float(axis[1][-1]))
    pictures = [("LFP", values, extent)]
    if network is not None:
        side = round(len(network.values) ** 0.5)
        inner = (float(low[0]), float(high[0]), float(low[1]), float(high[1]))
        pictures.append((network.label, network.values.reshape(side, side), inner))
    norm = Normalize(float(values.min()), float(values.max()))
    image = None
    for axes, (title, picture, box) in zip(panels, pictures, strict=True):
        image = axes.imshow(picture.T, origin="lower", extent=box, cmap=SOLUTION_MAP, norm=norm)
        axes.scatter(found.x[:, 0], found.x[:, 1], c=found.y, cmap=SOLUTION_MAP, edgecolors="white", s=60, norm=norm)
        axes.set(xlabel="x", ylabel="y", title=title)
        axes.grid(False)
    assert image is not None
    figure.colorbar(image, ax=list(panels), shrink=0.7).ax.grid(False)


def _draw_rates(axes: Axes, found: LfpModel) -> None:
    d, moments, kernel = found.x.shape[1], found.moments, found.fit.kernel
    wavenumber = kernel.wavevectors.norm(dim=1)
    xi = torch.logspace(float(wavenumber[1:].min().log10()), float(wavenumber.max().log10()), 300, dtype=torch.float64)
    both = lfp_weight(xi, d, inner=moments.inner, outer=moments.outer)
    inner = lfp_weight(xi, d, inner=moments.inner, outer=0)
    unit = float(both[0])
    axes.plot(
        xi, inner / unit, color=METHOD_COLORS[2], linewidth=1.4, label=f"output weights, |ξ|{str(-d - 3).translate(_POWERS)}"
    )
    axes.plot(
        xi,
        (both - inner) / unit,
        color=METHOD_COLORS[3],
        linewidth=1.4,
        label=f"inner weights, |ξ|{str(-d - 1).translate(_POWERS)}",
    )
    axes.plot(xi, both / unit, color="black", linewidth=1.3, linestyle=(0, (4, 3)), label="γ²")
    if float(xi[0]) < moments.crossover < float(xi[-1]):
        axes.axvline(moments.crossover, color="0.6", linewidth=1)
        axes.annotate(
            f"ξ = {moments.crossover:.3g}",
            (moments.crossover, float(both[-1] / unit)),
            xytext=(4, 2),
            textcoords="offset points",
            fontsize=9,
            color="0.4",
        )
    axes.set(xscale="log", yscale="log", xlabel="wavenumber |ξ|", ylabel="γ² / γ²(ξ₁)", title="rate of each frequency")
    axes.set_ylim(float(both[-1] / unit) / 30, 30)
    axes.legend(fontsize=9, loc="upper right")


def _draw_training(axes: Axes, found: LfpModel) -> None:
    """The model at the time constants of the eigenvectors of the kernel."""
    constants = found.time_constants
    steps = constants[np.unique(np.linspace(0, len(constants) - 1, _SNAPSHOTS).round().astype(int))]
    x = _wide(found)
    for step, values, color in zip(steps, found.during(x, steps), wavenumber_colors(len(steps)), strict=True):
        axes.plot(x, values, color=color, linewidth=1.6, label=f"{step:,.0f}" if step < _LONG else f"{step:.1e}")
    axes.plot(found.x[:, 0], found.y, "o", color="black", markersize=6, zorder=3)
    axes.set(xlabel="x", ylabel="h", title="LFP model during training")
    bottom, top = axes.get_ylim()
    axes.set_ylim(bottom, top + 0.45 * (top - bottom))  # room for the legend
    axes.legend(title="step, with the rate 1/κ₁", fontsize=9, loc="upper left", ncols=3)


def _wide(found: LfpModel) -> np.ndarray:
    low, high = float(found.x.min()), float(found.x.max())
    return np.linspace(low - _MARGIN * (high - low), high + _MARGIN * (high - low), 1000)
