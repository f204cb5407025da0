"""The limits of Ritz-Galerkin methods and networks for f at points: ``pdefreq reproduce point-sources``.

The equations are -Laplace u = f, u = 0 on the boundary, on (-1, 1) and on the unit square. All methods minimize the same energy,

    1/2 int |grad u|^2 - |Omega|/n sum_i f_i u(x_i),

where the number m of functions along each axis, or of units in each hidden layer, increases. Ritz-Galerkin solutions tend to the
sum of Green's functions (`pdefreq.theory.green`): a piecewise linear function in 1-D, and logarithmic peaks without bound in 2-D.
Networks after a given number of steps stay smooth.

The paper does not state n, m, the points or the optimizer; those here are our choice.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch

from pdefreq.core.history import Schedule
from pdefreq.experiments.entry import Document, Entry, Place
from pdefreq.experiments.report import Report, Table, main
from pdefreq.figures.point_sources import Family, point_sources_figure
from pdefreq.functionals.sampling import data_samples
from pdefreq.problem.files import load_problem
from pdefreq.runs.solve import solve
from pdefreq.solvers.network_methods import deep_ritz, mscale
from pdefreq.solvers.ritz_galerkin import RitzGalerkin
from pdefreq.theory.green import sum_of_green_functions

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.problem.problem import Problem
    from pdefreq.solvers.solver import Solver

SOURCE = "Wang, Xu, Zhang, Zhang (2020), arXiv 2002.07989, theorem 1, equations 3.1 to 3.3, figures 6 to 8"
WIDTHS = (5, 20, 80)
_LINE = 2001


@dataclass(frozen=True)
class PointSources:
    """A problem with f known at points, and the limit of its Ritz-Galerkin solutions in closed form."""

    problem: Problem
    points: Tensor = field(init=False)
    values: Tensor = field(init=False)

    def __post_init__(self) -> None:
        samples, values = data_samples(self.problem)
        object.__setattr__(self, "points", samples.x)
        object.__setattr__(self, "values", values)

    def __call__(self, x: Tensor) -> Tensor:
        """The sum of Green's functions at points ``(k, d)``."""
        return sum_of_green_functions(x, self.points, self.values, *self.problem.domain.bounds)

    @property
    def logarithms(self) -> Tensor:
        """The coefficients |Omega| f_i / (2 pi n) of log(1/r) in u near each point in 2-D, shape ``(n,)``."""
        return self.problem.domain.measure / len(self.points) * self.values / (2 * math.pi)

    def solution(self, solver: Solver) -> Callable[[Tensor], Tensor]:
        """What a method finds, as a function of points."""
        return solve(self.problem, solver, probes=(), schedule=Schedule(dense=1, per_decade=5))

    def away(self, x: Tensor, distance: float) -> Tensor:
        """Those of some points that are further from all data than this."""
        return x[torch.cdist(x, self.points).min(dim=1).values > distance]


def galerkin(basis: str) -> Callable[[int], Solver]:
    """Ritz-Galerkin with m functions along each axis."""
    return lambda m: RitzGalerkin(basis=basis, number=m)  # type: ignore[arg-type]


def networks(steps: int, number: int) -> dict[str, Callable[[int], Solver]]:
    """Networks with two hidden layers of m units, or with m units in each layer of each part."""
    budget = {"steps": steps, "half_life": steps / 4, "number": number, "scaling": "none"}
    return {
        "deep-ritz, tanh": lambda m: deep_ritz().with_options(widths=(m, m), learning_rate=5e-3, **budget),
        "deep-ritz, sin": lambda m: deep_ritz().with_options(widths=(m, m), activation="sin", learning_rate=5e-3, **budget),
        "mscale, sin": lambda m: mscale().with_options(widths=(m, m), scales=(1.0, 2.0, 4.0), learning_rate=5e-3, **budget),
    }


def order(measured: dict[int, float], last: int = 5) -> float:
    """The slope of log error against log m over the largest sizes, its sign turned."""
    sizes, errors = (np.log(list(column)[-last:]) for column in (measured, measured.values()))
    return -float(np.polyfit(sizes, errors, 1)[0])


