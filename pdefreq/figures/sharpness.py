"""The sharpness along gradient descent, and at the end of stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import ScalarFormatter

from pdefreq.figures.style import METHOD_COLORS, Picture, styled


class Descent(Protocol):
    """A run of gradient descent with its rate, and columns of its records."""

    @property
    def rate(self) -> float: ...
    @property
    def steps(self) -> np.ndarray: ...
    @property
    def objective(self) -> np.ndarray: ...
    @property
    def sharpness(self) -> np.ndarray: ...


@styled
def edge_figure(runs: Sequence[Descent]) -> Figure:
    """The sharpness with the limits 2 / eta, and the loss, against the steps."""
    figure = Picture(figsize=(9.6, 4.2))
    left, right = figure.subplots(1, 2)
    for run, color in zip(runs, METHOD_COLORS, strict=False):
        shown = run.steps > 0
        left.plot(run.steps[shown], run.sharpness[shown], color=color, label=f"η = {run.rate:g}")
        left.axhline(2 / run.rate, color=color, linestyle="--", linewidth=1)
        left.annotate(
            f"2/η = {2 / run.rate:.3g}", (1, 2 / run.rate), xytext=(3, 3), textcoords="offset points", color=color, fontsize=9
        )
        right.plot(run.steps[shown], run.objective[shown], color=color, label=f"η = {run.rate:g}")
    left.set(xscale="log", yscale="log", xlabel="step", ylabel="largest eigenvalue of the Hessian")
    left.yaxis.set_major_formatter(ScalarFormatter())
    left.yaxis.set_minor_formatter(ScalarFormatter())
    right.set(xscale="log", yscale="log", xlabel="step", ylabel="loss")
    right.legend(loc="lower left")
    return figure


@styled
def flatness_figure(found: Mapping[tuple[float, int], np.ndarray]) -> Figure:
    """The sharpness at the end against the batch size, one line for each learning rate.

    Args:
        found: The sharpness of each seed by learning rate and batch size.
    """
    figure = Picture(figsize=(6.0, 4.2))
    axes = figure.subplots()
    batches = sorted({batch for _, batch in found})
    for rate, color in zip(sorted({rate for rate, _ in found}), METHOD_COLORS, strict=False):
        axes.plot(batches, [found[rate, batch].mean() for batch in batches], "o-", color=color, label=f"η = {rate:g}")
        for batch in batches:
            axes.plot([batch] * len(found[rate, batch]), found[rate, batch], ".", color=color, markersize=5, alpha=0.5)
    axes.set(xscale="log", xlabel="batch size, points", ylabel="largest eigenvalue of the Hessian at the end")
    axes.set_xticks(batches, [str(batch) for batch in batches])
    axes.minorticks_off()
    axes.legend()
    return figure
