"""Predicted errors of modes before a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from pdefreq.figures.style import Picture, note, styled, wavenumber_colors, wavenumber_label

if TYPE_CHECKING:
    from pdefreq.spectrum.predicted import PredictedErrors

_LOWEST = 1e-8
_MOST_LABELS = 12


@styled
def predicted_modes_figure(
    errors: PredictedErrors, wavenumber: Sequence[float] | np.ndarray, *, title: str = "", unit: str = "step"
) -> Figure:
    """The predicted relative error of each mode against the steps, with the level at which an error counts as halved.

    Args:
        errors: The predicted errors of m modes.
        wavenumber: |xi| of each mode, ``(m,)``, ascending.
        title: The title.
        unit: The label of the horizontal axis.
    """
    figure = Picture(figsize=(7.2, 4.6))
    axes = figure.subplots()
    figure.suptitle(title)
    if not len(errors) or not len(wavenumber):
        note(axes, "no curves along the steps: " + errors.note)
        return figure
    colors = wavenumber_colors(len(wavenumber))
    labelled = np.unique(np.linspace(0, len(wavenumber) - 1, _MOST_LABELS).round().astype(int))
    for mode, color in enumerate(colors):
        label = f"ξ = {wavenumber_label(float(wavenumber[mode]))}" if mode in labelled else None
        axes.plot(errors.step, np.abs(errors.error[:, mode]), color=color, linewidth=1.6, label=label)
    axes.axhline(0.5, color="0.45", linewidth=1, linestyle=":", label="half")
    ends = errors.step[-1]
    small = (np.abs(errors.error) < _LOWEST).all(axis=1)
    last = errors.step[small][0] if small.any() else ends
    axes.set_xscale("function", functions=(np.log1p, np.expm1))  # logarithmic, but including step 0
    axes.set_xlim(0, max(last, 1))
    powers = range(int(np.log10(max(last, 1))) + 1)
    axes.set_xticks([0, *(10**k for k in powers)], ["0", *("1" if k == 0 else "10" if k == 1 else f"$10^{k}$" for k in powers)])
    largest = float(np.nanmax(np.abs(errors.error[errors.step <= last])))
    axes.set(yscale="log", ylim=(_LOWEST, max(2.0, min(10 * largest, 1e6))), xlabel=unit, ylabel="predicted relative error")
    figure.legend(loc="outside right center", handlelength=1.6)
    return figure
