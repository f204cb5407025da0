"""The two experiments that introduced the frequency bias of networks: ``pdefreq reproduce f-principle``.

Xu et al. fit sin x + sin 3x + sin 5x at 201 points with 8000 units of one layer, and measure the relative error of each tone.
Rahaman et al. fit ten tones of equal amplitude at 200 points with a deep network, and measure the amplitude of each tone.

The paper of Xu et al. takes points on [-3.14, 3.14], the problem file `tones` on [-pi, pi]. Rahaman et al. draw new phases for
each run; here the phases depend on the seed. Their 60,000 steps and 20 runs are `steps` and `seeds`; the defaults take about
two minutes on one core. Both losses are the mean square, as in `regression`.

The authors of the first paper keep programs with it, github.com/xuzhiqin1990/F-Principle, for other networks: main_1d_20190924.py
and main_clean20190924.py record every fourth step, and their heat maps count records along the axis that they call epoch. The
paper does not state whether figure 1 does, so published numbers are given both ways. Tones are complex here, as in the definition
of the paper; the programs compare moduli.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch

from pdefreq.core.streams import stream
from pdefreq.experiments.data_sets import interval_regression
from pdefreq.experiments.entry import Document, Entry, Place
from pdefreq.experiments.report import Report, Table, main
from pdefreq.experiments.tones import ToneHistory, growth_exponent
from pdefreq.experiments.trials import in_words, require_at_least
from pdefreq.figures.amplitudes import Front, amplitudes_figure
from pdefreq.figures.error_curves import Curve, error_curves_figure
from pdefreq.problem.data import Data
from pdefreq.problem.files import load_problem
from pdefreq.problem.problem import Problem
from pdefreq.solvers.network_methods import regression

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SOURCE = (
    "Xu, Zhang, Luo, Xiao, Ma (2020), arXiv 1901.06523, figure 1; Rahaman, Baratin, Arpit, Draxler, Lin, Hamprecht, Bengio, "
    "Courville (2019), arXiv 1806.08734, section 3, with the authors' notebook; values read off the figures"
)
THREE = (1, 3, 5)
"""Tones of Xu et al., and their numbers in the transform."""
THREE_PUBLISHED = {(3, 0.5): 1220, (3, 0.2): 2065, (5, 0.5): 3600, (5, 0.2): 15900}
"""Epochs at which the error of a tone is below a level."""
RECORD = 4
"""Steps of an epoch of that figure, if it was drawn as the authors' programs draw such figures."""
PLATEAU_STEP, PLATEAU_PUBLISHED = 200, "about 0.1, 0.65 to 0.7, and 0.8"
SHALLOW = regression().with_options(
    widths=(8000,),
    activation="tanh",
    initialization="normal(0.1)",
    learning_rate=2e-4,
    half_life=None,
    scaling="none",
)

TEN = tuple(range(5, 55, 5))
"""Tones of Rahaman et al. in waves over the interval, and their numbers in the transform."""
TEN_PUBLISHED = {  # first steps at which the mean amplitude is at least a level; recorded every 100, read to +-184
    0.5: (460, 1380, 3400, 5800, 6900, 9850, 13700, 14450, 19050, 22200),
    0.8: (640, 3590, 7090, 13340, 15000, 23650, 31750, 34300, 43000, 46700),
}
TEN_AMPLITUDES = {"equal": (1.0,) * len(TEN), "increasing": tuple(i / len(TEN) for i in range(1, len(TEN) + 1))}
"""The two cases of the notebook."""
DEEP = regression().with_options(
    widths=(256,) * 5,
    activation="relu",
    initialization="torch",
    learning_rate=3e-4,
    half_life=None,
    scaling="none",
)


