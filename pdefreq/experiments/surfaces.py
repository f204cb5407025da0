"""Ritz-Galerkin solutions and networks in two dimensions for f known at points, as surfaces: ``pdefreq reproduce surfaces``.

The equation is -Laplace u = f, u = 0 on the boundary of the unit square, with f known at n points. The number m of functions
along each axis, or of units in each of two hidden layers, increases. Rows of the published figures: Legendre polynomials and hat
functions (figures 6 and 7), and networks with ReLU and with sin (figure 8). The experiment `point-sources` measures the same
limits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch

from pdefreq.experiments.entry import Document, Entry, Place
from pdefreq.experiments.point_sources import PointSources, galerkin
from pdefreq.experiments.report import Report, Table, main
from pdefreq.experiments.trials import require_at_least
from pdefreq.figures.surfaces import surfaces_figure
from pdefreq.problem.files import load_problem
from pdefreq.solvers.network_methods import deep_ritz

if TYPE_CHECKING:
    from pdefreq.solvers.solver import Solver

SOURCE = "Wang, Xu, Zhang, Zhang (2020), arXiv 2002.07989, example 3, figures 6 to 8"
SIZES = {
    "Legendre polynomials": (4, 16, 48),
    "hat functions": (15, 63, 255),
    "ReLU network": (5, 20, 80),
    "sin network": (5, 20, 80),
}
_SIDE = 61  # points of the drawn lattice along each axis; (1/2, 1/2) is one of them


def networks(activation: str, steps: int) -> Callable[[int], Solver]:
    """Networks with two hidden layers of m units."""
    options = {"activation": activation, "steps": steps, "half_life": steps / 4, "number": 2500, "scaling": "none"}
    return lambda m: deep_ritz().with_options(widths=(m, m), learning_rate=5e-3, **options)


@Entry(
    places=(
        Place(
            Document.SLIDES,
            "slides 'Learning Results: FEM as m -> infinity for d=2' (figures 6 and 7) and 'DNN as m -> infinity for "
            "d=2' (figure 8)",
        ),
    ),
    publication="arXiv 2002.07989, figures 6 to 8",
    shows="As m increases, Ritz-Galerkin solutions with either basis approach a sum of Green's functions, whose peaks at the "
    "points grow like log m without bound. Networks with ReLU and with sin stay smooth, although their number of parameters "
    "increases in the same way.",
    lacks="The source states neither n nor m, the points, the function f, nor the training; all are our choice (25 points, "
    "f = 2 pi^2 sin(pi x) sin(pi y)).",
    seconds=27.8,
)
def surfaces(*, steps: int = 600) -> Report:
    """Surfaces for f at points in 2-D: Ritz-Galerkin solutions become singular as m grows, networks stay smooth (slides).

    Args:
        steps: Number of steps of each network.

    Raises:
        OptionError: If the number is below 1.
    """
    require_at_least(1, steps=steps)
    sources = PointSources(load_problem("sampled-2d"))
    families = {
        "Legendre polynomials": galerkin("legendre"),
        "hat functions": galerkin("hat"),
        "ReLU network": networks("relu", steps),
        "sin network": networks("sin", steps),
    }
    return report_of(
        sources, {name: {m: sources.solution(make(m)) for m in SIZES[name]} for name, make in families.items()}, steps
    )


def report_of(
    sources: PointSources, found: Mapping[str, Mapping[int, Callable[[torch.Tensor], torch.Tensor]]], steps: int
) -> Report:
    """The report on solutions by method and size."""
    line = torch.linspace(0, 1, _SIDE, dtype=torch.float64)
    x = torch.cartesian_prod(line, line)
    middle = torch.tensor([[0.5, 0.5]], dtype=torch.float64)
    heights = {name: {m: float(u(middle)) for m, u in solutions.items()} for name, solutions in found.items()}
    coefficient = float(sources.logarithms[int(torch.cdist(middle, sources.points).argmin())])
    hats = heights["hat functions"]
    *_, before, last = hats
    growth = (hats[last] - hats[before]) / math.log((last + 1) / (before + 1))
    findings = [
        f"The middle peak of hat functions changes by {growth:.5f} log m; the limit has f / (2 pi n) = {coefficient:.5f}.",
        *(
            f"{name}: u(1/2, 1/2) = {', '.join(f'{u:.3f} (m = {m})' for m, u in by_size.items())}."
            for name, by_size in heights.items()
        ),
    ]
    drawn = {
        name: {f"m = {m}": np.asarray(u(x)).reshape(_SIDE, _SIDE) for m, u in solutions.items()}
        for name, solutions in found.items()
    }
    title = f"−Δu = f known at {len(sources.points)} points; networks after {steps} steps"
    rows = [[name, m, u] for name, by_size in heights.items() for m, u in by_size.items()]
    return Report(
        "Surfaces of Ritz-Galerkin solutions and networks for f known at points",
        SOURCE,
        findings,
        {"surfaces": Table(["method", "m", "u(1/2, 1/2)"], rows)},
        {"surfaces": surfaces_figure(line.numpy(), line.numpy(), drawn, title=title)},
    )


if __name__ == "__main__":
    main("surfaces", surfaces)
