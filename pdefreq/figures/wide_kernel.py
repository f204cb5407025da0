"""Kernels of wide networks: eigenvectors and their sign changes; trained networks and kernel regression."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pdefreq.figures.style import APPROXIMATE_COLOR, EXACT_COLOR, METHOD_COLORS, Picture, styled, wavenumber_colors
from pdefreq.theory.kernel_modes import sign_changes

_VECTORS = (0, 1, 2, 4, 8)
_TICKS = (-1, -0.5, 0, 0.5, 1)


@dataclass(frozen=True)
class Interpolation:
    """A network trained on n points, and its predicted output at q test points.

    Args:
        width: Number of units.
        seed: Seed of the weights.
        antisymmetric: Whether the network has an antisymmetric initialization.
        steps: Number of training steps.
        x: Training points, shape ``(n,)``.
        y: Training values, shape ``(n,)``.
        t: Test points, ascending, shape ``(q,)``.
        initial: Output at the test points before training, shape ``(q,)``.
        predicted: Output after training as predicted by kernel regression (equation 1.14 of the source in `experiments.kernel`),
            shape ``(q,)``.
        trained: Output after training, shape ``(q,)``.
    """

    width: int
    seed: int
    antisymmetric: bool
    steps: int
    x: np.ndarray
    y: np.ndarray
    t: np.ndarray
    initial: np.ndarray
    predicted: np.ndarray
    trained: np.ndarray

    @property
    def distance(self) -> float:
        """|trained - predicted| / |trained|, Euclidean over the test points."""
        return float(np.linalg.norm(self.trained - self.predicted) / np.linalg.norm(self.trained))

    @property
    def largest(self) -> float:
        """Max |trained - predicted| / max |trained| over the test points."""
        return float(np.abs(self.trained - self.predicted).max() / np.abs(self.trained).max())


@styled
def wide_kernel_figure(
    x: np.ndarray,
    vectors: Mapping[str, np.ndarray],
    values: Mapping[str, np.ndarray],
    runs: Sequence[Interpolation],
    even: Interpolation,
) -> Figure:
    """Six panels: eigenvectors, sign changes, eigenvalues; outputs from two starts, and the distance by width.

    Args:
        x: Points, ascending, shape ``(n,)``.
        vectors: Eigenvectors by kernel, the analytic one first, shape ``(n, k)``.
        values: Eigenvalues by kernel, over the number of points, shape ``(k,)``.
        runs: Networks with a random initialization, of ascending width.
        even: A network with an antisymmetric initialization.
    """
    figure = Picture(figsize=(14, 8))
    panels = figure.subplots(2, 3)
    analytic, *finite = vectors.values()
    _draw_vectors(panels[0, 0], x, analytic, finite[0])
    panels[0, 0].set_title(f"eigenvectors, m = ∞ (dashes) and {list(vectors)[1].removeprefix('m = ')}")
    _draw_sign_changes(panels[0, 1], vectors)
    _draw_values(panels[0, 2], values)
    _draw_outputs(panels[1, 0], max(runs, key=lambda run: (run.width, -run.seed)))
    _draw_outputs(panels[1, 1], even)
    _draw_distances(panels[1, 2], runs, even)
    figure.suptitle("The kernel of a wide ReLU network, and the predicted result of training (equation 1.14)")
    return figure


def _draw_vectors(axes: Axes, x: np.ndarray, analytic: np.ndarray, finite: np.ndarray) -> None:
    root = np.sqrt(len(x))  # so that the mean square is one, whatever the number of points
    for i, color in zip(_VECTORS, wavenumber_colors(len(_VECTORS)), strict=True):
        sign = np.sign(analytic[:, i] @ finite[:, i])
        axes.plot(x, root * sign * finite[:, i], color=color, linewidth=4, alpha=0.5, label=f"i = {i}")
        axes.plot(x, root * analytic[:, i], color="black", linewidth=1.1, linestyle=(0, (4, 3)))
    axes.set(xlabel="x", xticks=_TICKS)
    axes.margins(y=0.25)
    axes.legend(ncols=len(_VECTORS), loc="upper center", handlelength=0.8, columnspacing=0.8, handletextpad=0.3, fontsize=9)


def _draw_sign_changes(axes: Axes, vectors: Mapping[str, np.ndarray]) -> None:
    for (name, columns), color, marker in zip(vectors.items(), ("0.6", *METHOD_COLORS), "_ox+vs^", strict=False):
        extra = sign_changes(torch.from_numpy(columns)).numpy() - np.arange(columns.shape[1])
        axes.plot(extra, marker, color=color, markersize=6, label=name, fillstyle="none")
    axes.set(xlabel="index i of the eigenvector", ylabel="sign changes − i", title="eigenvector i changes sign i times")
    low, high = axes.get_ylim()
    axes.set_ylim(min(low, -0.5), max(1.9 * high, 3))  # room for the legend
    axes.legend(fontsize=9, loc="upper left", ncols=2)


def _draw_values(axes: Axes, values: Mapping[str, np.ndarray]) -> None:
    analytic, *finite = values.values()
    index = np.arange(1, len(analytic) + 1)
    for each in finite:
        axes.plot(index, each, ".", color=METHOD_COLORS[0], alpha=0.4)
    axes.plot([], [], ".", color=METHOD_COLORS[0], label="finite width")
    axes.plot(index, analytic, color="black", linewidth=1.1, linestyle=(0, (4, 3)), label="m = ∞")
    axes.set(xscale="log", yscale="log", xlabel="i + 1", ylabel="eigenvalue over n", title="eigenvalues decrease with frequency")
    axes.legend()


def _draw_outputs(axes: Axes, run: Interpolation) -> None:
    axes.plot(run.t, run.initial, color="0.7", linewidth=1.3, label="before training")
    axes.plot(run.t, run.trained, color=APPROXIMATE_COLOR, linewidth=4, alpha=0.5, label=f"trained, {run.width:,} units")
    axes.plot(run.t, run.predicted, color="black", linewidth=1.1, linestyle=(0, (4, 3)), label="equation 1.14")
    axes.plot(run.x, run.y, "o", color=EXACT_COLOR, markersize=5)
    axes.set(xlabel="x", xticks=_TICKS, title="antisymmetric initialization" if run.antisymmetric else "random initialization")
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.4 * (high - low))  # room for the legend
    axes.legend(fontsize=9, loc="upper right")


def _draw_distances(axes: Axes, runs: Sequence[Interpolation], even: Interpolation) -> None:
    widths = np.array([run.width for run in runs], float)
    distances = np.array([run.distance for run in runs])
    axes.plot(widths, distances, "o", color=METHOD_COLORS[0], markersize=5, label="random")
    axes.plot(even.width, even.distance, "s", color=METHOD_COLORS[1], markersize=6, fillstyle="none", label="antisymmetric")
    middle = np.exp(np.log(distances).mean() - 0.5 * (np.log(widths) - np.log(widths).mean()))
    axes.plot(widths, middle, color="0.45", linewidth=1.2, linestyle="--", label="1 / √m")
    axes.axhline(0.05, color="0.7", linewidth=1)
    axes.annotate("goal", (widths[0], 0.05), xytext=(0, -12), textcoords="offset points", fontsize=9, color="0.45")
    axes.set(xscale="log", yscale="log", xlabel="units m", ylabel="relative L2 distance at test points")
    axes.set_title("trained networks and equation 1.14")
    axes.legend(fontsize=9)
