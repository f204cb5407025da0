"""Predicted and measured errors of each mode, and the validity of the theory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from pdefreq.figures.style import Picture, styled, wavenumber_colors, wavenumber_label
from pdefreq.spectrum.spectral_record import SpectralRecord

_FLAG_COLOR = "#B3261E"
_FEW = 20  # largest number of steps on a linear axis


@dataclass(frozen=True)
class PredictedRun:
    """Predicted and measured errors of m modes along a run, relative to their initial values.

    Args:
        name: The name of the run.
        steps: Steps from 0, shape ``(T,)``.
        measured: Measured errors, shape ``(T, m)``.
        predicted: Predicted errors, shape ``(T, m)``.
        wavenumber: |xi| of each mode, shape ``(m,)``, ascending.
        drift: The relative change of the kernel at the end; None if the theory uses no kernel.
        moved: The relative change of the parameters.
        threshold: The maximum of both changes for which a prediction is considered valid.
    """

    name: str
    steps: np.ndarray
    measured: np.ndarray
    predicted: np.ndarray
    wavenumber: np.ndarray
    drift: float | None = None
    moved: float | None = None
    threshold: float = np.inf

    @classmethod
    def of(cls, name: str, record: SpectralRecord) -> PredictedRun:
        """The run at the recorded steps for which predictions exist."""
        measured, predicted = np.isin(record.step, record.prediction.step), np.isin(record.prediction.step, record.step)
        return cls(
            name, record.step[measured], record.error[measured], record.prediction.error[predicted], record.modes.wavenumber
        )

    @property
    def flagged(self) -> bool:
        """Whether the kernel or the parameters have changed by more than `threshold`."""
        return any(distance is not None and distance > self.threshold for distance in (self.drift, self.moved))

    @property
    def largest_difference(self) -> float:
        """The largest |measured - predicted| of all modes and steps."""
        return float(np.abs(self.measured - self.predicted).max())


@styled
def prediction_figure(
    rows: Sequence[Sequence[PredictedRun]], labels: Sequence[str], *, title: str = "", log: bool = False
) -> Figure:
    """A panel for each run, with measured errors as lines and predicted errors as black dashes.

    Args:
        rows: Runs, in rows of equal length.
        labels: Labels of the rows.
        title: Title of the figure.
        log: Whether the absolute values of the errors are drawn on a logarithmic axis.
    """
    columns = len(rows[0])
    figure = Picture(figsize=(4.1 * columns + 0.5, 3.4 * len(rows) + 0.6))
    panels = figure.subplots(len(rows), columns, squeeze=False, sharex=not log, sharey=True)
    figure.suptitle(title)
    for axes, run in zip(panels.flat, (run for row in rows for run in row), strict=True):
        _draw(axes, run, log=log)
    for number, row in enumerate(rows):
        for axes, run, above in zip(panels[number], row, rows[0], strict=True):
            if number == 0 or run.name != above.name:
                axes.set_title(run.name)
    if not log:
        low = min(min(run.measured.min(), run.predicted.min()) for row in rows for run in row)
        panels[0, 0].set_ylim(min(0, low) - 0.08, 1.5)  # shared by all panels, with room for text
    for axes in panels[-1]:
        axes.set_xlabel("step")
    for axes, label in zip(panels[:, 0], labels, strict=True):
        axes.set_ylabel(f"{label}\nrelative error" if label else "relative error")
    wavenumber = rows[0][0].wavenumber
    lines = [Line2D([], [], color=c, linewidth=4, alpha=0.6) for c in wavenumber_colors(len(wavenumber))]
    lines.append(Line2D([], [], color="black", linestyle=(0, (4, 3)), linewidth=1.1))
    names = [f"ξ = {wavenumber_label(float(w))}" for w in wavenumber] + ["predicted"]
    figure.legend(lines, names, loc="outside lower center", ncols=len(names), handlelength=2.2)
    return figure


def _draw(axes: Axes, run: PredictedRun, *, log: bool) -> None:
    measured, predicted = (np.abs(e) if log else e for e in (run.measured, run.predicted))
    for column, color in enumerate(wavenumber_colors(len(run.wavenumber))):
        axes.plot(run.steps, measured[:, column], color=color, linewidth=4, alpha=0.6, gid=f"measured-{column}")
        axes.plot(run.steps, predicted[:, column], color="black", linestyle=(0, (4, 3)), linewidth=1.1, gid=f"predicted-{column}")
    if run.steps[-1] <= _FEW:
        axes.set_xlim(0, run.steps[-1])
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    else:
        axes.set_xscale("function", functions=(np.log1p, np.expm1))  # logarithmic, but including step 0
        axes.set_xlim(0, run.steps[-1])
        axes.set_xticks([0, *(10**k for k in range(int(np.log10(run.steps[-1])) + 1))])
    if log:
        axes.set(yscale="log", ylim=(1e-6, 2))
    if run.drift is not None:
        said = f"kernel changed by {100 * run.drift:.2g} %"
        said += "" if run.moved is None else f", parameters {100 * run.moved:.2g} %"
        said += f"\nabove {100 * run.threshold:g} %: flag" if run.flagged else ""
        said += f"\nlargest difference {100 * run.largest_difference:.2g} %"
        color = _FLAG_COLOR if run.flagged else "0.3"
        axes.text(0.98, 0.98, said, transform=axes.transAxes, fontsize=9.5, color=color, va="top", ha="right", gid="flag")
