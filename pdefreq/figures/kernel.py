"""A tangent kernel: the matrix, its eigenvalues and eigenvectors, and its drift."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from pdefreq.figures.panels import log_limits
from pdefreq.figures.style import (
    DIFFERENCE_MAP,
    HEAT_MAP,
    METHOD_COLORS,
    Picture,
    note,
    styled,
    wavenumber_colors,
)

if TYPE_CHECKING:
    from pdefreq.theory.kernel_modes import Eigenpairs

_VECTORS = 5  # number of eigenvectors drawn as curves
SHOWN = 60  # number of eigenvectors with sign changes and frequencies
_MATRIX = 400  # entries per side in the image of the matrix


@styled
def kernel_figure(
    kernel: np.ndarray,
    x: np.ndarray,
    *,
    pairs: Eigenpairs | None = None,
    at: np.ndarray | None = None,
    drift: tuple[np.ndarray, np.ndarray] | None = None,
    title: str = "",
) -> Figure:
    """Six panels: the matrix, its eigenvalues, first eigenvectors, their sign changes and frequencies, and the drift.

    Args:
        kernel: K, shape ``(n, n)``.
        x: The n uniform points of an interval, ascending, end points included.
        pairs: The leading eigenpairs at the points `at`, if `kernel` is a part of a larger kernel; by default those of `kernel`.
        at: The points of the larger kernel.
        drift: Steps of a run and |K(t) - K(0)| / |K(0)| at each; None without a run.
        title: The title of the figure.
    """
    import torch

    from pdefreq.theory.kernel_modes import cosine_amplitudes, eigenpairs, sign_changes
    from pdefreq.theory.rounding import rounding_level

    pairs = eigenpairs(torch.as_tensor(kernel)) if pairs is None else pairs
    at = x if at is None else at
    values, vectors = pairs.values.numpy(), pairs.vectors.numpy()
    shown = min(SHOWN, pairs.rank)  # the others are noise
    figure = Picture(figsize=(13, 7.6))
    panels = figure.subplots(2, 3).reshape(-1)
    figure.suptitle(title)
    _draw_matrix(figure, panels[0], kernel, x)
    _draw_eigenvalues(panels[1], values, float(rounding_level(pairs.values, len(vectors))))
    for index, color in zip(range(min(_VECTORS, shown)), wavenumber_colors(_VECTORS), strict=False):
        panels[2].plot(at, vectors[:, index], color=color, label=str(index), gid=f"eigenvector-{index}")
    panels[2].set(xlabel="x", title="first eigenvectors")
    panels[2].legend(ncols=_VECTORS, loc="upper center", handlelength=1, columnspacing=1)
    panels[2].margins(y=0.2)
    changes = sign_changes(pairs.vectors[:, :shown]).numpy()
    panels[3].plot(np.arange(shown), np.arange(shown), color="0.75", linewidth=1)
    panels[3].plot(np.arange(shown), changes, ".", color=METHOD_COLORS[0], gid="sign-changes")
    panels[3].set(xlabel="index of the eigenvector", ylabel="sign changes", title="sign changes of each eigenvector")
    _draw_frequencies(figure, panels[4], cosine_amplitudes(pairs.vectors[:, :shown]).numpy()[:shown])
    _draw_drift(panels[5], drift)
    return figure


def _draw_matrix(figure: Figure, axes: Axes, kernel: np.ndarray, x: np.ndarray) -> None:
    stride = -(-len(x) // _MATRIX)
    part, largest = kernel[::stride, ::stride], float(np.abs(kernel).max())
    signed = part.min() < -0.01 * largest  # a few slightly negative entries do not need half of the scale
    limits = {"cmap": DIFFERENCE_MAP, "vmin": -largest, "vmax": largest} if signed else {"cmap": HEAT_MAP, "vmin": 0}
    mesh = axes.pcolormesh(x[::stride], x[::stride], part, shading="nearest", rasterized=True, **limits)
    axes.set(xlabel="x", ylabel="x′", title="kernel K(x, x′)", aspect="equal")
    axes.grid(False)
    figure.colorbar(mesh, ax=axes, shrink=0.85).ax.grid(False)


def _draw_eigenvalues(axes: Axes, values: np.ndarray, rounding: float) -> None:
    axes.axhspan(rounding * 1e-3, rounding, color="0.93", linewidth=0, gid="rounding")
    axes.plot(np.arange(1, len(values) + 1), values, ".", color=METHOD_COLORS[0], gid="eigenvalues")
    axes.set_xscale("log")
    axes.set_yscale("log", nonpositive="mask")
    axes.set(xlabel="index + 1", title="eigenvalues", ylim=log_limits(values, floor=rounding / 10, ceiling=np.inf))


def _draw_frequencies(figure: Figure, axes: Axes, amplitudes: np.ndarray) -> None:
    largest = amplitudes.max(axis=0)
    relative = amplitudes / np.where(largest > 0, largest, 1)
    mesh = axes.pcolormesh(np.clip(relative, 1e-3, 1), norm=LogNorm(1e-3, 1), cmap=HEAT_MAP, rasterized=True)
    axes.set(xlabel="index of the eigenvector", ylabel="half waves", title="frequencies in each eigenvector", aspect="equal")
    axes.grid(False)
    figure.colorbar(mesh, ax=axes, shrink=0.85, label="over the largest").ax.grid(False)


def _draw_drift(axes: Axes, drift: tuple[np.ndarray, np.ndarray] | None) -> None:
    axes.set_title("drift |K(t) − K(0)| / |K(0)|")
    if drift is None:
        note(axes, "no run")
        return
    steps, values = (np.asarray(v, float) for v in drift)
    axes.plot(steps, values, color=METHOD_COLORS[1], gid="drift")
    axes.set_xscale("log", nonpositive="mask")
    axes.set_yscale("log", nonpositive="mask")
    axes.set(xlabel="step", xlim=log_limits(steps, floor=0, ceiling=np.inf), ylim=log_limits(values))