def in_one_dimension(*, steps: int = 1500, widths: Sequence[int] = WIDTHS) -> Report:
    """The interval, with a piecewise linear limit."""
    sources = PointSources(load_problem("sampled-1d"))
    n = len(sources.points)
    x = torch.linspace(-1, 1, _LINE, dtype=torch.float64)[:, None]
    exact = sources(x)

    def study(name: str, solver: Callable[[int], Solver], sizes: Sequence[int], drawn: Sequence[int]) -> Family:
        found = {m: sources.solution(solver(m))(x) for m in sizes}
        errors = {m: float((u - exact).abs().max()) for m, u in found.items()}
        return Family(name, {m: found[m].numpy() for m in drawn}, errors)

    hats = study("hat functions", galerkin("hat"), [2**k - 1 for k in range(2, 10)], (3, 7, 31))
    legendre = study("Legendre polynomials", galerkin("legendre"), [2**k for k in range(2, 10)], (4, 8, 32))
    trained = [study(name, solver, widths, widths) for name, solver in networks(steps, 400).items()]
    at_nodes = study("hat functions, a node at each point", galerkin("hat"), [(n - 1) * 2**k - 1 for k in range(1, 5)], ())
    size = float(exact.abs().max())
    rounding = {m: error / size for m, error in at_nodes.measured.items()}
    slopes = {family.name: order(dict(family.measured)) for family in (hats, legendre)}
    findings = [
        f"1-D, n = {n}: the largest difference between the limit and hat functions with a node at each point, relative to the "
        f"maximum of the limit, is {', '.join(f'{e:.1e} (m = {m})' for m, e in rounding.items())}.",
        *(
            f"1-D: the order in 1/m of the distance of {name} from the limit, in the maximum norm, is {slope:.2f}."
            for name, slope in slopes.items()
        ),
        f"1-D: the largest difference between the limit, whose maximum is {size:.3f}, and a network is at least "
        f"{min(min(f.measured.values()) for f in trained):.1e} after {steps} steps.",
    ]
    rows = [[f.name, m, error] for f in (hats, at_nodes, legendre, *trained) for m, error in f.measured.items()]
    sizes = np.array([4.0, 512.0])
    figure = point_sources_figure(
        x[:, 0].numpy(),
        exact.numpy(),
        [hats, legendre, *trained],
        title=f"−u″ = f known at {n} points: with m functions, and with networks of width m",
        axis="x",
        measure="largest distance from the limit",
        guides={"1/m": (sizes, legendre.measured[4] * 4 / sizes)},
        logarithmic=True,
    )
    return Report("", "", findings, {"point-sources-1d": Table(["method", "m", "max error"], rows)}, {"point-sources-1d": figure})


