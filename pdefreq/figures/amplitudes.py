"""Amplitudes of tones against steps of training (Rahaman et al., 2019, figure 1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from pdefreq.figures.panels import label_rows
from pdefreq.figures.style import SOLUTION_MAP, Picture, styled

_MARKERS = "os^D"
_PUBLISHED_COLOR = "#D55E00"


@dataclass(frozen=True)
class Front:
    """The step at which each of m tones first reaches a level; nan if it never does.

    Args:
        label: The level.
        here: Measured steps, shape ``(m,)``.
        published: Published steps, shape ``(m,)``.
    """

    label: str
    here: Sequence[float]
    published: Sequence[float]


@styled
def amplitudes_figure(
    steps: np.ndarray,
    amplitudes: np.ndarray,
    labels: Sequence[str],
    *,
    title: str,
    ylabel: str,
    fronts: Sequence[Front] = (),
) -> Figure:
    """A map of amplitudes with tones upward and steps to the right, and lines at which each level is first reached.

    Args:
        steps: Steps, ascending and positive, shape ``(n,)``.
        amplitudes: Amplitudes relative to those of the data, shape ``(n, m)``.
        labels: Names of the m tones.
        title: The title of the map.
        ylabel: The axis label of the tones.
        fronts: Fronts, drawn as lines for measured steps and dots for published steps.
    """
    figure = Picture(figsize=(8.5, 5))
    axes = figure.add_subplot(title=title)
    rows = np.arange(amplitudes.shape[1])
    axes.grid(False)
    mesh = axes.pcolormesh(steps, rows, amplitudes.T, norm=Normalize(0, 1), cmap=SOLUTION_MAP, shading="nearest", rasterized=True)
    for marker, front in zip(_MARKERS, fronts, strict=False):
        label = f"{front.label}, here"
        axes.plot(front.here, rows, marker=marker, color="white", markeredgecolor="0.1", markersize=7, linewidth=1.5, label=label)
        label = f"{front.label}, published"
        axes.plot(
            front.published, rows, marker, color=_PUBLISHED_COLOR, markeredgecolor="0.1", markersize=7, label=label, zorder=3
        )
    latest = max([steps[-1], *(step for front in fronts for step in front.published)])
    axes.set(xscale="log", xlim=(steps[0], 1.15 * latest), xlabel="step", ylabel=ylabel, facecolor="0.88")
    label_rows(axes, labels)
    bar = figure.colorbar(mesh, ax=axes, extend="max", pad=0.02, aspect=30)
    bar.set_label("amplitude, relative to that of the data")
    bar.ax.grid(False)
    if fronts:
        figure.legend(loc="outside lower center", ncols=2 * len(fronts), fontsize=9)
    return figure
