"""A plain network and MscaleDNN in two dimensions at the printed ratio of sizes: ``pdefreq reproduce mscale-printed``.

The equations are -Laplace u = f with u = sum sin(15 x_i^2) on a square, and u = sin(7 pi x) sin(7 pi y) on a square with three
holes. Published: hidden layers of 1000, 1000 and 1000 units against five sub-networks of 200, 200 and 200 units with the
scales 1, 2, 4, 8 and 16, activation phi, 5000 interior points and 4000 (square) or 4400 (holes) boundary points that are drawn
anew, Adam with the learning rate 1e-3, 5000 steps, and the mean over the boundary weighted by 1000. The sources write the
input width as 1, although there are two inputs. The paper does not state the initialization; here it is that of the authors'
programs.

The default is a part of this: all widths are divided by five, and fewer points and steps are taken. `width`, `points` and `steps`
restore the published numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from pdefreq.core.errors import OptionError
from pdefreq.core.history import Schedule, Stop
from pdefreq.experiments.entry import Document, Entry, Place
from pdefreq.experiments.report import Report, Table, main
from pdefreq.experiments.training import HALF_LIFE
from pdefreq.experiments.trials import require_at_least
from pdefreq.figures.field_panels import FieldRow, field_panels_figure
from pdefreq.probes.error import ErrorProbe
from pdefreq.problem.files import load_problem
from pdefreq.runs.solve import solve
from pdefreq.solvers.network_methods import deep_ritz, mscale

if TYPE_CHECKING:
    from pdefreq.problem.problem import Problem
    from pdefreq.runs.solution import Solution
    from pdefreq.solvers.network_solver import NetworkSolver

SOURCE = (
    "Liu, Cai, Xu (2020), arXiv 2007.11207, sections 6.1.1 and 6.1.3, figures 12, 13a, 18 and 19a; errors read off the figures"
)
SCALES = (1.0, 2.0, 4.0, 8.0, 16.0)
PUBLISHED = {  # mean square errors after 1000 and 5000 steps
    "poisson-chirp": {"normal": (1.6, 0.30), "Mscale": (0.22, 0.06)},
    "perforated": {"normal": (0.33, 0.068), "Mscale": (0.064, 0.023)},
}
_SIDE = 121  # points of the drawn lattice along each axis


@dataclass(frozen=True)
class Size:
    """The size of the experiment.

    Args:
        width: Units in each hidden layer of the plain network; each of the five sub-networks has a fifth of it.
        points: Interior points; the boundary has 0.8 times as many.
        steps: Number of steps.
    """

    width: int
    points: int
    steps: int

    def methods(self, problem: Problem) -> dict[str, NetworkSolver]:
        """The plain network and MscaleDNN."""
        domain = problem.domain
        common = {
            "activation": "phi",
            "initialization": "mscale",
            "boundary": "penalty",
            "beta": 1000 * domain.measure / float(domain.boundary(2000).weights.sum()),  # of the integral in place of the mean
            "boundary.points": round(0.8 * self.points),
            "points": "uniform",
            "points.number": self.points,
            "resample_every": 1,
            "learning_rate": 1e-3,
            "half_life": HALF_LIFE,
            "scaling": "none",
        }
        part = self.width // len(SCALES)
        return {
            "normal": deep_ritz().with_options(common, widths=(self.width,) * 3),
            "Mscale": mscale().with_options(common, widths=(part,) * 3, scales=SCALES),
        }

    def train(self, problem: Problem) -> dict[str, Solution]:
        """The trained networks, in float32 as in the authors' programs."""
        options = {"stop": Stop(steps=self.steps), "schedule": Schedule(dense=1, per_decade=12), "dtype": "float32"}
        return {name: solve(problem, solver, probes=[ErrorProbe()], **options) for name, solver in self.methods(problem).items()}


