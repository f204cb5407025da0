"""Large and small initial parameters, in one dimension and on a picture: ``pdefreq reproduce initialization``.

The initial function of a network with large parameters oscillates faster than the samples resolve. Training removes its values at
the samples, but not the oscillations between them.

The notes state, in one dimension, 600 samples for training and 1200 for testing, both uniform on (-1, 1), and normal parameters
of standard deviation 10 or 0.1; they state no function, architecture or optimizer. For the picture they state neither parameters
nor numbers, and train at every other row and column. Here every other sample of 1200, and every other pixel as on a chessboard,
is held out; networks have three hidden layers of tanh and are trained by Adam. On the picture the large deviation is 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from pdefreq.core.history import Stop
from pdefreq.experiments.data_sets import interval_regression
from pdefreq.experiments.entry import Document, Entry, Place
from pdefreq.experiments.report import Report, Table, main
from pdefreq.experiments.trials import holds, require_at_least
from pdefreq.figures.function_panels import Line, Panel, function_panels_figure
from pdefreq.figures.picture_panels import picture_panels_figure
from pdefreq.figures.style import METHOD_COLORS
from pdefreq.functionals.sampling import data_samples, held_out_samples
from pdefreq.probes.holdout import HoldoutProbe
from pdefreq.probes.sampled import as_array
from pdefreq.problem.data import Data
from pdefreq.problem.files import load_problem
from pdefreq.problem.grid_field import GridField
from pdefreq.problem.problem import Problem
from pdefreq.runs.solve import solve
from pdefreq.solvers.network_methods import regression

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pdefreq.runs.solution import Solution

SOURCE = (
    "Xu, Zhang, Xiao (2019), Training behavior of deep neural network in frequency domain, arXiv 1807.01251; Xu, Understanding "
    "deep learning (lecture notes), section 1.2"
)
FORMULA = "sin(3*x) + sin(6*x)/2"


@dataclass(frozen=True)
class Setting:
    """A fit from one initialization.

    Args:
        std: Standard deviation of all parameters.
        width: Units of each of the three hidden layers.
        learning_rate: The learning rate, which is halved three times along a run.
    """

    std: float
    width: int
    learning_rate: float

    def fitted(self, problem: Problem, steps: int, seed: int) -> tuple[Solution, Solution]:
        """The network at the start, and after training."""
        method = regression().with_options(
            widths=(self.width,) * 3,
            activation="tanh",
            initialization=f"normal({self.std:g})",
            learning_rate=self.learning_rate,
            half_life=max(1, steps // 3),
            scaling="none",
        )

        def run(number: int) -> Solution:
            stop, probes = Stop(steps=number), [HoldoutProbe()]
            return solve(problem, method, stop=stop, seed=seed, probes=probes, predict=False, dtype="float32")

        return run(0), run(steps)


LINE = {"small": Setting(0.1, 100, 2e-3), "large": Setting(10, 200, 3e-2)}
PICTURE = {"small": Setting(0.1, 100, 2e-3), "large": Setting(1, 100, 5e-3)}


def line() -> Problem:
    """1200 samples on (-1, 1), every other one held out."""
    return interval_regression(-1, 1, Data("uniform", 1200, holdout="alternate"), exact=FORMULA)


@Entry(
    places=(
        Place(Document.LINEAR, "section 1.2, figure 1.2"),
        Place(Document.THEORY, "section 1.2, figures 1.3 to 1.5"),
    ),
    publication="arXiv 1807.01251",
    shows="The initial function of a network with large parameters oscillates faster than the samples resolve. Training reduces "
    "its values at the samples, but not the oscillations between them, so that the error at points held out is larger than the "
    "error at the samples. With small initial parameters the two errors are nearly equal.",
    lacks="The notes state the number of samples and the standard deviations 10 and 0.1 in one dimension, but no function, "
    "network, optimizer or error, and for the picture only that every other row and column is used.",
    pictures=("initialization", "initialization-picture"),
    seconds=37.0,
)
def experiment(*, steps: int = 1000, seed: int = 0) -> Report:
    """Oscillations of large initial parameters remain between the samples, on an interval and on a picture (arXiv 1807.01251).

    Args:
        steps: Steps of Adam of each of the four runs.
        seed: Seed of the networks.

    Raises:
        OptionError: If there are no steps.
    """
    require_at_least(1, steps=steps)
    rows, findings, figures = [], [], {}
    for place, problem, settings, draw in (
        ("interval", line(), LINE, _line_figure),
        ("picture", load_problem("interference"), PICTURE, _picture_figure),
    ):
        runs = {name: setting.fitted(problem, steps, seed) for name, setting in settings.items()}
        ratios = {}
        for name, (_, after) in runs.items():
            training, held_out = after.history.last("objective"), after.history.last("holdout_misfit")
            rows.append([place, name, settings[name].std, training, held_out])
            ratios[name] = held_out / training
        findings.append(
            f"{place}: the mean square error at the points held out is {ratios['small']:.2f} times that at the training points "
            f"with a small start, and {ratios['large']:.2f} times with a large one. That the ratio is larger with the large "
            f"start {holds(ratios['large'] > ratios['small'])}."
        )
        figures["initialization" if place == "interval" else "initialization-picture"] = draw(problem, runs)
    columns = ["data", "start", "standard deviation", "mean square error, training", "mean square error, held out"]
    return Report("Large and small initial parameters", SOURCE, findings, {"initialization": Table(columns, rows)}, figures)


def _line_figure(problem: Problem, runs: dict[str, tuple[Solution, Solution]]) -> Figure:
    (at, values), (out, values_out) = data_samples(problem), held_out_samples(problem)
    x = torch.linspace(-1, 1, 4001, dtype=torch.float64)[:, None]
    assert problem.exact is not None
    axis, exact, panels = x[:, 0].numpy(), as_array(problem.exact(x)), []
    near = x[:, 0].abs() < 0.05
    for (name, (before, after)), color in zip(runs.items(), METHOD_COLORS, strict=False):
        start, end = as_array(before(x)), as_array(after(x))
        target = Line("function", axis, exact, "0.5", ":")
        dots = [
            Line("training", at.x[:, 0].numpy(), values.numpy(), "black", "."),
            Line("held out", out.x[:, 0].numpy(), values_out.numpy(), "0.65", "."),
        ]
        whole = [Line("network", axis, end, color), target, dots[0]]
        here = [each.x.numpy()[:, 0] for each in (at, out)]
        few = [
            Line(dot.name, place[np.abs(place) < 0.05], dot.y[np.abs(place) < 0.05], dot.color, "o")
            for dot, place in zip(dots, here, strict=True)
        ]
        panels.append(
            [
                Panel(f"{name} start", "x", "u", [Line("network", axis, start, color), target]),
                Panel("after training", "x", "u", whole),
                Panel("after training, near 0", "x", "u", [Line("network", axis[near], end[near], color), *few]),
            ]
        )
    return function_panels_figure(panels, title="Small and large initial parameters")


def _picture_figure(problem: Problem, runs: dict[str, tuple[Solution, Solution]]) -> Figure:
    assert problem.data is not None and isinstance(problem.data.interpolant, GridField)
    picture, points = np.asarray(problem.data.interpolant.values), problem.data.interpolant.points()
    seen = np.where(as_array(problem.data.is_held_out(points)) > 0, np.nan, picture.ravel()).reshape(picture.shape)
    rows = {}
    for name, (before, after) in runs.items():
        start, end = (as_array(run(points)).reshape(picture.shape) for run in (before, after))
        rows[f"{name} start"] = {
            "picture": picture,
            "training pixels": seen,
            "network, start": start,
            "after training, all pixels": end,
        }
    lower, upper = problem.domain.bounds
    bounds = (lower[0], upper[0], lower[1], upper[1])
    return picture_panels_figure(rows, bounds, title="Every other pixel held out")


if __name__ == "__main__":
    main("initialization", experiment)
