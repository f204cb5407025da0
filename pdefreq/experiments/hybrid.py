"""A network, followed by Jacobi or multigrid: ``pdefreq reproduce hybrid``.

The published network has 1-4000-500-400-1 units, whose activation, steps and hardware are not stated; a step took 0.4
seconds on one core here. This experiment uses the default of `deep-ritz`, with the same penalty, beta = 10, and 500 intervals.

The faster method in seconds depends on the cost of a sweep. The published curve of Jacobi alone, which has no free parameter,
gives 320 sweeps a second; here there are some hundred times as many. The figure therefore shows both: the seconds measured here,
and those of a network that trains for 95 s and of sweeps at the published cost.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pdefreq.core.history import Schedule
from pdefreq.experiments.entry import Document, Entry, Place
from pdefreq.experiments.report import Report, Table, main
from pdefreq.experiments.trials import require_at_least
from pdefreq.figures.error_curves import Curve, error_curves_figure
from pdefreq.probes.error import ErrorProbe
from pdefreq.problem.files import load_problem
from pdefreq.runs.solve import solve
from pdefreq.solvers.chain import Chain
from pdefreq.solvers.names import make_solver
from pdefreq.solvers.network_methods import deep_ritz, mscale

if TYPE_CHECKING:
    from pdefreq.problem.problem import Problem
    from pdefreq.solvers.solver import Solver

SOURCE = "Xu, Zhang, Luo, Xiao, Ma (2020), arXiv 1901.06523, section 5, figure 4(d); values read off the figure"
PUBLISHED = {  # seconds and max |h - u|, read off the figure
    "network": ((0, 5, 25, 95), (0.6, 0.03, 0.03, 0.01)),
    "Jacobi": ((0, 5, 30, 65), (0.58, 0.45, 0.23, 0.107)),
    "network, early Jacobi": ((9.5, 12, 30, 75), (0.03, 5e-3, 2.5e-3, 9.5e-4)),
    "network, late Jacobi": ((60, 124), (6e-3, 1.05e-3)),
}
PUBLISHED_ALONE = 95.0
"""Training time of the published network without Jacobi, in seconds."""

EARLY, LATE = 9.5 / PUBLISHED_ALONE, 60 / PUBLISHED_ALONE
"""Times of the hand-over to Jacobi, as fractions of this time."""

BETA = 10.0
INTERVALS = 500
SWEEPS = 40_000
"""Of Jacobi, alone or after a network: as many as fit into the published figure."""

_PENALTY = {"boundary": "penalty", "beta": BETA, "points": "gauss", "number": INTERVALS, "scaling": "none"}


@dataclass(frozen=True)
class Timed:
    """The largest error of one run.

    Args:
        training: Steps of the network, of all that it takes when it is alone, in [0, 1]; shape ``(n,)``.
        sweeps: Steps of the method after it, shape ``(n,)``.
        seconds: Spent in steps, shape ``(n,)``.
        errors: max |u - u*|, shape ``(n,)``.
    """

    training: np.ndarray
    sweeps: np.ndarray
    seconds: np.ndarray
    errors: np.ndarray

    @classmethod
    def of(cls, problem: Problem, solver: Solver, seed: int, trained: int, steps: int) -> Timed:
        """Run a method whose first `trained` steps are those of a network that takes `steps` when it is alone."""
        schedule = Schedule(dense=20, per_decade=80)
        history = solve(problem, solver, seed=seed, probes=(ErrorProbe(),), schedule=schedule).history
        step = history.column("step")
        sweeps = np.maximum(step - trained, 0)
        return cls((step - sweeps) / steps, sweeps, history.column("seconds"), history.column("max_error"))

    @property
    def end(self) -> float:
        """The last error."""
        return float(self.errors[-1])

    @property
    def told_apart(self) -> tuple[np.ndarray, np.ndarray]:
        """Seconds and errors from the hand-over step on, where there is one; before it they are those of the network alone."""
        start = 1  # the clock of a logarithmic axis begins after the first step
        if self.training[-1] > 0 and self.sweeps[-1] > 0:
            start = int((self.sweeps > 0).argmax()) - 1
        return self.seconds[start:], self.errors[start:]

    def at_price(self, price: float) -> np.ndarray:
        """Seconds if the network trained for the published time and a sweep took `price` seconds, shape ``(n,)``."""
        return PUBLISHED_ALONE * self.training + price * self.sweeps


def price_of_a_sweep(jacobi: Timed) -> float:
    """Seconds that a published sweep took: the median over the values of Jacobi alone, held against the same error here."""
    seconds, errors = PUBLISHED["Jacobi"]
    pairs = zip(seconds[1:], errors[1:], strict=True)
    return float(np.median([second / jacobi.sweeps[(jacobi.errors < error).argmax()] for second, error in pairs]))


def penalty_floor() -> float:
    """How far the minimum of the energy with penalty is off at x = 1: u'(1) / (1 + 2 beta), times x elsewhere."""
    value = np.sin(1) + np.sin(4) / 4 - np.sin(8) / 8 + np.sin(24) / 36
    slope = np.cos(1) + np.cos(4) - np.cos(8) + 24 / 36 * np.cos(24)
    return float(abs(value - slope) / (1 + 2 * BETA))