@Entry(
    places=(Place(Document.SLIDES, "slides 'Two dim case: not fixed frequency' and 'Two dim case: complex domain'"),),
    publication="arXiv 2007.11207, sections 6.1.1 and 6.1.3",
    shows="A plain network and five sub-networks whose inputs are multiplied by 1, 2, 4, 8 and 16 are trained in the same way. "
    "In the chirp the local wavenumber 30 |x| increases toward the sides: within this budget the multiscale network finds the "
    "oscillations everywhere, and the plain network only a slowly varying part. On the square with holes the solution has one "
    "high frequency, which the plain network does not find.",
    published=("mean square errors 0.30 (normal) and 0.06 (Mscale) on the chirp, 0.068 and 0.023 with holes, after 5000 steps",),
    lacks="The slides state the sizes only; the paper states the training but not the initialization and the decay of the "
    "learning rate, which are those of the authors' programs.",
    full="width 1000, 5000 interior and 4000 boundary points, 5000 steps: 1.7 s a step for the plain network and 0.8 s for "
    "MscaleDNN on one core, about 3.5 hours for each problem.",
    seconds=91.7,
)
def mscale_printed(*, width: int = 200, points: int = 1000, steps: int = 600) -> Report:
    """A plain network and MscaleDNN at the printed ratio of sizes: exact solution, plain network and MscaleDNN in 2-D (slides).

    Args:
        width: Units in each hidden layer of the plain network, a multiple of 5; published: 1000.
        points: Interior points, drawn anew in each step; published: 5000.
        steps: Number of steps; published: 5000.

    Raises:
        OptionError: If a number is below 1 or the width is not a multiple of 5.
    """
    require_at_least(1, width=width, points=points, steps=steps)
    if width % len(SCALES):
        raise OptionError(f"`width` must be a multiple of {len(SCALES)}, the number of sub-networks, got {width}")
    size = Size(width, points, steps)
    return report_of({name: size.train(load_problem(name)) for name in PUBLISHED}, size)


def report_of(found: Mapping[str, Mapping[str, Solution]], size: Size) -> Report:
    """The report on trained networks."""
    rows, findings, panels = [], [], []
    for name, solutions in found.items():
        problem = load_problem(name)
        square, line = mean_square(problem), np.linspace(-1.0, 1.0, _SIDE)
        errors = {method: solution.error() ** 2 * square for method, solution in solutions.items()}
        for method, solution in solutions.items():
            early, late = PUBLISHED[name][method]
            unknowns = solution.state.space.num_coefficients
            rows.append([name, method, unknowns, size.steps, errors[method], solution.error(), early, late])
        findings.append(
            f"{name}: after {size.steps} steps the mean square error is {errors['normal']:.3g} for the plain network and "
            f"{errors['Mscale']:.3g} for MscaleDNN, a ratio of {errors['normal'] / errors['Mscale']:.3g}; that of u = 0 is "
            f"{square:.3g}. Published after 1000 steps at full size: {PUBLISHED[name]['normal'][0]} and "
            f"{PUBLISHED[name]['Mscale'][0]}."
        )
        x = torch.cartesian_prod(*[torch.from_numpy(line)] * 2)
        found_at = {
            f"{method}, {unknowns_of(solution)}": np.asarray(solution(x, outside="nan")) for method, solution in solutions.items()
        }
        assert problem.exact is not None
        outside = np.isnan(next(iter(found_at.values())))
        fields = {"exact": np.where(outside, np.nan, problem.exact(x).numpy())} | found_at
        shown = {title: values.reshape(_SIDE, _SIDE) for title, values in fields.items()}
        panels.append(FieldRow(f"u, {name}", line, line, shown))
    part = size.width // len(SCALES)
    title = f"1-{size.width}-{size.width}-{size.width}-1 and five 1-{part}-{part}-{part}-1, {size.steps} steps"
    columns = [
        "problem",
        "network",
        "unknowns",
        "steps",
        "mean square error",
        "relative L2",
        "published, 1000",
        "published, 5000",
    ]
    figure = field_panels_figure(panels, title=title)
    return Report(
        "A plain network and MscaleDNN at the printed ratio of sizes",
        SOURCE,
        findings,
        {"mscale-printed": Table(columns, rows)},
        {"mscale-printed": figure},
    )


def unknowns_of(solution: Solution) -> str:
    """The number of parameters, for titles."""
    return f"{solution.state.space.num_coefficients:,} parameters"


def mean_square(problem: Problem) -> float:
    """The mean of the squared exact solution over the domain, the error of u = 0."""
    assert problem.exact is not None
    samples = problem.domain.quadrature(40_000)
    return float((samples.weights * problem.exact(samples.x) ** 2).sum() / problem.domain.measure)


if __name__ == "__main__":
    main("mscale-printed", mscale_printed)
