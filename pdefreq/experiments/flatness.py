"""The sharpness that stochastic gradient descent ends with, by the batch: ``pdefreq reproduce flatness``.

The network and the target of `edge_of_stability`, trained by gradient descent on random batches of the points. The source states
that larger batches lead to sharper minima, and that noise helps to leave steep ones; it contains no setting and no numbers. The
learning rates are so small that all points together stay below 2 / eta, so that the differences are due to the noise.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pdefreq.core.history import Schedule, Stop
from pdefreq.experiments.edge_of_stability import NETWORK, NUMBER, chebyshev
from pdefreq.experiments.entry import Document, Entry, Place
from pdefreq.experiments.report import Report, Table, main
from pdefreq.experiments.trials import holds, require_at_least
from pdefreq.figures.sharpness import flatness_figure
from pdefreq.runs.solve import solve

SOURCE = (
    "Xu, lecture notes on phenomena of deep learning, paragraph on the flatness of minima; Keskar et al. (2016), arXiv "
    "1609.04836; Feng, Tu (2021), PNAS 118"
)
BATCHES = (4, 8, NUMBER)
RATES = (0.02, 0.04)


def sharpness_at_end(rate: float, batch: int, steps: int, seed: int) -> tuple[float, float]:
    """The means of the sharpness and of the relative L2 error over the last tenth of the steps."""
    batches = "" if batch == NUMBER else f",batch={batch}"
    found = solve(
        chebyshev(),
        f"{NETWORK},optimizer=gd,learning_rate={rate:g}{batches}",
        seed=seed,
        stop=Stop(steps=steps),
        probes=("sharpness", "error"),
        schedule=Schedule(dense=1, per_decade=40),
        predict=False,
    )
    step = np.asarray(found.history.column("step"))
    last = step >= 0.9 * steps
    return tuple(float(np.mean(np.asarray(found.history.column(name))[last])) for name in ("sharpness", "relative_l2"))  # type: ignore[return-value]


@Entry(
    places=(Place(Document.PHENOMENA, "paragraph on the flatness of minima"),),
    publication="arXiv 1609.04836",
    shows="Gradient descent on batches of the points ends with a smaller largest eigenvalue of the Hessian than gradient descent "
    "on all points. Small batches have also learned less after equally many steps.",
    lacks="The source states no setting and prints no numbers; network, target, learning rates and batches are our choice.",
    seconds=39.2,
)
def flatness(*, steps: int = 2500, seeds: int = 1, batches: Sequence[int] = BATCHES, rates: Sequence[float] = RATES) -> Report:
    """The sharpness at the end of training by batch size and learning rate (Keskar et al., 2016).

    Args:
        steps: Steps of each run.
        seeds: Number of networks, with their batches, for each learning rate and batch size.
        batches: Batch sizes; 20 uses all points.
        rates: Learning rates.
    """
    require_at_least(1, seeds=seeds)
    found = {
        (rate, batch): np.array([sharpness_at_end(rate, batch, steps, seed) for seed in range(seeds)])
        for rate in rates
        for batch in batches
    }
    rows = [[rate, batch, *of.mean(axis=0).tolist(), float(np.ptp(of[:, 0]))] for (rate, batch), of in found.items()]
    findings = []
    for rate in rates:
        means = [found[rate, batch][:, 0].mean() for batch in batches]
        told = ", ".join(f"{mean:.3g} ({batch})" for batch, mean in zip(batches, means, strict=True))
        findings.append(
            f"eta = {rate:g}: the mean sharpness at the end is, by batch size, {told}"
            + (f"; that it rises with every batch size {holds(bool(np.all(np.diff(means) > 0)))}." if len(means) > 1 else ".")
        )
    findings.append("The source states that larger batches lead to sharper minima, without numbers.")
    return Report(
        "Mini-batch noise and the sharpness of minima",
        SOURCE,
        findings,
        {"sharpness": Table(["eta", "batch", "sharpness", "relative L2", "range of sharpness"], rows)},
        {"flatness": flatness_figure({key: of[:, 0] for key, of in found.items()})},
    )


if __name__ == "__main__":
    main("flatness", flatness)
