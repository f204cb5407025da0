"""The activation of a network, its spectrum, and the errors of a few tones along the training (Xu et al., 2020, figure 1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from pdefreq.figures.panels import draw_heat_map, heat_colorbar, label_rows
from pdefreq.figures.style import METHOD_COLORS, Picture, styled


@dataclass(frozen=True, eq=False)
class ToneMap:
    """One network.

    Args:
        name: Its name.
        activation: x and sigma(x), each of shape ``(n,)``.
        spectrum: Wavenumbers and the modulus of the transform of sigma, each of shape ``(k,)``.
        steps: Recorded steps, positive and ascending, shape ``(t,)``.
        errors: Relative errors of the m tones, shape ``(t, m)``.
    """

    name: str
    activation: tuple[np.ndarray, np.ndarray]
    spectrum: tuple[np.ndarray, np.ndarray]
    steps: np.ndarray
    errors: np.ndarray


@styled
def tone_maps_figure(rows: Sequence[ToneMap], tones: Sequence[int], *, title: str) -> Figure:
    """A row for each network: the activation, its spectrum with the wavenumbers of the target, and a heat map of the errors.

    Args:
        rows: The networks.
        tones: The wavenumbers of the target.
        title: Title of the figure.
    """
    figure = Picture(figsize=(13, 1.2 + 3.2 * len(rows)))
    figure.suptitle(title)
    panels = figure.subplots(len(rows), 3, squeeze=False)
    for (left, middle, right), row in zip(panels, rows, strict=True):
        left.plot(*row.activation, color=METHOD_COLORS[0])
        left.set(title=row.name, xlabel="x", ylabel="σ(x)")
        middle.plot(*row.spectrum, color=METHOD_COLORS[0])
        for i, k in enumerate(tones):
            label = "wavenumbers of the target" if i == 0 else None
            middle.axvline(k, color=METHOD_COLORS[1], linestyle="--", linewidth=1.3, label=label)
        middle.set(title="modulus of the transform", xlabel="wavenumber", ylabel="|F[σ]|", xlim=row.spectrum[0][[0, -1]])
        middle.set_ylim(0, 1.25 * float(row.spectrum[1].max()))
        middle.legend(loc="upper right", fontsize=9)
        draw_heat_map(right, row.steps, row.errors)
        label_rows(right, [str(k) for k in tones])
        right.set(title="relative error of each tone", xlabel="step", ylabel="wavenumber", xscale="log")
        right.set_xlim(row.steps[0], row.steps[-1])
    heat_colorbar(figure, list(panels[:, 2]))
    return figure
