"""A problem as read from its file: domain, boundary conditions, source and exact solution."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pdefreq.figures.slices import Slice, value_range
from pdefreq.figures.style import METHOD_COLORS, SOLUTION_MAP, Picture, styled
from pdefreq.functionals.sampling import data_samples, held_out_samples

if TYPE_CHECKING:
    from pdefreq.core.fields import Field
    from pdefreq.problem.problem import Problem

_BOUNDARY_POINTS = 4000
_MANY = 500  # with more points than this, dots are small
DATA_COLOR = "black"
_KINDS = {
    "dirichlet": ("Dirichlet", METHOD_COLORS[1]),
    "robin": ("Robin or Neumann", METHOD_COLORS[0]),
    "periodic": ("periodic", METHOD_COLORS[2]),
}


@styled
def problem_figure(problem: Problem) -> Figure:
    """Panels for the source, the exact solution if it is known, and each variable coefficient.

    The boundary is marked. If the source is known at points only, the points are marked, too.
    """
    where = Slice.of(problem.domain)
    fields = _fields(problem)
    width, height = (4.6, 4.2) if where.is_plane else (5.2, 3.6)
    figure = Picture(figsize=(width * len(fields), height), layout="compressed" if where.is_plane else "constrained")
    panels = figure.subplots(1, len(fields), squeeze=False)[0]
    for axes, (name, field) in zip(panels, fields.items(), strict=True):
        axes.set_title(name)
        _draw(axes, where, where.values(field))
    _mark_data(panels[0], problem)
    _mark_boundary(panels, problem, where)
    marks = panels[0].get_legend_handles_labels()
    if marks[0]:
        figure.legend(*marks, loc="outside lower center", ncols=3)
    figure.suptitle(", ".join(part for part in (problem.title, where.note) if part))
    return figure


def _fields(problem: Problem) -> dict[str, Field]:
    heading = "source f" if problem.data is None else "source f and its data points"
    fields = {heading: problem.source}
    if problem.exact is not None:
        fields["exact solution u"] = problem.exact
    return fields | {name: field for name, field in problem.equation.coefficients.items() if field.constant is None}


def _draw(axes: Axes, where: Slice, values: np.ndarray) -> None:
    if where.is_plane:
        mesh = where.draw_map(axes, values, value_range(values), SOLUTION_MAP)
        assert axes.figure is not None
        axes.figure.colorbar(mesh, ax=axes)
    else:
        axes.plot(where.axes[0], values, color="0.2", gid="field")
        axes.set_xlabel(where.names[0])
        axes.locator_params(axis="x", nbins=6, steps=[1, 2, 5, 10])


def _mark_data(axes: Axes, problem: Problem) -> None:
    """Draw training points as dots and held-out points as circles; not on a slice of a higher dimension."""
    if problem.data is None or problem.domain.dimension > 2:
        return
    samples, values = data_samples(problem)
    out, values_out = held_out_samples(problem)
    number = len(samples.x) + len(out.x)
    edge = "white" if number < _MANY else "none"
    dots = {"s": 36 if number < _MANY else 3, "color": DATA_COLOR, "edgecolors": edge, "label": "data", "gid": "data"}
    rings = {"s": 36 if number < _MANY else 9, "facecolors": "white", "edgecolors": DATA_COLOR, "label": "held out"}
    for x, f, look in ((samples.x, values, dots), (out.x, values_out, rings | {"gid": "held-out"})):
        if len(x):
            at = (x[:, 0], f) if x.shape[1] == 1 else x.T
            axes.scatter(*(column.numpy() for column in at), linewidths=0.8, zorder=3, **look)


def _mark_boundary(panels: np.ndarray, problem: Problem, where: Slice) -> None:
    """Color the boundary by the kind of its condition; not on a slice of a higher dimension."""
    if not problem.boundary or problem.domain.dimension > 2:
        return
    samples = problem.domain.boundary(_BOUNDARY_POINTS)
    kinds = np.array([problem.boundary[i].kind for i in problem.part_of(samples).tolist()])
    x = samples.x.numpy()
    for axes in panels:
        for kind in dict.fromkeys(kinds.tolist()):
            name, color = _KINDS[kind]
            here = x[kinds == kind]
            height = here[:, 1] if where.is_plane else np.zeros(len(here))
            style = {"markersize": 2} if where.is_plane else {"markersize": 9, "transform": axes.get_xaxis_transform()}
            axes.plot(here[:, 0], height, "s", color=color, label=name, clip_on=False, gid=f"boundary-{kind}", **style)
