"""Errors of runs against steps or seconds, with published values as dots."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from pdefreq.figures.panels import log_limits, spread_ticks
from pdefreq.figures.style import Picture, method_style, styled

_Pairs = tuple[Sequence[float] | np.ndarray, Sequence[float] | np.ndarray]


@dataclass(frozen=True)
class Curve:
    """The error of one method.

    Args:
        name: The name in the legend; a name has one color in all panels.
        seeds: Steps or seconds, and the errors there, of each seed.
        published: Published steps or seconds, and errors.
    """

    name: str
    seeds: Sequence[_Pairs] = ()
    published: _Pairs | None = None


@styled
def error_curves_figure(
    panels: Mapping[str, Sequence[Curve]],
    *,
    title: str,
    xlabel: str,
    ylabel: str,
    guides: Mapping[str, float] | None = None,
    logarithmic: Container[str] = (),
) -> Figure:
    """A panel for each set of curves, with one logarithmic error axis.

    Args:
        panels: Curves by the title of their panel.
        title: Title of the figure.
        xlabel: Label of the horizontal axes.
        ylabel: Label of the vertical axis.
        guides: Levels marked in all panels, by label.
        logarithmic: Titles of the panels with a logarithmic horizontal axis.
    """
    figure = Picture(figsize=(4.2 + 4.0 * len(panels), 4.8))
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    names = list(dict.fromkeys(curve.name for curves in panels.values() for curve in curves))
    for panel, (heading, curves) in zip(axes, panels.items(), strict=True):
        for curve in curves:
            style = method_style(names.index(curve.name))
            for i, (x, error) in enumerate(curve.seeds):
                label = curve.name if i == 0 else None
                panel.plot(x, error, label=label, alpha=1 if len(curve.seeds) == 1 else 0.6, linewidth=1.3, **style)
            if curve.published is not None:
                label = f"{curve.name}, published" if curve.seeds else curve.name
                dots = {
                    "markersize": 6,
                    "markeredgecolor": "0.1",
                    "linestyle": "" if curve.seeds else style["linestyle"],
                    "linewidth": 1.3,
                }
                panel.plot(*curve.published, "o", color=style["color"], label=label, zorder=3, **dots)
        for label, level in (guides or {}).items():
            panel.axhline(level, color="0.45", linewidth=1.1, linestyle=":", label=label)
        panel.set(title=heading, xlabel=xlabel, yscale="log", xscale="log" if heading in logarithmic else "linear")
        if heading in logarithmic:
            spread_ticks(panel.xaxis)
    shown = [np.asarray(errors, float) for curves in panels.values() for curve in curves for _, errors in _all(curve)]
    axes[0].set(ylabel=ylabel, ylim=log_limits(np.concatenate([*shown, list((guides or {}).values())])))
    handles = {label: handle for panel in axes for handle, label in zip(*panel.get_legend_handles_labels(), strict=True)}
    figure.legend(list(handles.values()), list(handles), loc="outside right center", fontsize=9, handlelength=1.8)
    figure.suptitle(title)
    return figure


def _all(curve: Curve) -> list[_Pairs]:
    return [*curve.seeds, *([] if curve.published is None else [curve.published])]
