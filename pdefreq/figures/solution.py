"""The approximate solution, and the exact or a reference solution."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pdefreq.core.fields import Field
from pdefreq.figures.slices import Slice, value_range
from pdefreq.figures.style import APPROXIMATE_COLOR, DIFFERENCE_MAP, EXACT_COLOR, SOLUTION_MAP, Picture, styled

if TYPE_CHECKING:
    from pdefreq.problem.problem import Problem


@styled
def solution_figure(problem: Problem, approximate: Field, reference: Field | None = None, *, title: str = "") -> Figure:
    """Curves and their difference in 1-D, maps in 2-D, and maps on the plane through the center in higher dimensions.

    Args:
        problem: The problem; the reference is labeled as exact if it is the exact solution of the problem.
        approximate: The approximate solution.
        reference: The exact or a reference solution; without one only the approximation is shown.
        title: Title of the figure; by default the title of the problem.
    """
    where = Slice.of(problem.domain)
    found = where.values(approximate)
    target = None if reference is None else where.values(reference)
    name = "exact" if reference is problem.exact else "reference"
    heading = ", ".join(part for part in (title or problem.title, where.note) if part)
    figure = _maps(where, found, target, name) if where.is_plane else _curves(where, found, target, name)
    figure.suptitle(heading)
    return figure


def _curves(where: Slice, found: np.ndarray, target: np.ndarray | None, name: str) -> Figure:
    (x,) = where.axes
    figure = Picture(figsize=(8, 4.2 if target is None else 5.4))
    panels = figure.subplots(
        1 if target is None else 2, 1, sharex=True, squeeze=False, height_ratios=[2.4, 1][: 1 + (target is not None)]
    )[:, 0]
    if target is not None:
        panels[0].plot(x, target, color=EXACT_COLOR, linewidth=3.5, alpha=0.45, label=name, gid=name)
        panels[1].axhline(0.0, color="0.5", linewidth=0.8)
        panels[1].plot(x, found - target, color=APPROXIMATE_COLOR, linewidth=1.3, gid="error")
        panels[1].set_ylabel("error")
        panels[1].locator_params(axis="y", nbins=5)
    panels[0].plot(x, found, color=APPROXIMATE_COLOR, linewidth=1.8, label="approximate", gid="approximate")
    panels[0].set_ylabel("u")
    panels[0].legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderaxespad=0)
    panels[-1].set(xlabel=where.names[0], xlim=(x[0], x[-1]))
    return figure


def _maps(where: Slice, found: np.ndarray, target: np.ndarray | None, name: str) -> Figure:
    names = ["approximate"] if target is None else [name, "approximate", "error"]
    figure = Picture(figsize=(5, 4.4) if target is None else (13, 4.2), layout="compressed")
    panels: list[Axes] = list(figure.subplots(1, len(names), sharey=True, squeeze=False)[0])
    scale = value_range(found) if target is None else value_range(target)
    for axes, heading in zip(panels, names, strict=True):
        axes.set_title(heading)
    if target is None:
        figure.colorbar(where.draw_map(panels[0], found, scale, SOLUTION_MAP), ax=panels[0], label="u")
        return figure
    where.draw_map(panels[0], target, scale, SOLUTION_MAP)
    drawn = where.draw_map(panels[1], found, scale, SOLUTION_MAP)
    low, high = scale.vmin or 0.0, scale.vmax or 0.0  # numbers, which their declared type does not say
    slack = (high - low) / 256  # one color
    below, above = bool((found < low - slack).any()), bool((found > high + slack).any())
    extend = {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}[below, above]
    figure.colorbar(drawn, ax=panels[:2], extend=extend, label="u")
    error = found - target
    figure.colorbar(where.draw_map(panels[2], error, value_range(error, symmetric=True), DIFFERENCE_MAP), ax=panels[2])
    for axes in panels[1:]:
        axes.set_ylabel("")
    return figure