def solvers(steps: int) -> dict[str, tuple[Solver, int]]:
    """The methods, with the steps of their network; it is trained for `steps` when it is alone."""
    network = deep_ritz().with_options(**_PENALTY, steps=steps, half_life=steps / 3)
    multiscale = mscale().with_options(**_PENALTY, steps=steps, half_life=steps / 5)
    jacobi = make_solver("jacobi", {"intervals": INTERVALS, "steps": SWEEPS})
    multigrid = make_solver("multigrid", {"intervals": INTERVALS})
    early, late = round(EARLY * steps), round(LATE * steps)
    return {
        "network": (network, steps),
        "Jacobi": (jacobi, 0),
        "network, early Jacobi": (Chain(network, jacobi, hand_over_step=early), early),
        "network, late Jacobi": (Chain(network, jacobi, hand_over_step=late), late),
        "network, early multigrid": (Chain(network, multigrid, hand_over_step=early), early),
        "mscale, early multigrid": (Chain(multiscale, multigrid, hand_over_step=early), early),
        "multigrid": (multigrid, 0),
    }


@Entry(
    places=(
        Place(Document.SLIDES, "slide 'Suffer from high-frequency curse', whose network is continued by Jacobi in the paper"),
    ),
    publication="arXiv 1901.06523, figure 4(d)",
    shows="A network finds the low frequencies of the solution and Jacobi relaxation the high ones, so that, at equal time "
    "and the published cost of a sweep, a network followed by Jacobi has a smaller error than either method alone.",
    published=(
        "maximum errors of the network 0.03 (5 s) and 0.01 (95 s), of Jacobi 0.23 (30 s), of the network followed by "
        "Jacobi 9.5e-4 (75 s)",
    ),
    lacks="The paper states neither the activation nor the number of steps nor the machine.",
    pictures=("hybrid", "hybrid-measured"),
    seconds=30,
)
def hybrid(*, seeds: int = 1, steps: int = 2500) -> Report:
    """A network, followed by Jacobi (arXiv 1901.06523, figure 4d), for the published and the present cost of a sweep.

    Args:
        seeds: Number of runs of each method.
        steps: Of the network when it is alone.

    Raises:
        OptionError: If there are no seeds, or fewer than 10 steps.
    """
    require_at_least(1, seeds=seeds)
    require_at_least(10, steps=steps)  # an early hand-over, after a tenth of them
    problem = load_problem("poisson")
    return report_of(
        [
            {name: Timed.of(problem, solver, seed, trained, steps) for name, (solver, trained) in solvers(steps).items()}
            for seed in range(seeds)
        ]
    )


def report_of(runs: Sequence[Mapping[str, Timed]]) -> Report:
    """The report: its sentences describe the run with the first seed, and its tables contain medians over all seeds."""
    first, floor = runs[0], penalty_floor()
    price = price_of_a_sweep(first["Jacobi"])
    jacobi, network, modern, multigrid = (first[n] for n in ("Jacobi", "network", "network, early multigrid", "multigrid"))
    rate = jacobi.sweeps[-1] / jacobi.seconds[-1]
    findings = [
        f"The network alone ends at a maximum error of {network.end:.1e}, the lowest on the way is {network.errors.min():.1e}; "
        f"the minimum of its energy with the penalty has {floor:.2e}.",
        f"A published sweep took {1e3 * price:.1f} ms, one here {1e6 / rate:.0f} µs, a ratio of {price * rate:.3g}.",
        f"Here Jacobi alone has an error of {jacobi.end:.1e} after {jacobi.seconds[-1]:.2g} s, and the network an error of "
        f"{_at(network, network.seconds, float(jacobi.seconds[-1])):.1e} after the same time.",
        f"With multigrid instead of Jacobi, the early hand-over ends with an error of {modern.end:.2e} after "
        f"{modern.seconds[-1]:.1f} s. Multigrid without a network ends with {multigrid.end:.2e} after "
        f"{multigrid.seconds[-1]:.1g} s.",
    ]
    compared = [
        [name, second, error, float(np.median([_at(run[name], run[name].at_price(price), second) for run in runs]))]
        for name, published in PUBLISHED.items()
        for second, error in zip(*published, strict=True)
    ]
    ends = [
        [name, float(np.median([run[name].seconds[-1] for run in runs])), float(np.median([run[name].end for run in runs]))]
        for name in first
    ]
    panels = {
        "published": [Curve(name, published=pairs) for name, pairs in PUBLISHED.items()],
        "here, at the published price of a sweep": [
            Curve(name, [(run[name].at_price(price), run[name].errors) for run in runs]) for name in PUBLISHED
        ],
    }
    measured = {"": [Curve(name, [run[name].told_apart for run in runs]) for name in first]}
    common: dict[str, Any] = {"xlabel": "seconds", "ylabel": "max |u − u*|", "guides": {"minimum with penalty": floor}}
    title = "−u″ with four tones: a network, Jacobi, and one after the other"
    figures = {
        "hybrid": error_curves_figure(panels, title=title, **common),
        "hybrid-measured": error_curves_figure(measured, title=f"{title}, as measured here", logarithmic=[""], **common),
    }
    tables = {
        "hybrid": Table(["method", "seconds at the published price", "published", "here"], compared),
        "hybrid-ends": Table(["method", "seconds here", "max error"], ends),
    }
    return Report("A network, followed by Jacobi or multigrid", SOURCE, findings, tables, figures)


def _at(run: Timed, clock: np.ndarray, second: float) -> float:
    """The error at the record that is nearest to a time; nan after the last step."""
    return float(run.errors[np.abs(clock - second).argmin()]) if second <= 1.01 * clock[-1] else math.nan


if __name__ == "__main__":
    main("hybrid", hybrid)
