"""The stored run of the MscaleDNN authors, -u'' = 36 pi^2 sin 6 pi x: ``pdefreq reproduce mscale-6pi``.

What their program does and their notes do not say: all six scales are 32; weights and biases have the standard deviation
2 / sqrt(fan_in + fan_out), those of the last layer that of the layer before; samples are drawn anew in each step. Their loss,
2 mean(u'^2 / 2 - f u) + 1000 mean over the boundary of u^2, is the energy with beta = 500 at each end. They draw 100 points of
the two ends; here both ends are taken, so that the boundary term has no noise.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from pdefreq.experiments.entry import Document, Entry, Place
from pdefreq.experiments.report import Report, Table, main
from pdefreq.experiments.training import HALF_LIFE, MeanSquareError, TrainingHistory, training_histories
from pdefreq.experiments.trials import in_words
from pdefreq.figures.error_curves import Curve, error_curves_figure
from pdefreq.problem.files import load_problem
from pdefreq.solvers.network_methods import deep_ritz, mscale

SOURCE = (
    "Liu, Cai, Xu (2020), arXiv 2007.11207; the histories stored with the authors' programs, github.com/xuzhiqin1990/mscalednn, "
    "exp/sin_N/80509 and exp/sin_M/62178"
)
STORED_STEPS = (0, 100, 500, 1000, 2000, 3000, 4000, 4500, 5000)
STORED = {  # twice the mean of (u - u*)^2 over 201 points
    "plain": (1.1873, 0.99323, 0.98984, 0.99423, 0.99657, 0.99960, 0.99308, 0.99418, 0.99504),
    "MscaleDNN": (13.558, 5.4589, 2.2318, 1.5119, 0.66762, 0.35589, 0.059652, 0.014677, 0.017653),
}
STORED_LOWEST = {"plain": 0.98737, "MscaleDNN": 1.291e-3}
STORED_FIRST = {1.0: 1571, 0.5: 2260, 0.1: 3565, 0.05: 3672, 0.01: 4310}
"""First steps at which the error of MscaleDNN is below a level."""

FLOOR = 2 / 3 * (6 * math.pi / 1001) ** 2
"""The error of the minimum of the energy with penalty, which is sin 6 pi x - 6 pi x / 1001."""

_COMMON = {
    "activation": "sin",
    "initialization": "mscale",
    "boundary": "penalty",
    "beta": 500.0,
    "points": "uniform",
    "number": 1000,
    "learning_rate": 1e-4,
    "half_life": HALF_LIFE,
    "scaling": "none",
}
METHODS = {
    "plain": deep_ritz().with_options(widths=(180, 180, 180), **_COMMON),
    "MscaleDNN": mscale().with_options(scales=(32.0,) * 6, widths=(30, 30, 30), **_COMMON),
}


@Entry(
    places=(Place(Document.SLIDES, "slides 'MscaleDNN' and 'MscaleDNN structures'"),),
    publication="arXiv 2007.11207; histories stored with the authors' programs",
    shows="A multiscale network finds a solution with one high frequency, and a plain network with more parameters stays "
    "near u = 0.",
    published=("2 mean (u - u*)^2 after 5000 steps: 0.995 (plain), 0.0177 (MscaleDNN)",),
    full="`--seeds 3`.",
    seconds=150,
)
def mscale_6pi(*, seeds: int = 1, steps: int = 5000) -> Report:
    """MscaleDNN learns sin 6 pi x, a plain network does not: the run stored with its authors' programs (arXiv 2007.11207).

    Args:
        seeds: Number of runs of each network.
        steps: Number of steps of each run.

    Raises:
        OptionError: If one of them is below 1.
    """
    histories = training_histories(load_problem("poisson-6pi"), METHODS, steps=steps, seeds=seeds, per_decade=460)
    return report_of({name: [history.times(2) for history in each] for name, each in histories.items()})


def report_of(histories: Mapping[str, Sequence[TrainingHistory]]) -> Report:
    """The report on errors in the authors' measure."""
    plain, multiscale = histories["plain"], histories["MscaleDNN"]
    size = 2 * MeanSquareError().of_zero(load_problem("poisson-6pi"))
    lowest = min(math.sqrt(history.errors.min() / size) for history in plain)
    last = int(plain[0].steps[-1])
    findings = [
        f"The plain network stays at a relative L2 error of {lowest:.4f} or more for {last} steps "
        f"(stored: {math.sqrt(STORED_LOWEST['plain'] / size):.4f}).",
        f"The first step with an error of MscaleDNN below 0.1: {in_words([c.first_below(0.1) for c in multiscale])} "
        f"(stored: {STORED_FIRST[0.1]}).",
        f"The lowest error of MscaleDNN is {min(c.errors.min() for c in multiscale):.2e} "
        f"(stored: {STORED_LOWEST['MscaleDNN']:.2e}); the minimum of the energy with its penalty has {FLOOR:.2e}.",
    ]
    rows = [
        [
            step,
            *(cell for name, stored in STORED.items() for cell in (stored[i], _spread([c.near(step) for c in histories[name]]))),
        ]
        for i, step in enumerate(STORED_STEPS)
        if step <= last
    ]
    first = [[level, stored, in_words([c.first_below(level) for c in multiscale])] for level, stored in STORED_FIRST.items()]
    figure = error_curves_figure(
        {
            "": [
                Curve(name, [(c.steps, c.errors) for c in each], (STORED_STEPS, STORED[name])) for name, each in histories.items()
            ]
        },
        title="−u″ = 36π² sin 6πx: a plain network and MscaleDNN, three hidden layers of sines",
        xlabel="step",
        ylabel="2 · mean (u − u*)²",
        guides={"minimum with penalty": FLOOR},
    )
    columns = ["step", *(f"{name}, {whose}" for name in STORED for whose in ("stored", "here"))]
    tables = {
        "mscale-6pi": Table(columns, rows),
        "mscale-6pi-first": Table(["error below", "stored: step", "here: step of each seed"], first),
    }
    return Report("The stored run of the MscaleDNN authors", SOURCE, findings, tables, {"mscale-6pi": figure})


def _spread(errors: Sequence[float]) -> str:
    """The median of the seeds, and their range."""
    return f"{np.median(errors):.4g} ({min(errors):.4g} to {max(errors):.4g})"


if __name__ == "__main__":
    main("mscale-6pi", mscale_6pi)
