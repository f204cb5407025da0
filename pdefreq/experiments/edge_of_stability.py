"""The sharpness along gradient descent, against 2 / eta: ``pdefreq reproduce edge-of-stability``.

A network with two hidden layers of 50 tanh units learns the Chebyshev polynomial of degree 5 at 20 Gauss points by gradient
descent with all points. The source states that the largest eigenvalue of the Hessian rises until it reaches 2 / eta and then
stays near this value, while the loss decreases further, not monotonically, and that a larger learning rate leads to a solution
with a smaller eigenvalue. It contains no setting and no numbers, so that the setting is our choice.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from pdefreq.core.fields import CallableField, ConstantField
from pdefreq.core.history import Schedule, Stop
from pdefreq.domains.box import Box
from pdefreq.experiments.entry import Document, Entry, Place
from pdefreq.experiments.report import Report, Table, main
from pdefreq.experiments.trials import holds, in_words
from pdefreq.figures.sharpness import edge_figure
from pdefreq.problem.problem import Problem
from pdefreq.runs.solve import solve

if TYPE_CHECKING:
    from pdefreq.core.history import History

SOURCE = (
    "Xu, lecture notes on phenomena of deep learning, paragraph on the edge of stability; Cohen et al. (2021), arXiv 2103.00065"
)
RATES = (0.05, 0.08, 0.12)
NUMBER = 20
NETWORK = f"regression:widths=[50,50],activation=tanh,number={NUMBER},half_life=null"


def chebyshev() -> Problem:
    """The regression of the Chebyshev polynomial of degree 5 on (-1, 1)."""
    target = CallableField(lambda x: torch.cos(5 * torch.acos(x[:, 0].clamp(-1, 1))))
    box = Box((-1.0,), (1.0,))
    return Problem(domain=box, source=target, diffusion=ConstantField(0.0), reaction=ConstantField(1.0), exact=target)


@dataclass(frozen=True)
class Descent:
    """One run.

    Args:
        rate: The learning rate eta.
        steps: Recorded steps, shape ``(T,)``.
        objective: The loss, shape ``(T,)``.
        sharpness: The largest eigenvalue of the Hessian, shape ``(T,)``.
        gauss_newton: That of the Gauss-Newton matrix, shape ``(T,)``.
    """

    rate: float
    steps: np.ndarray
    objective: np.ndarray
    sharpness: np.ndarray
    gauss_newton: np.ndarray

    @classmethod
    def of(cls, rate: float, history: History) -> Descent:
        """The run with a history."""
        columns = ("step", "objective", "sharpness", "gauss_newton_sharpness")
        return cls(rate, *(np.asarray(history.column(name), dtype=float) for name in columns))

    @property
    def reached(self) -> int | None:
        """The first recorded step at which the sharpness is at least 2 / eta; None if there is none."""
        above = np.flatnonzero(self.sharpness >= 2 / self.rate)
        return int(self.steps[above[0]]) if len(above) else None

    @property
    def ratio_at_end(self) -> float:
        """The median of the sharpness over 2 / eta in the last quarter of the steps."""
        return float(np.median(self.sharpness[self.steps >= 0.75 * self.steps[-1]]) * self.rate / 2)


def descent(rate: float, steps: int) -> Descent:
    """Gradient descent with one learning rate."""
    found = solve(
        chebyshev(),
        f"{NETWORK},optimizer=gd,learning_rate={rate:g}",
        stop=Stop(steps=steps),
        probes=("sharpness",),
        schedule=Schedule(dense=2, per_decade=60),
        predict=False,
    )
    return Descent.of(rate, found.history)


@Entry(
    places=(Place(Document.PHENOMENA, "paragraph on the edge of stability"),),
    publication="arXiv 2103.00065",
    shows="During gradient descent the largest eigenvalue of the Hessian rises until it reaches 2 / eta and then stays near this "
    "value, while the loss decreases further with oscillations. A larger learning rate leads to a smaller eigenvalue.",
    lacks="The source states no setting and prints no numbers; network, target and learning rates are our choice.",
    seconds=24.7,
)
def edge_of_stability(*, steps: int = 8000, rates: Sequence[float] = RATES) -> Report:
    """The sharpness of a network under gradient descent rises to 2 / eta and stays there (Cohen et al., 2021).

    Args:
        steps: Steps of each run.
        rates: Learning rates.
    """
    runs = [descent(rate, steps) for rate in rates]
    findings, rows = [], []
    for run in runs:
        rises = int((np.diff(run.objective) > 0).sum())
        start = run.reached
        later = run.objective[run.steps >= (math.inf if start is None else start)]
        rows.append([run.rate, 2 / run.rate, run.sharpness[0], in_words([start]), run.ratio_at_end, run.objective[-1], rises])
        findings.append(
            f"eta = {run.rate:g}, 2 / eta = {2 / run.rate:.3g}: the sharpness starts at {run.sharpness[0]:.3g}, "
            + ("does not reach 2 / eta" if start is None else f"is at least 2 / eta at step {start:,}")
            + f", and its median over the last quarter is {run.ratio_at_end:.3g} times 2 / eta."
            + (f" The loss is {later[0]:.3g} at that step and {later[-1]:.3g} at the end." if len(later) else "")
        )
    ends = [run.sharpness[-1] for run in sorted(runs, key=lambda run: run.rate)]
    findings.append(
        f"By ascending learning rate the sharpness at the end is {', '.join(f'{end:.3g}' for end in ends)}. "
        + (f"That it decreases with every learning rate {holds(bool(np.all(np.diff(ends) < 0)))}. " if len(ends) > 1 else "")
        + "The source states that a larger learning rate leads to a smaller sharpness, without numbers."
    )
    last = runs[-1]
    findings.append(
        f"At the end of the run with eta = {last.rate:g} the largest eigenvalue of the Gauss-Newton matrix is "
        f"{last.gauss_newton[-1] / last.sharpness[-1]:.3g} times that of the Hessian."
    )
    columns = [
        "eta",
        "2 / eta",
        "sharpness at 0",
        "first step at 2 / eta",
        "over 2 / eta at end",
        "loss at end",
        "records that rise",
    ]
    return Report(
        "The sharpness along gradient descent",
        SOURCE,
        findings,
        {"runs": Table(columns, rows)},
        {"edge-of-stability": edge_figure(runs)},
    )


if __name__ == "__main__":
    main("edge-of-stability", edge_of_stability)
