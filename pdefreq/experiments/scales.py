"""The scales of a multiscale network, in a small version of a published experiment: ``pdefreq reproduce scales``.

The linear Poisson-Boltzmann equation -u'' + 400 u = 2900 sin 50 x and MscaleDNN-2 with the activation phi. The published
networks have six parts 1-150-150-150-1; these have 1-50-50-50-1. The paper states neither the initialization nor how often points
are drawn; here both are those of the authors' programs. Its mean loss with beta = 1000 is half the energy with beta = 1000 at
each end. A set of fewer than six scales has each of them equally often.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pdefreq.experiments.entry import Document, Entry, Place
from pdefreq.experiments.report import Report, Table, main
from pdefreq.experiments.training import HALF_LIFE, MeanSquareError, TrainingHistory, training_histories
from pdefreq.experiments.trials import in_words
from pdefreq.figures.error_curves import Curve, error_curves_figure
from pdefreq.problem.files import load_problem
from pdefreq.solvers.network_methods import mscale

if TYPE_CHECKING:
    from pdefreq.solvers.network_solver import NetworkSolver

SOURCE = "Liu, Cai, Xu (2020), arXiv 2007.11207, section 5, figure 11; values read off the figure"
SCALES = {
    "{1, 2, 4, 8, 16, 32}": (1.0, 2.0, 4.0, 8.0, 16.0, 32.0),
    "{1, 2, 3, 4, 5, 6}": (1.0, 2.0, 3.0, 4.0, 5.0, 6.0),
    "{1, 2, 4}": (1.0, 1.0, 2.0, 2.0, 4.0, 4.0),
    "{1, 2, 3}": (1.0, 1.0, 2.0, 2.0, 3.0, 3.0),
    "all 1": (1.0,) * 6,
}
PUBLISHED = {  # the epoch of leaving the plateau, and the mean square error after 5000
    "{1, 2, 4, 8, 16, 32}": (0, 8e-3),
    "{1, 2, 3, 4, 5, 6}": (500, 1.3e-2),
    "{1, 2, 4}": (750, 3.5e-2),
    "{1, 2, 3}": (1250, 5.5e-2),
    "all 1": (math.inf, 0.50),
}
POINTS = 5000
LEFT = 0.9  # fraction of the plateau below which an error has left it


def solver(factors: tuple[float, ...], number: int = POINTS) -> NetworkSolver:
    """Six sub-networks 1-50-50-50-1 with these scales, and so many points."""
    return mscale().with_options(
        scales=factors,
        widths=(50, 50, 50),
        activation="phi",
        initialization="mscale",
        boundary="penalty",
        beta=1000.0,
        points="uniform",
        number=number,
        resample_every=10,
        learning_rate=1e-3,
        half_life=HALF_LIFE,
        scaling="none",
    )


@Entry(
    places=(Place(Document.SLIDES, "slides 'Radial scaling in k-space' and 'MscaleDNN structures'"),),
    publication="arXiv 2007.11207, section 5, figure 11",
    shows="The larger the scales of a multiscale network, the sooner it learns a high frequency; with all scales equal to 1 it "
    "does not learn it at all.",
    published=("the plateau is left at the steps 0, 500, 750, 1250 and never; final errors 8e-3 to 0.50",),
    lacks="Initialization, decay of the learning rate and resampling are those of the authors' programs.",
    full="`--seeds 3 --steps 5000 --set number=5000`, one to three hours; published: sub-networks three times as wide.",
    seconds=66,
)
def scales(*, seeds: int = 1, steps: int = 1200, number: int = 500) -> Report:
    """The larger the scales of MscaleDNN, the sooner a high frequency converges (arXiv 2007.11207, figure 11, small version).

    Args:
        seeds: Number of runs of each set of scales.
        steps: Number of steps of each run; published: 5000.
        number: Points of each draw; published: 5000.

    Raises:
        OptionError: If one of them is below 1.
    """
    solvers = {name: solver(factors, number) for name, factors in SCALES.items()}
    return report_of(training_histories(load_problem("poisson-boltzmann"), solvers, steps=steps, seeds=seeds, per_decade=100))


def leaving(history: TrainingHistory, plateau: float) -> int | None:
    """The first step from which on the error stays below 0.9 of the plateau; None if it does not."""
    return history.stays_below(LEFT * plateau)


def report_of(histories: Mapping[str, Sequence[TrainingHistory]]) -> Report:
    """The report on mean square errors."""
    plateau = MeanSquareError().of_zero(load_problem("poisson-boltzmann"))
    steps = {name: [leaving(history, plateau) for history in each] for name, each in histories.items()}
    seeds = range(min(len(each) for each in histories.values()))
    ordered = sum(_rises([steps[name][seed] for name in SCALES]) for seed in seeds)
    ones = [history.errors.min() / plateau for history in histories["all 1"]]
    widest = [history.end / plateau for history in histories["{1, 2, 4, 8, 16, 32}"]]
    findings = [
        f"The plateau, the mean square of u, is {plateau:.3f} (published: 0.50).",
        f"With all scales 1 the error stays at {min(ones):.3f} of it or more; with scales from 1 to 32 it ends at "
        f"{max(widest):.3f} of it or less.",
        f"The step of leaving the plateau increases from the widest set to the narrowest in {ordered} of {len(seeds)} seeds.",
    ]
    rows = [
        [
            name,
            "never" if math.isinf(PUBLISHED[name][0]) else PUBLISHED[name][0],
            in_words(steps[name]),
            PUBLISHED[name][1],
            ", ".join(f"{history.end:.3g}" for history in each),
        ]
        for name, each in histories.items()
    ]
    columns = ["scales", "left, published", "left, here", "error, published", "error, here"]
    figure = error_curves_figure(
        {"": [Curve(name, [(c.steps[1:], c.errors[1:]) for c in each]) for name, each in histories.items()]},
        title="−u″ + 400 u = 2900 sin 50x: MscaleDNN with φ and five sets of scales",
        xlabel="step",
        ylabel="mean square error",
        guides={"plateau: u = 0": plateau},
        logarithmic=[""],
    )
    return Report("The scales of multiscale networks", SOURCE, findings, {"scales": Table(columns, rows)}, {"scales": figure})


def _rises(steps: Sequence[int | None]) -> bool:
    """Whether each set is left later than the one before; never is the latest."""
    numbers = [math.inf if step is None else step for step in steps]
    return all(before < after for before, after in itertools.pairwise(numbers))


if __name__ == "__main__":
    main("scales", scales)
