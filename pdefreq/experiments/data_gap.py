"""A network without biases reproduces a sine in a gap of its data: ``pdefreq reproduce data-gap``.

The lecture notes report that a published network reproduces the oscillations of a sine in an interval without data. This network
has no biases and a small transformation of the input; the effect vanishes with biases or more layers. They name neither
the paper nor the transformation. The effect appears if the input is the point (cos x, sin x) of the unit circle: since
relu(z) = z/2 + |z|/2, a network of one hidden layer without biases is the sum of a linear function of this point and a function
that is equal at opposite points. Hence u(x) - u(x + pi) is a combination of cos x and sin x, whatever the weights are, and the
data at the opposite points determine u in the gap. Of the tones sin kx such a network contains k = 1 and even k only.

Source of the kernel: Basri, Jacobs, Kasten, Kritchman (2019), The convergence rate of neural networks for learned functions of
different frequencies, arXiv 1906.00425.
"""

from __future__ import annotations

import math

import torch

from pdefreq.core.history import Stop
from pdefreq.experiments.data_sets import interval_regression
from pdefreq.experiments.entry import Document, Entry, Place
from pdefreq.experiments.report import Report, Table, main
from pdefreq.experiments.trials import holds, require_at_least
from pdefreq.figures.function_panels import Line, Panel, function_panels_figure
from pdefreq.figures.style import METHOD_COLORS
from pdefreq.probes.sampled import as_array
from pdefreq.problem.data import Data
from pdefreq.problem.problem import Problem
from pdefreq.runs.solve import solve
from pdefreq.solvers.network_methods import regression

SOURCE = "Xu, Understanding deep learning (lecture notes), section 1.3.3; Basri et al. (2019), arXiv 1906.00425"
GAP = 1.0
"""No data lie in (-1, 1)."""
POINTS = 60
NETWORKS = {
    "one layer, no biases": {"widths": (1000,), "bias": "none"},
    "one layer, biases": {"widths": (1000,), "bias": "all"},
    "three layers, no biases": {"widths": (100, 100, 100), "bias": "none"},
}
SMALL = 0.5
"""The relative rms error in the gap below which a network reproduces the sine; that of u = 0 is 1."""
_TESTS = 401


def problem(k: int) -> Problem:
    """Values of sin kx at uniform points of [-pi, -1] and [1, pi)."""
    side = torch.linspace(GAP, math.pi, POINTS // 2 + 1, dtype=torch.float64)[:-1]
    x = torch.cat([-math.pi + side - GAP, side])
    return interval_regression(-math.pi, math.pi, Data(x=x, values=torch.sin(k * x)))


@Entry(
    places=(Place(Document.THEORY, "section 1.3.3"),),
    shows="A ReLU network with one hidden layer and no biases, whose input is the point (cos x, sin x), reproduces the "
    "oscillations of sin kx with even k in an interval without data, since its values at opposite points of the circle determine "
    "each other. With biases or more layers it does not.",
    lacks="The notes name neither the paper nor the transformation of the input, and print no numbers.",
    seconds=8.0,
)
def experiment(*, wavenumber: int = 4, steps: int = 2000, seed: int = 0) -> Report:
    """A network without biases reproduces a sine in a gap of its data; with biases or more layers it does not.

    Args:
        wavenumber: k of sin kx; an even number, since the network without biases contains no odd tones but k = 1.
        steps: Steps of Adam.
        seed: Seed of the networks.

    Raises:
        OptionError: If there are no steps, or the wavenumber is below 1.
    """
    require_at_least(1, steps=steps, wavenumber=wavenumber)
    fit = problem(wavenumber)
    x = torch.linspace(-math.pi, math.pi, _TESTS, dtype=torch.float64)
    exact, inside, panels, rows = torch.sin(wavenumber * x), x.abs() < GAP, [], []
    assert fit.data is not None and fit.data.x is not None and fit.data.values is not None
    for (name, network), color in zip(NETWORKS.items(), METHOD_COLORS, strict=False):
        method = regression().with_options(
            **network,
            activation="relu",
            initialization="ntk",
            input="periodic",
            harmonics=1,
            learning_rate=1e-2,
            half_life=None,
            scaling="none",
        )
        run = solve(fit, method, stop=Stop(steps=steps), seed=seed, probes=(), predict=False)
        u = run(x[:, None])
        in_gap = float(((u - exact)[inside].square().mean() / exact[inside].square().mean()).sqrt())
        rows.append([name, run.history.last("objective"), in_gap])
        lines = [
            Line(f"sin {wavenumber}x", x.numpy(), as_array(exact), "0.6", ":"),
            Line("network", x.numpy(), as_array(u), color),
            Line("data", fit.data.x[:, 0].numpy(), fit.data.values.numpy(), "black", "o"),
        ]
        panels.append(Panel(name, "x", "u", lines, ylim=(-2.2, 2.2), shaded=(-GAP, GAP)))
    first = next(iter(NETWORKS))
    reproduced = [str(name) for name, _, in_gap in rows if in_gap < SMALL]
    findings = [
        f"Relative rms error in the gap after {steps} steps: "
        + "; ".join(f"{in_gap:.2g} ({name})" for name, _, in_gap in rows)
        + ".",
        "The notes state that the effect is gone with biases or more layers, and print no numbers. An error below "
        f"{SMALL:g} counts as a reproduction: that only the network with {first} reproduces the sine "
        f"{holds(reproduced == [first])}.",
    ]
    figure = function_panels_figure([panels], title=f"ReLU networks on the circle, no data for |x| < {GAP:g}")
    table = Table(["network", "mean square error at the data", "relative rms error in the gap"], rows)
    return Report("A sine through a gap in the data", SOURCE, findings, {"data-gap": table}, {"data-gap": figure})


if __name__ == "__main__":
    main("data-gap", experiment)
