"""What a problem file was understood to say: domain, boundary conditions, source and exact solution."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pdefreq.figures.slices import Slice, value_range
from pdefreq.figures.style import METHOD_COLORS, SOLUTION_MAP, Picture, styled

if TYPE_CHECKING:
    from pdefreq.fields import Field
    from pdefreq.problem import Problem

_BOUNDARY_POINTS = 4000
_KINDS = {"dirichlet": ("Dirichlet", METHOD_COLORS[1]), "robin": ("Robin or Neumann", METHOD_COLORS[0])}


@styled
def problem_figure(problem: Problem) -> Figure:
    """The source, the exact solution where it is known, and coefficients that vary, each in a panel; the boundary marked."""
    where = Slice.of(problem.domain)
    fields = _fields(problem)
    width, height = (4.6, 4.2) if where.is_plane else (5.2, 3.6)
    figure = Picture(figsize=(width * len(fields), height), layout="compressed" if where.is_plane else "constrained")
    panels = figure.subplots(1, len(fields), squeeze=False)[0]
    for axes, (name, field) in zip(panels, fields.items(), strict=True):
        axes.set_title(name)
        _draw(axes, where, where.values(field))
    _mark_boundary(panels, problem, where)
    figure.suptitle(", ".join(part for part in (problem.title, where.note) if part))
    return figure


def _fields(problem: Problem) -> dict[str, Field]:
    fields = {"source f": problem.source}
    if problem.exact is not None:
        fields["exact solution u"] = problem.exact
    coefficients = {"diffusion a": problem.diffusion, "reaction c": problem.reaction}
    return fields | {name: field for name, field in coefficients.items() if field.constant is None}


def _draw(axes: Axes, where: Slice, values: np.ndarray) -> None:
    if where.is_plane:
        mesh = where.draw_map(axes, values, value_range(values), SOLUTION_MAP)
        assert axes.figure is not None
        axes.figure.colorbar(mesh, ax=axes)
    else:
        axes.plot(where.axes[0], values, color="0.2", gid="field")
        axes.set_xlabel(where.names[0])


def _mark_boundary(panels: np.ndarray, problem: Problem, where: Slice) -> None:
    """Colour the boundary by the kind of its condition; a slice of a higher dimension shows no boundary to colour."""
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
    panels[0].figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
