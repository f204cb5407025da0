"""Parts that figures share: heat maps of mode errors, the half-error front, limits of logarithmic axes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.cm import ScalarMappable
from matplotlib.colorbar import Colorbar
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure, SubFigure
from matplotlib.patheffects import Normal, Stroke
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator, StrMethodFormatter

from pdefreq.figures.style import HEAT_MAP

TAU = 0.5
_COLUMNS = 240  # log-spaced columns of a heat map, finer than is visible at the width of a slide
_ORDERED = 0.5  # minimum correlation of log t_k and the row that counts as an order
_ROW_LABELS = 16  # labels that fit beside a map
_HEAT = LogNorm(1e-2, 1.0)
_OUTLINE = [Stroke(linewidth=4, foreground="0.15"), Normal()]


def log_limits(values: np.ndarray, floor: float = 1e-16, ceiling: float = 1e4) -> tuple[float, float] | None:
    """Limits of a logarithmic axis around the positive finite values, or None if there are no such values."""
    values = np.asarray(values, float)
    values = values[np.isfinite(values) & (values > 0)]
    if not len(values):
        return None
    low, high = np.clip((values.min(), values.max()), floor, ceiling)
    margin = max(1.5, (high / low) ** 0.05)
    return float(low / margin), float(high * margin)


def spread_ticks(axis: Axis) -> None:
    """Set a few ticks with plain numbers on a logarithmic axis with fewer than two powers of ten, whose minor ticks overlap."""
    low, high = axis.get_view_interval()
    if not 0 < low < high < math.inf or math.floor(math.log10(high)) > math.ceil(math.log10(low)):
        return
    decades = 10.0 ** np.arange(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = np.outer(decades, [1, 2, 5]).ravel().tolist()
    if sum(low <= tick <= high for tick in ticks) < 3:
        ticks = list(MaxNLocator(4, steps=[1, 2, 5, 10]).tick_values(low, high))
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axis.set_minor_locator(NullLocator())


def step_columns(last: float) -> np.ndarray:
    """Log-spaced steps from 1 to the last one, so that early steps stay visible."""
    return np.geomspace(1.0, max(float(last), 2.0), _COLUMNS)


def draw_heat_map(axes: Axes, steps: np.ndarray, error: np.ndarray) -> None:
    """Draw errors ``(len(steps), m)``, one row per mode, with steps on the horizontal axis; unknown values are gray."""
    axes.grid(False)
    axes.set_facecolor("0.88")
    known = np.ma.masked_invalid(np.clip(error.T, _HEAT.vmin, _HEAT.vmax))
    axes.pcolormesh(steps, np.arange(error.shape[1]), known, norm=_HEAT, cmap=HEAT_MAP, shading="nearest", rasterized=True)
    axes.set_ylim(-0.5, error.shape[1] - 0.5)


def label_rows(axes: Axes, labels: Sequence[str]) -> None:
    """Label the rows of a heat map, or every n-th row if there are many."""
    shown = range(0, len(labels), max(1, -(-len(labels) // _ROW_LABELS)))
    axes.set_yticks(list(shown), [labels[i] for i in shown])
    axes.tick_params(axis="y", length=0)


def heat_colorbar(figure: Figure, axes: Sequence[Axes]) -> Colorbar:
    """The common color bar of the heat maps, with the half-error level marked."""
    bar = figure.colorbar(ScalarMappable(_HEAT, HEAT_MAP), ax=axes, extend="both", pad=0.02, aspect=30)
    bar.set_label("relative error of the mode")
    bar.ax.yaxis.set_major_locator(FixedLocator([1e-2, 1e-1, TAU, 1]))
    bar.ax.yaxis.set_minor_locator(NullLocator())
    bar.ax.set_yticklabels(["0.01", "0.1", "0.5", "1"])
    bar.ax.grid(False)
    return bar


def draw_front(axes: Axes, half: np.ndarray) -> None:
    """Draw the half-error front t_k(0.5) across the rows: the median over the seeds and the range.

    The line joins adjacent modes whose error is halved, and is interrupted at modes whose error is not. Modes whose error is
    halved within the first step lie at the left edge. Modes that start below one half are not part of the front; a triangle at
    the left edge marks them. If there is an order, an arrow at the end points to the last modes, unless the front is interrupted
    there. `front_legend` explains the marks.

    Args:
        axes: The axes of a heat map, with limits set.
        half: The halving step of each mode for each seed, shape ``(seeds, m)``: 0 if the error starts below one half, inf if it
            is never halved, nan if it is unknown.
    """
    front = np.median(half, axis=0)
    (early,) = np.nonzero(front == 0)
    (rows,) = np.nonzero(front != 0)
    if len(early):
        inside = {"transform": axes.get_yaxis_transform(), "markersize": 5, "path_effects": _OUTLINE}
        axes.plot(np.full(len(early), 0.02), early, "<", color="white", gid="at-start", label="below ½ at the start", **inside)
    front = np.where(np.isfinite(front), np.maximum(front, axes.get_xlim()[0]), np.nan)[rows]
    if len(half) > 1:
        low, high = (edge.clip(*axes.get_xlim()) for edge in (half[:, rows].min(axis=0), half[:, rows].max(axis=0)))
        known = np.isfinite(front)
        axes.fill_betweenx(rows, low, high, where=known, color="white", alpha=0.4, linewidth=0, gid="front-spread")
    dots = np.flatnonzero(np.isfinite(front)).tolist()
    direction = _direction(front)
    before, last = dots[-2:] if direction > 0 else dots[1::-1] if direction else (0, 0)
    if abs(last - before) == 1:
        dots.remove(last)
        arrow = {"arrowstyle": "-|>", "color": "white", "linewidth": 2, "mutation_scale": 24, "path_effects": _OUTLINE}
        exact = {"shrinkA": 0, "shrinkB": 0, "zorder": 1.9}  # from point to point, below the dots
        axes.annotate("", (front[last], rows[last]), (front[before], rows[before]), arrowprops={**arrow, **exact})
    line, *_ = axes.plot(front, rows, color="white", marker="o", markersize=4, path_effects=_OUTLINE, clip_on=False)
    line.set(markevery=dots, gid="front", label="error halved" if dots else "")


def draw_predicted_front(axes: Axes, half: np.ndarray, caveat: str = "") -> None:
    """Draw the predicted halving step of each mode as a black cross on white.

    Args:
        axes: The axes of a heat map.
        half: Predicted halving steps, shape ``(m,)``.
        caveat: The reason for which the predictions may not hold, if any.
    """
    seen = np.where(half > 0, half, np.nan)
    rows = np.arange(len(half))
    axes.plot(seen, rows, "x", color="white", markersize=9, markeredgewidth=4, zorder=3)
    crosses = {"markersize": 8, "markeredgewidth": 1.5, "zorder": 3.1, "gid": "predicted-front"}
    axes.plot(seen, rows, "x", color="black", label="predicted to be halved", **crosses)
    if caveat:  # in two lines, because one would be cut off
        axes.set_xlabel(f"{axes.get_xlabel()}\npredictions {caveat.replace(': ', f':{chr(10)}', 1)}")


def front_legend(figure: Figure | SubFigure, panels: Sequence[Axes]) -> None:
    """Add a legend below heat maps for the marks of `draw_front` and `draw_predicted_front`, each mark once."""
    found: dict[str, Artist] = {}
    for axes in panels:
        for artist, label in zip(*axes.get_legend_handles_labels(), strict=True):
            found.setdefault(label, artist)
    if found:
        figure.legend([*found.values()], [*found], loc="outside lower center", ncols=len(found), fontsize="small")


def _direction(front: np.ndarray) -> int:
    """The direction of the front with increasing steps: up (1) or down (-1) the rows, or neither (0)."""
    (reached,) = np.nonzero(np.isfinite(front))
    if len(reached) < 2:
        return 0
    with np.errstate(divide="ignore", invalid="ignore"):  # no correlation if all steps are the same
        correlation = np.corrcoef(reached, np.log(front[reached]))[0, 1]
    return int(np.sign(correlation)) if abs(correlation) >= _ORDERED else 0