@Entry(
    places=(
        Place(Document.SLIDES, "slides 'Training process of 1d example in Fourier domain' and 'Frequency Principle'"),
        Place(Document.PHENOMENA, "paragraph on the frequency principle"),
    ),
    publication="arXiv 1901.06523, figure 1; arXiv 1806.08734, figure 1",
    shows="Networks learn the tones of a sum of sines in the order of their frequencies, with one wide layer and with six "
    "layers.",
    published=(
        "three tones: errors below 0.5 at epochs 1220 (k = 3) and 3600 (k = 5)",
        "ten tones: half amplitude at the steps 460 (k = 5) to 22,200 (k = 50)",
    ),
    lacks="Whether an epoch of the first figure is one step or four is not stated. The published steps of the ten tones are "
    "attributed to equal amplitudes; runs with increasing amplitudes are closer to them.",
    full="`--seeds 3 --steps 25000`, about 10 minutes on one core; published: 20 runs of 60,000 steps.",
    pictures=("f-principle-three", "f-principle-ten"),
    seconds=162,
)
def f_principle(
    *,
    seeds: int = 1,
    steps: int = 10_000,
    part: Literal["both", "three", "ten"] = "both",
    amplitudes: Literal["equal", "increasing"] = "equal",
) -> Report:
    """Networks learn low frequencies first: three tones (arXiv 1901.06523, figure 1) and ten tones (arXiv 1806.08734, figure 1).

    Args:
        seeds: Number of runs of each part.
        steps: Number of steps of each run.
        part: The three tones, the ten tones, or both.
        amplitudes: Those of the ten tones: all 1, or 0.1, 0.2, ..., 1, the two cases of the notebook.

    Raises:
        OptionError: If a number is below 1, or another option is none of the names.
    """
    require_at_least(1, seeds=seeds, steps=steps)
    three, ten = load_problem("tones"), [ten_tones(seed, TEN_AMPLITUDES[amplitudes]) for seed in range(seeds)]
    return report_of(
        [ToneHistory.of(three, SHALLOW, THREE, seed=seed, steps=steps) for seed in range(seeds) if part != "ten"],
        [ToneHistory.of(ten[seed], DEEP, TEN, seed=seed, steps=steps) for seed in range(seeds) if part != "three"],
        amplitudes,
    )


def ten_tones(seed: int, amplitudes: Sequence[float] = TEN_AMPLITUDES["equal"]) -> Problem:
    """The regression of ten sines at t = 0, 1/200, ..., 199/200.

    Args:
        seed: The seed of the phases phi_k, which are uniform in [0, 1).
        amplitudes: A_k of the sum of A_k sin(2 pi (k t + phi_k)).
    """
    t = torch.arange(200, dtype=torch.float64)[:, None] / 200
    phases = torch.rand(len(TEN), generator=stream(seed, "phases"), dtype=torch.float64)
    waves = torch.sin(2 * math.pi * (t * torch.tensor(TEN) + phases))
    return interval_regression(0, 1, Data(x=t, values=waves @ torch.tensor(amplitudes, dtype=torch.float64)))


def report_of(three: Sequence[ToneHistory], ten: Sequence[ToneHistory], amplitudes: str = "equal") -> Report:
    """The report on three tones (Xu et al.) and ten tones (Rahaman et al.); either may have no runs."""
    findings, tables, figures = [], {}, {}
    if three:
        findings += _three_findings(three)
        tables["f-principle-three"], figures["f-principle-three"] = _three_table(three), _three_figure(three)
    if ten:
        mean = ToneHistory.mean(ten)
        findings += _ten_findings(mean, len(ten), amplitudes)
        tables["f-principle-ten"], figures["f-principle-ten"] = _ten_table(mean), _ten_figure(mean, len(ten), amplitudes)
    return Report("Low frequencies first", SOURCE, findings, tables, figures)


def _three_findings(histories: Sequence[ToneHistory]) -> list[str]:
    halved = [[_or_never(history.error(i).stays_below(0.5)) for i in range(len(THREE))] for history in histories]
    ordered = sum(steps == sorted(steps) and len(set(steps)) == len(THREE) for steps in halved)
    listed = "; ".join(", ".join("never" if math.isinf(step) else str(step) for step in steps) for steps in halved)
    findings = [
        f"Three tones, {int(histories[0].steps[-1])} steps: the errors of k = 1, 3, 5 stay below 0.5 from the steps {listed} on, "
        f"in this order in {ordered} of {len(histories)} runs."
    ]
    plateau = [[history.error(i).near(PLATEAU_STEP) for i in range(len(THREE))] for history in histories]
    if not np.isnan(plateau).any():
        here = "; ".join(", ".join(f"{error:.2f}" for error in errors) for errors in plateau)
        findings.append(f"At step {PLATEAU_STEP}, on the first plateau, the errors are {here} (published: {PLATEAU_PUBLISHED}).")
    reached = {
        pair: [history.error(THREE.index(pair[0])).stays_below(pair[1]) for history in histories] for pair in THREE_PUBLISHED
    }
    ratios = [step / THREE_PUBLISHED[pair] for pair, steps in reached.items() for step in steps if step is not None]
    if ratios:
        low, high = min(ratios), max(ratios)
        findings.append(
            f"Errors fall permanently below a level at {low:.2f} to {high:.2f} times the published numbers read as steps, "
            f"{low / RECORD:.2f} to {high / RECORD:.2f} times if read as records of {RECORD} steps."
        )
    return findings


