"""Initial rates of modes for two losses, with and without the gradient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pdefreq.figures.style import METHOD_COLORS, Picture, styled, wavenumber_colors


@dataclass(frozen=True)
class Curves:
    """Errors of tones against time.

    Args:
        time: Shape ``(T,)``.
        tones: The wavenumbers of the tones.
        errors: Relative errors by loss, shape ``(T, tones)``.
    """

    time: np.ndarray
    tones: Sequence[float]
    errors: Mapping[str, np.ndarray]


@styled
def gradient_loss_figure(
    wavenumbers: np.ndarray,
    ratios: Mapping[str, np.ndarray],
    with_boundary: np.ndarray,
    off: Mapping[int, np.ndarray],
    curves: Curves,
    *,
    units: int,
    seeds: int,
) -> Figure:
    """Three panels: the ratio of initial rates by wavenumber, its distance from theory by width, and the resulting errors.

    Args:
        wavenumbers: xi of single tones, shape ``(m,)``.
        ratios: Ratios by kind of input, shape ``(m,)``.
        with_boundary: 1 + xi^2 and the boundary term of the interval, shape ``(m,)``.
        off: By width, relative distance of the ratio from 1 + xi^2 for tones together, shape ``(seeds, tones)``.
        curves: Predicted errors on periodic input.
        units: Width of the network in the first and the last panel.
        seeds: Number of seeds in the middle panel.
    """
    figure = Picture(figsize=(13.5, 4.4))
    first, second, third = figure.subplots(1, 3)
    _draw_ratios(first, wavenumbers, ratios, with_boundary)
    first.set_title(f"a tone alone, {units} units")
    _draw_distances(second, off, curves.tones)
    second.set_title(f"periodic input, tones together, {seeds} seeds")
    _draw_curves(third, curves)
    third.set_title(f"periodic input, tones together, {units} units")
    figure.suptitle("Initial rates of tones sin ξx: fitting the gradient too (L_grad) against values alone (L_nongrad)")
    return figure


def _draw_ratios(axes: Axes, wavenumbers: np.ndarray, ratios: Mapping[str, np.ndarray], with_boundary: np.ndarray) -> None:
    line = np.geomspace(wavenumbers[0], wavenumbers[-1], 100)
    axes.plot(line, 1 + line**2, color="0.45", linewidth=1.2, linestyle="--", label="1 + ξ²")
    axes.plot(wavenumbers, with_boundary, color=METHOD_COLORS[1], linewidth=1.2, linestyle=":", label="1 + ξ² + boundary term")
    for i, (name, values) in enumerate(ratios.items()):
        axes.plot(wavenumbers, values, "os"[i], color=METHOD_COLORS[i], markersize=6, label=name)
    axes.set(xscale="log", yscale="log", xlabel="wavenumber ξ", ylabel="L_grad : L_nongrad")
    axes.set_xticks(wavenumbers, [f"{k:g}" for k in wavenumbers])
    axes.set_yticks(ticks := [2, 5, 10, 20, 50], [str(tick) for tick in ticks])
    axes.minorticks_off()
    axes.legend(fontsize=9)


def _draw_distances(axes: Axes, off: Mapping[int, np.ndarray], tones: Sequence[float]) -> None:
    widths = np.array(list(off))
    found = np.stack(list(off.values()))  # (widths, seeds, tones)
    worst = found.max(axis=(1, 2))
    for j, color in enumerate(wavenumber_colors(len(tones))):
        axes.plot(widths, found[:, :, j], "o", color=color, markersize=5)
        axes.plot([], [], "o", color=color, markersize=5, label=f"ξ = {tones[j]:g}")
    axes.plot(widths, worst[0] * (widths / widths[0]) ** -0.5, color="0.45", linewidth=1.2, linestyle="--", label="1 / √m")
    axes.axhline(0.03, color="0.7", linewidth=1.0, linestyle="-")
    axes.annotate("3 %", (widths[-1], 0.03), xytext=(-8, 3), textcoords="offset points", ha="right", fontsize=9, color="0.45")
    axes.set(xscale="log", yscale="log", xlabel="units m", ylabel="distance from 1 + ξ², relative")
    axes.legend(fontsize=9)


def _draw_curves(axes: Axes, curves: Curves) -> None:
    colors = wavenumber_colors(len(curves.tones))
    for tone, color in zip(curves.tones, colors, strict=True):
        axes.plot([], [], color=color, label=f"ξ = {tone:g}")
    for (name, errors), style in zip(curves.errors.items(), ("-", "--"), strict=True):
        axes.plot([], [], style, color="0.3", label=name)
        for column, color in zip(errors.T, colors, strict=True):
            axes.plot(curves.time[1:], column[1:], style, color=color)
    axes.set(xscale="log", yscale="log", xlabel="time of gradient flow, 1 / κ₁", ylabel="relative error, predicted")
    axes.set(xlim=(curves.time[1], curves.time[-1]), ylim=(1e-3, 2))
    axes.legend(fontsize=9, loc="lower left")
