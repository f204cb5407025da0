"""The effect of the exponent q of a loss on the order of frequencies: ``pdefreq reproduce loss-exponents``.

A regression minimizes the mean of |u - f|^q. With the tangent kernel K, gradient flow changes the error e = u - f by

    de/dt = -q mean_y K(x, y) |e(y)|^(q-2) e(y).

For q = 2 this equation is linear. For q > 2 each point has a weight that decreases with its error, so that training slows down as
the error decreases, and high frequencies are learned even later. For q < 2 the weight increases without bound as the error
decreases, and gradient descent at a constant rate oscillates around the data instead of converging.

The remark in the notes states neither a network nor numbers; the setup is our choice. The input is (cos x, sin x), and the kernel
of a wide ReLU network depends on x - y only, with eigenvalues that decrease with the wavenumber.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch

from pdefreq.experiments.data_sets import interval_regression
from pdefreq.experiments.entry import Document, Entry, Place
from pdefreq.experiments.report import Report, Table, main
from pdefreq.experiments.tones import ToneHistory
from pdefreq.experiments.trials import require_at_least
from pdefreq.figures.error_curves import Curve, error_curves_figure
from pdefreq.problem.data import Data
from pdefreq.problem.problem import Problem
from pdefreq.solvers.network_methods import regression
from pdefreq.solvers.network_solver import NetworkSolver

SOURCE = "Xu (2023), Understanding deep learning (lecture notes), remark on L^p losses at the end of section 1.4"
EXPONENTS = (1.0, 1.5, 2.0, 3.0, 4.0)
DRAWN = (1.0, 2.0, 4.0)
TONES = (1, 3, 5)
_POINTS = 64
_RATE = 0.2  # divided by q, so that the factor q of the gradient has no effect; 2 / kappa_1 is about 1 for q = 2


def target() -> Problem:
    """The regression of sin x + sin 3x + sin 5x at 64 points of a period."""
    x = -math.pi + 2 * math.pi * torch.arange(_POINTS, dtype=torch.float64)[:, None] / _POINTS
    return interval_regression(-math.pi, math.pi, Data(x=x, values=torch.sin(x * x.new_tensor(TONES)).sum(dim=1)))


def solver(exponent: float, width: int) -> NetworkSolver:
    """Gradient descent on a network of one hidden layer that is zero at initialization and periodic in x.

    Args:
        exponent: q.
        width: The number of units.
    """
    return regression().with_options(
        exponent=exponent,
        widths=(width,),
        activation="relu",
        initialization="ntk",
        start="antisymmetric",
        input="periodic",
        harmonics=1,
        optimizer="gd",
        learning_rate=_RATE / exponent,
        half_life=None,
        scaling="none",
    )


def halved(history: ToneHistory) -> list[int | None]:
    """For each tone the first recorded step from which on its error stays below one half; None if it does not."""
    return [history.error(i).stays_below(0.5) for i in range(len(TONES))]


@Entry(
    places=(Place(Document.THEORY, "section 1.4, remark on L^p losses after equation 1.44"),),
    shows="Low frequencies are learned first with each exponent q of the loss mean |u - f|^q. A larger exponent delays the "
    "highest one: for q > 2 the gradient decreases like a power of the error, so that a frequency that is learned when the error "
    "is small is learned later than with the squared loss.",
    lacks="The notes mention L^p losses with p >= 2 without an experiment: problem, network and training are our choice.",
    seconds=29.1,
)
def experiment(*, steps: int = 6000, width: int = 300, seed: int = 0) -> Report:
    """Regressions with the loss mean |u - f|^q: how the exponent changes the order of frequencies (lecture notes).

    Args:
        steps: Steps of gradient descent.
        width: Units of the hidden layer; the antisymmetric network has twice as many.
        seed: Seed of the networks.

    Raises:
        OptionError: If a number is below 1.
    """
    require_at_least(1, steps=steps, width=width)
    return report_of(
        {q: ToneHistory.of(target(), solver(q, width), TONES, seed=seed, steps=steps) for q in EXPONENTS}, steps=steps
    )


def report_of(found: Mapping[float, ToneHistory], *, steps: int) -> Report:
    """The report on finished runs by exponent."""
    rows, curves = [], {}
    for q, history in found.items():
        at = halved(history)
        rows.append([q, *("never" if step is None else step for step in at), _ratio(at), *map(float, history.errors[-1])])
        if q in DRAWN:
            curves[f"q = {q:g}"] = [Curve(f"k = {k}", [(history.steps[1:], history.errors[1:, i])]) for i, k in enumerate(TONES)]
    columns = ["q", *(f"k = {k} halved" for k in TONES), "k = 5 over k = 1", *(f"last error, k = {k}" for k in TONES)]
    reached = [row for row in rows if not isinstance(row[4], str)]
    findings = [
        f"Exponents for which the tones are halved in the order of their wavenumbers: {_listed(found)}.",
        "Step at which k = 5 is halved over that of k = 1: "
        + "; ".join(f"{row[4]:.3g} (q = {row[0]:g})" for row in reached)
        + "."
        if reached
        else f"The tones k = 1 and k = 5 are not both halved within {steps} steps.",
    ]
    figure = error_curves_figure(
        curves,
        title=f"Losses mean |u - f|^q, gradient descent, {steps} steps",
        xlabel="step",
        ylabel="error of the tone",
        guides={"one half": 0.5},
        logarithmic=tuple(curves),
    )
    return Report("Exponents of the loss", SOURCE, findings, {"half-times": Table(columns, rows)}, {"loss-exponents": figure})


def _ratio(steps: Sequence[int | None]) -> float | str:
    first, last = steps[0], steps[-1]
    return "-" if first is None or last is None else last / max(first, 1)


def _listed(found: Mapping[float, ToneHistory]) -> str:
    """The exponents with ascending half times; a single tone that is not halved comes after all others."""
    never = math.inf
    steps = {q: [never if step is None else step for step in halved(history)] for q, history in found.items()}
    ordered = [f"{q:g}" for q, at in steps.items() if never not in at[:-1] and at == sorted(at)]
    return f"{', '.join(ordered)} of {', '.join(f'{q:g}' for q in steps)}" if ordered else "none"


if __name__ == "__main__":
    main("loss-exponents", experiment)
