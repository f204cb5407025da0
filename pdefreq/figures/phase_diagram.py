"""The phase diagram of two-layer networks: distances by width, and their slopes over the plane of initializations."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend_handler import HandlerLine2D
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.ticker import NullFormatter, NullLocator

from pdefreq.figures.style import DIFFERENCE_MAP, METHOD_COLORS, Picture, styled

_MARK, _MARKERS = "#E69F00", "osDv"
_OPACITY = 0.85  # of the colors of the map on white
_RANGE = 1.0  # slopes beyond it have the darkest color


@styled
def phase_diagram_figure(
    widths: np.ndarray,
    distances: Mapping[float, np.ndarray],
    slopes: Mapping[float, Sequence[float]],
    gammas: np.ndarray,
    gamma_primes: np.ndarray,
    values: np.ndarray,
    critical_gamma: Callable[[float], float],
    marks: Mapping[tuple[float, float], str],
) -> Figure:
    """Two panels: RD against the width at gamma' = 0, and the map of slopes S with the theoretical line S = 0.

    Args:
        widths: m, shape ``(w,)``.
        distances: RD for each gamma, shape ``(seeds, w)``.
        slopes: S by gamma, one for each seed.
        gammas: gamma of the columns of the map, ascending, shape ``(columns,)``.
        gamma_primes: gamma' of the rows of the map, ascending, shape ``(rows,)``.
        values: S, shape ``(rows, columns)``.
        critical_gamma: gamma on the line S = 0 as a function of gamma'.
        marks: The names of initializations by (gamma, gamma').
    """
    figure = Picture(figsize=(12.5, 5.2))
    left, right = figure.subplots(1, 2, width_ratios=[1, 1.35])
    _draw_distances(left, widths, distances, slopes)
    _draw_map(figure, right, gammas, gamma_primes, values, critical_gamma)
    _draw_marks(right, marks)
    figure.suptitle("Relative distance RD of the inner weights of two-layer ReLU networks from their initial values")
    return figure


def _draw_distances(
    axes: Axes, widths: np.ndarray, distances: Mapping[float, np.ndarray], slopes: Mapping[float, Sequence[float]]
) -> None:
    for (gamma, found), color in zip(distances.items(), METHOD_COLORS, strict=False):
        axes.plot(widths, found.T, "o", color=color, markersize=5, gid=f"distance-{gamma:g}")
        mean = float(np.mean(slopes[gamma]))
        middle = np.exp(np.log(found).mean() + mean * (np.log(widths) - np.log(widths).mean()))
        axes.plot(widths, middle, color=color, linewidth=1.4, label=f"γ = {gamma:g}: S = {mean:.3f}".replace("-", "\u2212"))
    axes.set(xscale="log", yscale="log", xlabel="units m", ylabel="RD of the inner weights", title="γ′ = 0")
    low, high = axes.get_ylim()
    axes.set_ylim(low, 30 * high)  # room for the legend
    axes.legend(loc="upper left")


def _draw_marks(axes: Axes, marks: Mapping[tuple[float, float], str]) -> None:
    """Initializations as points, and the line gamma = gamma' of networks with alpha = 1 and w of order one; names in a legend."""
    (low, high), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    ends = np.array([max(low, bottom), min(high, top)])
    for (place, name), marker in zip(marks.items(), itertools.cycle(_MARKERS)):
        axes.plot(
            *place, marker, color=_MARK, markersize=26, fillstyle="none", markeredgewidth=1.8, label=name, gid=f"mark-{name}"
        )
    axes.plot(ends, ends, color=_MARK, linestyle="--", linewidth=1.6, zorder=1.5, label="E et al.: γ = γ′")
    handles, names = axes.get_legend_handles_labels()
    small = {type(handle): HandlerLine2D(update_func=_as_in_text) for handle in handles}
    axes.legend(handles, names, loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=3, handler_map=small)


def _as_in_text(small: Artist, drawn: Artist) -> None:
    """Give a mark in the legend the height of the text."""
    small.update_from(drawn)
    if isinstance(small, Line2D):
        small.set(markersize=10, gid=None)


def _draw_map(
    figure: Figure,
    axes: Axes,
    gammas: np.ndarray,
    gamma_primes: np.ndarray,
    values: np.ndarray,
    critical_gamma: Callable[[float], float],
) -> None:
    mesh = axes.pcolormesh(
        gammas, gamma_primes, values, shading="nearest", cmap=DIFFERENCE_MAP, vmin=-_RANGE, vmax=_RANGE, alpha=_OPACITY
    )
    for (row, column), value in np.ndenumerate(values):
        place = float(gammas[column]), float(gamma_primes[row])
        color = "white" if abs(value) > 0.7 * _RANGE else "black"
        shade = 1 - _OPACITY + _OPACITY * np.array(mesh.to_rgba(value)[:3])
        around = withStroke(linewidth=4, foreground=shade)  # so that no line crosses the number
        number = f"{value:.2f}".replace("-", "\u2212")
        axes.text(*place, number, ha="center", va="center", fontsize=9, color=color, path_effects=[around])
    low, high = axes.get_xlim(), axes.get_ylim()
    line = np.linspace(*high, 200)
    axes.plot(
        [critical_gamma(float(g)) for g in line],
        line,
        color="black",
        linewidth=1.6,
        label="S = 0 in theory",
        gid="line",
        zorder=1.5,
        alpha=0.6,
    )
    axes.set(xlim=low, ylim=high, xlabel="γ", ylabel="γ′", title="slope S of log RD against log m")
    axes.set_xticks(gammas)
    axes.set_yticks(gamma_primes)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.grid(False)
    figure.colorbar(mesh, ax=axes, extend="both", label="← linear          S          condensed →").ax.grid(False)
