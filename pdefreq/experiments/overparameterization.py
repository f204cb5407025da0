"""Polynomials and networks with more parameters than points: ``pdefreq reproduce overparameterization``.

Polynomials through equidistant points of 1 / (1 + 25 x^2) oscillate near the ends of [-1, 1], and the more the higher their
degree (Runge). Networks of width 40 with many more parameters than points are flat between the points. The slides state the
width 40 and about 1600 parameters for each layer, but neither the points, the depths nor the training; here the networks have
tanh units and 2, 3 and 5 hidden layers, and they are trained by Adam.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.interpolate import BarycentricInterpolator

from pdefreq.core.history import Schedule, Stop
from pdefreq.experiments.data_sets import interval_regression
from pdefreq.experiments.entry import Document, Entry, Place
from pdefreq.experiments.report import Report, Table, main
from pdefreq.experiments.trials import require_at_least
from pdefreq.figures.point_fits import Fits, point_fits_figure
from pdefreq.problem.data import Data
from pdefreq.problem.problem import Problem
from pdefreq.runs.solve import solve
from pdefreq.solvers.network_methods import regression

if TYPE_CHECKING:
    from pdefreq.runs.solution import Solution

SOURCE = (
    "Wu, Zhu, E (2017), Towards understanding generalization of deep learning, arXiv 1706.10239, as shown in Xu (2021), slides; "
    "Runge (1901)"
)
NUMBERS = (5, 9, 11, 12)
"""Equidistant points of the polynomials."""
RUNGE_ERROR = 1.92
"""The largest error of the polynomial of degree 10 on [-1, 1], a textbook value."""
WIDTH = 40
DEPTHS = (2, 3, 5)
FIVE = ((-1.0, -0.5, 0.0, 0.5, 1.0), (0.0, 0.6, -0.2, 0.8, 0.3))
"""Five points for the networks; the values are our choice."""
_LINE = np.linspace(-1.0, 1.0, 2001)


def runge(x: np.ndarray) -> np.ndarray:
    """1 / (1 + 25 x^2)."""
    return 1 / (1 + 25 * x**2)


def polynomial(number: int) -> np.ndarray:
    """The polynomial through equidistant points of Runge's function, at the points of the line."""
    nodes = np.linspace(-1, 1, number)
    return BarycentricInterpolator(nodes, runge(nodes))(_LINE)


def variation(u: np.ndarray) -> float:
    """The total variation, sum |u_(i+1) - u_i|."""
    return float(np.abs(np.diff(u)).sum())


@dataclass(frozen=True)
class Points:
    """Points to fit on [-1, 1].

    Args:
        x: Coordinates.
        values: Values.
    """

    x: tuple[float, ...]
    values: tuple[float, ...]

    @property
    def problem(self) -> Problem:
        """The regression."""
        data = Data(x=torch.tensor(self.x, dtype=torch.float64), values=torch.tensor(self.values, dtype=torch.float64))
        return interval_regression(-1, 1, data)

    def fit(self, depth: int, steps: int) -> Solution:
        """A network of width 40 after a number of steps of Adam."""
        solver = regression().with_options(widths=(WIDTH,) * depth, activation="tanh", learning_rate=1e-3, half_life=steps / 4)
        return solve(self.problem, solver, stop=Stop(steps=steps), probes=(), schedule=Schedule(dense=1, per_decade=5))

    def polygon(self) -> np.ndarray:
        """The piecewise linear interpolant at the points of the line."""
        return np.interp(_LINE, self.x, self.values)


SETS: Mapping[str, Callable[[], Points]] = {
    "11 points of Runge's function": lambda: Points(tuple(np.linspace(-1, 1, 11)), tuple(runge(np.linspace(-1, 1, 11)))),
    "5 points": lambda: Points(*FIVE),
}


@Entry(
    places=(
        Place(
            Document.SLIDES,
            "slides 'Start from traditional generalization gap' (Runge phenomenon) and 'Generalization puzzle in 1d experiments'",
        ),
        Place(Document.LINEAR, "caption of figure 1.1, which describes polynomials through 11 and 12 equidistant points"),
        Place(Document.PHENOMENA, "paragraph on overparameterized networks"),
    ),
    publication="arXiv 1706.10239",
    shows="A polynomial with as many parameters as points oscillates between the points near the ends of the interval, and the "
    "oscillation grows with the number of parameters. A network with hundreds of times more parameters than points "
    "connects the points by a flat curve, with two to five hidden layers.",
    published=("largest error of the polynomial through 11 points: 1.92 (textbook value; the slides print no number)",),
    lacks="The slides state the width 40 and the order of the number of parameters; points, depths, activation and training "
    "are our choice.",
    seconds=12.9,
)
def overparameterization(*, steps: int = 3000) -> Report:
    """Runge's polynomials oscillate between the points; networks of width 40 with far more parameters are flat (slides).

    Args:
        steps: Number of steps of each network.

    Raises:
        OptionError: If the number is below 1.
    """
    require_at_least(1, steps=steps)
    fits = {name: {depth: make().fit(depth, steps) for depth in DEPTHS} for name, make in SETS.items()}
    return report_of(fits)


def report_of(fits: Mapping[str, Mapping[int, Solution]]) -> Report:
    """The report on trained networks by set of points and depth."""
    exact, errors = runge(_LINE), {}
    polynomials = {number: polynomial(number) for number in NUMBERS}
    for number, values in polynomials.items():
        errors[number] = float(np.abs(values - exact).max())
    rows = [
        ["polynomial", "Runge's function", number, number, 0.0, errors[number], variation(u)] for number, u in polynomials.items()
    ]
    panels = [Fits("polynomials", (), (), {f"{n} points": u for n, u in polynomials.items()}, exact)]
    ratios = {}
    for name, by_depth in fits.items():
        points = SETS[name]()
        curves = {}
        for depth, solution in by_depth.items():
            u = np.asarray(solution(_LINE[:, None]))
            curves[f"{depth} layers"] = u
            unknowns = solution.state.space.num_coefficients
            off = float(np.abs(u - exact).max()) if "Runge" in name else "-"
            missed = float(np.abs(np.asarray(solution(np.array(points.x)[:, None])) - points.values).max())
            rows.append([f"network, depth {depth}", name, len(points.x), unknowns, missed, off, variation(u)])
            ratios[name, depth] = variation(u) / variation(points.polygon())
        panels.append(Fits(f"networks, {name}", points.x, points.values, curves, exact if "Runge" in name else None))
    off_runge = [row[5] for row in rows if isinstance(row[5], float) and str(row[0]).startswith("network")]
    findings = [
        f"The largest error of the polynomial through 11 points is {errors[11]:.4f} (textbook value: {RUNGE_ERROR}); through 12 "
        f"points it is {errors[12]:.4f}, through 9 points {errors[9]:.4f}.",
        f"The largest error of the networks through the same 11 points is {min(off_runge):.3g} to {max(off_runge):.3g}.",
        *(
            f"{name}: the total variation of the networks is {min(found):.3g} to {max(found):.3g} times that of the polygon "
            "through the points, which is the smallest of all functions through them."
            for name in fits
            for found in [[ratio for (key, _), ratio in ratios.items() if key == name]]
        ),
    ]
    columns = ["fit", "data", "points", "parameters", "largest misfit", "largest error", "total variation"]
    figure = point_fits_figure(_LINE, panels, title="More parameters than points: polynomials and networks of width 40")
    return Report(
        "Overparameterized fits",
        SOURCE,
        findings,
        {"overparameterization": Table(columns, rows)},
        {"overparameterization": figure},
    )


if __name__ == "__main__":
    main("overparameterization", overparameterization)