def _three_table(histories: Sequence[ToneHistory]) -> Table:
    rows = []
    for i, k in enumerate(THREE):
        errors = [history.error(i) for history in histories]
        for level in (0.5, 0.2):
            stays, first = [e.stays_below(level) for e in errors], [e.first_below(level) for e in errors]
            published = THREE_PUBLISHED.get((k, level))
            others = ["near the start"] * 2 if published is None else [published, RECORD * published]
            rows.append([k, level, *others, in_words(stays), in_words(first)])
    columns = ["k", "error below", "published: epoch", f"times {RECORD}", "here: step, for good", "here: step, first"]
    return Table(columns, rows)


def _three_figure(histories: Sequence[ToneHistory]) -> Figure:
    curves, as_records = [], []
    for i, k in enumerate(THREE):
        dots = np.array([(step, level) for (tone, level), step in THREE_PUBLISHED.items() if tone == k]).reshape(-1, 2)
        seen = [(history.steps[1:], history.errors[1:, i]) for history in histories]
        curves.append(Curve(f"k = {k}", seen, (dots[:, 0], dots[:, 1]) if len(dots) else None))
        if len(dots):
            as_records.append(Curve(f"published, as records of {RECORD} steps", published=(RECORD * dots[:, 0], dots[:, 1])))
    return error_curves_figure(
        {"": [*curves, *as_records]},
        title="sin x + sin 3x + sin 5x: one layer of 8000 tanh units, Adam",
        xlabel="step",
        ylabel="relative error of the tone",
        guides={"0.5 and 0.2": 0.5, "_0.2": 0.2},  # matplotlib leaves labels with an underscore out of legends
        logarithmic=[""],
    )


def _ten_findings(mean: ToneHistory, seeds: int, amplitudes: str) -> list[str]:
    half, published = mean.first_with(0.5), TEN_PUBLISHED[0.5]
    reached = [(step, other) for step, other in zip(half, published, strict=True) if step is not None]
    steps = [_or_never(step) for step in half]
    order = ", in order of frequency" if steps == sorted(steps) else ", not entirely in order of frequency"
    findings = [
        f"Ten tones of {amplitudes} amplitudes, {_runs(seeds)}: {len(reached)} of {len(TEN)} reach half their amplitude within "
        f"{int(mean.steps[-1])} steps{order if len(reached) > 1 else ''} (published: all ten, within {published[-1]})."
    ]
    if len(reached) > 1:
        same = [k for k, step in zip(TEN, half, strict=True) if step is not None]
        ratios = [step / other for step, other in reached]
        findings += [
            f"The step of half the amplitude grows as k^{growth_exponent(TEN, half):.2f} (published: "
            f"k^{growth_exponent(same, [other for _, other in reached]):.2f} over the same tones, "
            f"k^{growth_exponent(TEN, published):.2f} over all).",
            f"This step is {min(ratios):.2f} to {max(ratios):.2f} times the published one.",
        ]
    return findings


def _ten_table(mean: ToneHistory) -> Table:
    first = {level: mean.first_with(level) for level in TEN_PUBLISHED}
    last = f"not by {int(mean.steps[-1])}"
    rows = []
    for i, k in enumerate(TEN):
        pairs = [(TEN_PUBLISHED[level][i], last if first[level][i] is None else first[level][i]) for level in TEN_PUBLISHED]
        rows.append([k, *(cell for pair in pairs for cell in pair), f"{mean.amplitudes[-1, i]:.2f}"])
    columns = [f"{level} reached, {whose}" for level in TEN_PUBLISHED for whose in ("published", "here")]
    return Table(["k", *columns, "amplitude at the end"], rows)


def _ten_figure(mean: ToneHistory, seeds: int, amplitudes: str) -> Figure:
    fronts = [
        Front(f"{level} reached", [math.nan if step is None else step for step in mean.first_with(level)], published)
        for level, published in TEN_PUBLISHED.items()
    ]
    return amplitudes_figure(
        mean.steps[1:],
        mean.amplitudes[1:],
        [str(k) for k in TEN],
        title=f"Ten tones, {amplitudes} amplitudes: 6 layers of 256 ReLU units, Adam, {_runs(seeds)}",
        ylabel="k, waves over the interval",
        fronts=fronts,
    )


def _runs(seeds: int) -> str:
    return f"mean of {seeds} seeds" if seeds > 1 else "1 seed"


def _or_never(step: int | None) -> float:
    return math.inf if step is None else step


if __name__ == "__main__":
    main("f-principle", f_principle)
