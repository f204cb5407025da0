"""Splines as limits of the linear frequency principle, wide networks, and decay exponents: ``pdefreq reproduce lfp``.

**Splines** (lecture notes, section 1.3). The LFP model of five points for the initializations of the authors' code and of the
notes is close to the natural cubic spline if the first term of gamma^2 dominates, and to the linear interpolant if the second
does. The authors' program compares with scipy's default, the not-a-knot spline; the limit is the natural spline. Wide networks
are also trained from the two initializations of the code. The notes state three points, and the program uses five.

**Exponents.** For biases uniform in a wide interval, the kernels of the output weights and of the inner weights have eigenvalues
that decrease like the fourth and the second power of their index. Sine modes would show other exponents.
"""

from __future__ import annotations

import numpy as np
import torch

from pdefreq.experiments.entry import Document, Entry, Place
from pdefreq.experiments.report import Report, Table, main
from pdefreq.experiments.trials import require_at_least
from pdefreq.studies.lfp import LfpFit, lfp
from pdefreq.theory.bias_averages import relu_average, step_average

SOURCE = (
    "Zhang, Xu, Luo, Ma (2019), Explicitizing an implicit bias of the frequency principle in two-layer neural networks, arXiv "
    "1905.10264, figure 1; Xu (2023), lecture notes, section 1.3"
)
INITIALIZATIONS = {  # E[r^3] and E[a^2 r] follow from the bounds of w, b and a
    "code, cubic": "uniform(3,3,0.1)",
    "notes, cubic": "uniform(3,3,0.01)",
    "code, linear": "uniform(0.2,1,1)",
    "notes, linear": "uniform(0.1,2,2)",
}
_TRAINED = ("code, cubic", "code, linear")
_BIAS, _POINTS = 5.0, 400
_INDICES = slice(10, 41)


def exponent(kernel: torch.Tensor) -> float:
    """The slope of log(eigenvalue) against log(index), for indices from 10 to 40."""
    values = torch.linalg.eigvalsh(kernel).flip(0)[_INDICES].numpy()
    return float(np.polyfit(np.log(np.arange(_INDICES.start, _INDICES.stop)), np.log(values), 1)[0])


@Entry(
    places=(
        Place(Document.THEORY, "section 1.3.1, equations 1.26 to 1.30, figure 1.6"),
        Place(Document.SLIDES, "slides 'Linear F-Principle dynamics' and 'Preference induced by LFP dynamics'"),
    ),
    publication="arXiv 1905.10264, figure 1",
    shows="Wide two-layer ReLU networks interpolate like a natural cubic spline or like a polygon, depending on the "
    "initialization, as the linear frequency principle predicts from the initialization alone.",
    published=("none; the curves nearly coincide",),
    lacks="The notes mention three points, the authors' program uses five; the number of steps is not stated.",
    pictures=("lfp-cubic", "lfp-linear"),
    seconds=85.1,
)
def experiment(width: int = 10_000, seed: int = 0) -> Report:
    """Wide ReLU networks, the linear frequency principle and splines through five points (arXiv 1905.10264, figure 1).

    Args:
        width: Units of the trained networks, an even number.
        seed: Seed of their weights.
    """
    require_at_least(2, width=width)
    found: dict[str, LfpFit] = {
        name: lfp("five-points", initialization=text, width=width if name in _TRAINED else 0, seed=seed)
        for name, text in INITIALIZATIONS.items()
    }
    x = torch.linspace(-1, 1, _POINTS, dtype=torch.float64)
    outer, inner = (exponent(average(x[:, None], x, 1.0, _BIAS)) for average in (relu_average, step_average))
    rows = []
    for name, fit in found.items():
        distances = [fit.distances.get(key, "-") for key in ("natural cubic spline", "linear interpolant", "trained network")]
        steps = "-" if fit.network is None else fit.network.steps
        rows.append([name, fit.initialization, fit.moments.crossover, *distances, steps])
    columns = ["initialization", "bounds (w, b, a)", "crossover", "natural cubic", "linear", f"network, m = {width}", "steps"]
    networks = ", ".join(f"{found[name].distances['trained network']:.2g} ({name})" for name in _TRAINED)
    findings = [
        f"Relative rms distance of the LFP solution to the natural cubic spline: {_distance(found, 'code, cubic'):.2g} and "
        f"{_distance(found, 'notes, cubic'):.2g}; to linear interpolation: {_distance(found, 'code, linear', 'linear'):.2g} and "
        f"{_distance(found, 'notes, linear', 'linear'):.2g}.",
        f"Networks of {width:,} units after gradient descent differ from the LFP solution by {networks}.",
        f"Exponents of eigenvalues of the averaged kernels, index 10 to 40: {outer:.2f} for the output weights (theory: -4), "
        f"{inner:.2f} for the inner weights (theory: -2).",
        "The sources print no numbers for these figures; they state that the curves nearly coincide.",
    ]
    figures = {name.replace("code, ", "lfp-"): found[name].plot() for name in _TRAINED}
    return Report("The linear frequency principle and splines", SOURCE, findings, {"distances": Table(columns, rows)}, figures)


def _distance(found: dict[str, LfpFit], name: str, spline: str = "natural") -> float:
    key = "natural cubic spline" if spline == "natural" else "linear interpolant"
    return found[name].distances[key]


if __name__ == "__main__":
    main("lfp", experiment)
