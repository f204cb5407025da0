"""Early stopping with noisy data: ``pdefreq reproduce early-stopping``.

Noise contains all frequencies, and a network learns its low frequencies only at first. Every other sample is held out; the error
at these has its minimum early, and the run with keep=best returns the state of this step. The notes refer to the figure of
Xu, Zhang and Xiao and print neither the setup nor numbers.
"""

from __future__ import annotations

import numpy as np
import torch

from pdefreq.core.history import Schedule, Stop
from pdefreq.experiments.data_sets import interval_regression
from pdefreq.experiments.entry import Document, Entry, Place
from pdefreq.experiments.report import Report, Table, main
from pdefreq.experiments.training import MeanSquareError
from pdefreq.experiments.trials import holds, require_at_least
from pdefreq.figures.function_panels import Line, Panel, function_panels_figure
from pdefreq.figures.style import METHOD_COLORS
from pdefreq.functionals.sampling import data_samples, held_out_samples
from pdefreq.probes.error import ErrorProbe
from pdefreq.probes.sampled import as_array
from pdefreq.problem.data import Data
from pdefreq.problem.problem import Problem
from pdefreq.runs.solve import solve
from pdefreq.solvers.network_methods import regression

SOURCE = "Xu, Zhang, Xiao (2019), Training behavior of deep neural network in frequency domain, arXiv 1807.01251; slides of 2021"
FORMULA = "sin(3*x) + sin(6*x)/2"
NOISE = 0.3
_RECORDS = Schedule(dense=10, per_decade=25)


def problem(number: int) -> Problem:
    """Noisy samples of a sum of two sines on (-1, 1), every other one held out."""
    return interval_regression(-1, 1, Data("uniform", number, noise=NOISE, holdout="alternate"), exact=FORMULA)


@Entry(
    places=(Place(Document.SLIDES, "slide 'Effect of early stopping'"),),
    publication="arXiv 1807.01251",
    shows="Noise contains all frequencies, and a network learns the low frequencies first. The error at samples held out "
    "therefore has its minimum early, and the state of this step is closer to the exact function than the last one.",
    lacks="The slide shows a figure without the function, the noise, the network, the training or numbers.",
    seconds=8.0,
)
def experiment(*, number: int = 120, steps: int = 5000, seed: int = 0) -> Report:
    """With noisy data the error at samples held out has its minimum early, and the state of this step is better than the last.

    Args:
        number: Number of samples; every other one is used for training.
        steps: Steps of Adam.
        seed: Seed of the network.

    Raises:
        OptionError: If there are fewer than 4 samples, or no steps.
    """
    require_at_least(4, number=number)
    require_at_least(1, steps=steps)
    fit = problem(number)
    method = regression().with_options(
        widths=(200, 200), activation="relu", learning_rate=1e-3, half_life=None, keep="best", scaling="none"
    )
    run = solve(
        fit, method, stop=Stop(steps=steps), seed=seed, probes=[ErrorProbe(), MeanSquareError()], schedule=_RECORDS, predict=False
    )
    history = run.history
    step, training, validation, true = (
        history.column(name) for name in ("step", "objective", "held_out_objective", "mean_square_error")
    )
    lowest, best = int(validation.argmin()), run.error()
    last = float(history.last("relative_l2"))
    findings = [
        f"The error at the samples held out is lowest at the recorded step {int(step[lowest])} of {steps}: "
        f"{validation[lowest]:.3g}, against {validation[-1]:.3g} at the end, where that of the training samples is "
        f"{training[-1]:.2g}.",
        f"The noise alone has the mean square {NOISE**2:.3g}.",
        f"keep=best returns a state with a relative L2 error of {best:.3g}; that of the last state is {last:.3g}. That the kept "
        f"state is the better one {holds(best < last)}.",
    ]
    rows = [["kept", best], ["last", last]]
    x = torch.linspace(-1, 1, 401, dtype=torch.float64)[:, None]
    assert fit.exact is not None
    kept, end = run(x), run.last_state.space.at(x).value(run.last_state.coefficients)
    at, axis = data_samples(fit), x[:, 0].numpy()
    out = held_out_samples(fit)
    blue, red, green = METHOD_COLORS[:3]
    functions = [
        Line("exact", axis, as_array(fit.exact(x)), "0.6", ":"),
        Line("last state", axis, as_array(end), red),
        Line("kept state", axis, as_array(kept), blue),
        Line("training samples", at[0].x[:, 0].numpy(), at[1].numpy(), "black", "o"),
        Line("samples held out", out[0].x[:, 0].numpy(), out[1].numpy(), "0.65", "o"),
    ]
    later = step > 0
    curves = [
        Line("training error", step[later], training[later], "0.35"),
        Line("error held out", step[later], validation[later], green),
        Line("error against the exact function", step[later], true[later], METHOD_COLORS[3], "--"),
        Line("noise", step[later], np.full(later.sum(), NOISE**2), "0.6", ":"),
    ]
    panels = [
        Panel("training", "step", "mean square error", curves, ("log", "log")),
        Panel("fits", "x", "u", functions),
    ]
    figure = function_panels_figure([panels], title=f"{number // 2} noisy samples for training, {number // 2} held out")
    table = Table(["state", "relative L2 error"], rows)
    return Report("Early stopping", SOURCE, findings, {"early-stopping": table}, {"early-stopping": figure})


if __name__ == "__main__":
    main("early-stopping", experiment)
