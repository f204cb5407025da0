r"""The parity function, whose highest frequency networks do not learn from samples: ``pdefreq reproduce parity``.

The transform of f(x) = x_1 ... x_d over all points of {-1, 1}^d is f^(k) = (-i)^d prod_j sin(2 pi k_j): along the diagonal, with
all k_j = k, it is largest at the highest frequency, k = 1/4. Over a subset of the points it has spurious low frequencies. A
network that is trained at the subset learns these, and at the other points it is no better than chance.

Xu et al. take d = 10; they do not state the number of training points, which is 205 of the 1024 here.
"""

from __future__ import annotations

import math

import numpy as np

from pdefreq.experiments.data_sets import LEVEL, first_steps, fitted_labels, fourier_sum, parity
from pdefreq.experiments.entry import Document, Entry, Place
from pdefreq.experiments.report import Report, Table, main
from pdefreq.experiments.trials import require_at_least
from pdefreq.figures.function_panels import Line, Panel, function_panels_figure
from pdefreq.figures.style import METHOD_COLORS
from pdefreq.functionals.sampling import data_samples, held_out_samples
from pdefreq.probes.sampled import as_array

SOURCE = "Xu, Zhang, Luo, Xiao, Ma (2020), arXiv 1901.06523, section 4 (test accuracy about 50 %)"
_FREQUENCIES = np.linspace(0, 0.25, 101)


@Entry(
    places=(Place(Document.SLIDES, "slide 'Generalization difference', (c) parity"),),
    publication="arXiv 1901.06523, section 4",
    shows="The transform of the parity function is largest at the highest frequency and nearly zero at low ones. Its values at a "
    "subset of the points also have low frequencies, which a network learns first, so that it fits the subset and is no better "
    "than chance at the other points.",
    published=("test accuracy about 0.5",),
    lacks="The source states ten dimensions, but not the number of training points, which is 205 of 1024 here.",
    seconds=4.0,
)
def experiment(*, dimension: int = 10, steps: int = 400, seed: int = 0) -> Report:
    """Networks do not learn the parity function: the subset has low frequencies that the function lacks (arXiv 1901.06523).

    Args:
        dimension: The number of coordinates, d.
        steps: Steps of Adam.
        seed: Seed of the network.

    Raises:
        OptionError: If the dimension is below 5, or there are no steps.
    """
    require_at_least(5, dimension=dimension)
    require_at_least(1, steps=steps)
    problem = parity(dimension, holdout=0.8)
    run = fitted_labels(problem, learning_rate=5e-4, steps=steps, seed=seed, per_decade=25)
    history = run.history
    step, low, high, loss = (history.column(name) for name in ("step", "low_error", "high_error", "objective"))
    (at, values), (out, labels) = data_samples(problem), held_out_samples(problem)
    assert problem.data is not None and problem.data.x is not None and problem.data.values is not None
    x, every = problem.data.x, as_array(problem.data.values)
    direction = np.full(dimension, dimension**-0.5)
    xi = 2 * math.pi * _FREQUENCIES * math.sqrt(dimension)
    spectra = {
        "all points": fourier_sum(x, every, xi, direction),
        "training points": fourier_sum(at.x, as_array(values), xi, direction),
        "network, all points": fourier_sum(x, as_array(run(x)), xi, direction),
    }
    accuracy = float(((run(out.x) > 0) == (labels > 0)).double().mean())
    below = _FREQUENCIES < 0.125
    reached = first_steps({"low": low, "high": high}, step)
    lows = {name: float(np.sqrt(np.mean(np.abs(spectrum[below]) ** 2))) for name, spectrum in spectra.items()}
    findings = [
        f"Accuracy at the {len(labels)} points held out: {accuracy:.3f} (published: about 0.5); mean square error at the "
        f"{len(values)} training points: {loss[-1]:.2g}.",
        "Root mean square of the transform below k = 1/8: "
        + ", ".join(f"{size:.2g} ({name})" for name, size in lows.items())
        + ".",
        f"First recorded steps with an error below {LEVEL} at the training points: {reached['low']} (low part), "
        f"{reached['high']} (high part).",
    ]
    colors = dict(zip(spectra, METHOD_COLORS, strict=False))
    lines = [Line(name, _FREQUENCIES, np.abs(spectrum), colors[name]) for name, spectrum in spectra.items()]
    lines.append(Line("|sin 2πk|^d", _FREQUENCIES, np.sin(2 * math.pi * _FREQUENCIES) ** dimension, "black", ":"))
    curves = [Line("low part", step, low, METHOD_COLORS[3]), Line("high part", step, high, METHOD_COLORS[4])]
    panels = [
        Panel("transform along the diagonal", "k", "modulus", lines, ("linear", "linear")),
        Panel("filter, at the training points", "step", "relative error", curves, ylim=(0, 1.5)),
    ]
    figure = function_panels_figure([panels], title=f"Parity in {dimension} dimensions")
    table = Table(["points", "rms of the transform below k = 1/8"], [[name, size] for name, size in lows.items()])
    return Report("The parity function", SOURCE, findings, {"parity": table}, {"parity": figure})


if __name__ == "__main__":
    main("parity", experiment)