def in_two_dimensions(*, steps: int = 800, widths: Sequence[int] = WIDTHS, finest: int = 256) -> Report:
    """The square, with logarithmic peaks."""
    sources = PointSources(load_problem("sampled-2d"))
    n = len(sources.points)
    line = torch.linspace(0, 1, _LINE, dtype=torch.float64)
    x = torch.stack([line, torch.full_like(line, 0.5)], dim=1)
    lattice = torch.cartesian_prod(*[torch.linspace(0.03, 0.97, 60, dtype=torch.float64)] * 2)
    away = sources.away(lattice, 0.06)
    exact, exact_away = sources(x), sources(away)
    middle = torch.tensor([[0.5, 0.5]], dtype=torch.float64)
    errors: dict[str, dict[int, float]] = {}

    def study(name: str, solver: Callable[[int], Solver], sizes: Sequence[int], drawn: Sequence[int]) -> Family:
        found = {m: sources.solution(solver(m)) for m in sizes}
        errors[name] = {m: float((u(away) - exact_away).abs().max()) for m, u in found.items()}
        return Family(name, {m: found[m](x).numpy() for m in drawn}, {m: float(u(middle)) for m, u in found.items()})

    grids = [2**k - 1 for k in range(2, 9) if 2**k <= finest]
    hats = study("hat functions", galerkin("hat"), grids, grids[1::2][:3])
    legendre = study("Legendre polynomials", galerkin("legendre"), (4, 8, 16, 32, 48), (4, 16, 48))
    trained = [study(name, solver, widths, widths) for name, solver in networks(steps, 2500).items()]
    coefficient = float(sources.logarithms[int(torch.cdist(middle, sources.points).argmin())])
    last, before = grids[-1], grids[-2]
    growth = (hats.measured[last] - hats.measured[before]) / math.log((last + 1) / (before + 1))
    around = logarithm(sources.solution(RitzGalerkin(basis="hat", number=last)), middle)
    heights = [max(f.measured.values()) for f in trained]
    findings = [
        f"2-D, n = {n}: off the points, the order in 1/m of the distance of hat functions from the limit is "
        f"{order(errors[hats.name], 4):.2f}; with m = {last} the distance is {errors[hats.name][last]:.1e}, and that of Legendre "
        f"polynomials with m = 48 is {errors[legendre.name][48]:.1e}.",
        f"2-D: around the middle point the coefficient of log(1/r) is {around:.5f}, where f/(2 pi n) = {coefficient:.5f}.",
        f"2-D: a doubling of m changes the middle peak by {growth * math.log(2):.4f}, where f log 2/(2 pi n) = "
        f"{coefficient * math.log(2):.4f}.",
        f"2-D: the middle peak of hat functions is {hats.measured[last]:.3f} with m = {last}; those of networks are at most "
        f"{max(heights):.3f} after {steps} steps.",
    ]
    rows = [[f.name, m, height, errors[f.name][m]] for f in (hats, legendre, *trained) for m, height in f.measured.items()]
    sizes = np.array([4.0, float(last)])
    start = hats.measured[last] + coefficient * np.log(sizes / (last + 1))
    figure = point_sources_figure(
        x[:, 0].numpy(),
        exact.numpy(),
        [hats, legendre, *trained],
        title=f"−Δu = f known at {n} points: with m² functions, and with networks of width m, on the line y = 1/2",
        axis="x",
        measure="height of the middle peak",
        guides={"f log m / 2πn": (sizes, start)},
        logarithmic=False,
    )
    columns = ["method", "m", "u in the middle", "max error off the points"]
    return Report("", "", findings, {"point-sources-2d": Table(columns, rows)}, {"point-sources-2d": figure})


def logarithm(u: Callable[[Tensor], Tensor], point: Tensor, near: float = 0.02, far: float = 0.08) -> float:
    """The coefficient of log(1/r) around a point, from means over two circles: those of the smooth rest cancel."""
    angle = 2 * math.pi * torch.arange(64, dtype=torch.float64) / 64
    circle = torch.stack([angle.cos(), angle.sin()], dim=1)
    return float(u(point + near * circle).mean() - u(point + far * circle).mean()) / math.log(far / near)


@Entry(
    places=(Place(Document.SLIDES, "slides 'Learning Results', theorem 1 and equations 3.1 to 3.3"),),
    publication="arXiv 2002.07989, theorem 1 and figures 6 to 8",
    shows="With f known at n points, Ritz-Galerkin solutions with more and more functions tend to a sum of Green's functions: a "
    "polygon in one dimension, unbounded peaks in two. Networks of increasing size stay smooth.",
    published=("the limits in closed form, equations 3.2 and 3.3",),
    lacks="The source states neither n nor m, the points, f nor the training.",
    pictures=("point-sources-1d", "point-sources-2d"),
    seconds=128.1,
)
def point_sources() -> Report:
    """Ritz-Galerkin with f known at n points tends to a sum of Green's functions; networks stay smooth (arXiv 2002.07989)."""
    parts = in_one_dimension(), in_two_dimensions()
    return Report(
        "Limits of Ritz-Galerkin solutions and networks for f known at n points",
        SOURCE,
        [line for part in parts for line in part.findings],
        {name: table for part in parts for name, table in part.tables.items()},
        {name: figure for part in parts for name, figure in part.figures.items()},
    )


if __name__ == "__main__":
    main("point-sources", point_sources)
