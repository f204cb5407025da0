"""The outputs of a network during training, and their transforms: ``pdefreq reproduce training-process``.

The target is sin x + sin 5x at 61 uniform points of [-pi, pi]. The notes draw the output at the steps 0, 2000 and 17,000 and
state neither the network nor the training; the slides show the same process as a film of the output and of its discrete Fourier
transform. Here the network has one layer of 500 tanh units, all parameters are drawn from N(0, 0.1^2), and Adam takes all
points in each step with the learning rate 5e-4; figure 1 of Xu et al. (2020) has 8000 units and 2e-4. `pdefreq film` makes the
film.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pdefreq.core.history import Schedule, Stop
from pdefreq.experiments.entry import Document, Entry, Place
from pdefreq.experiments.report import Report, Table, main
from pdefreq.experiments.tones import ToneProbe
from pdefreq.experiments.training import TrainingHistory
from pdefreq.experiments.trials import require_at_least
from pdefreq.probes.error import ErrorProbe
from pdefreq.probes.snapshots import SnapshotsProbe
from pdefreq.probes.spectral import SpectralProbe
from pdefreq.problem.files import load_problem
from pdefreq.runs.solve import solve
from pdefreq.solvers.network_methods import regression
from pdefreq.studies.film import film

if TYPE_CHECKING:
    from pdefreq.runs.solution import Solution

SOURCE = (
    "Xu (2023), Understanding deep learning (lecture notes), chapter on phenomena, figure 1.1; Xu, Zhang, Xiao (2019), arXiv "
    "1807.01251"
)
STEPS = (0, 2000, 17_000)
"""The steps of the published curves."""
TONES = (1, 5)
LEVEL = 0.2


@Entry(
    places=(
        Place(Document.PHENOMENA, "paragraph on the frequency principle, figure 1.1"),
        Place(
            Document.SLIDES,
            "slides 'Training process of 1d example in spatial domain', '... in Fourier domain', 'Frequency Principle'",
        ),
    ),
    publication="arXiv 1807.01251",
    shows="A network that fits sin x + sin 5x has the shape of sin x first and adds the oscillation later. In the transform the "
    "amplitude of wavenumber 1 is accurate thousands of steps before that of wavenumber 5.",
    published=("outputs drawn at the steps 0, 2000 and 17,000",),
    lacks="The source states neither the interval, the points, the network nor the training.",
    seconds=14.4,
)
def training_process(*, steps: int = STEPS[-1]) -> Report:
    """The output of a network at the steps 0, 2000 and 17,000, and its spectrum: low frequencies are learned first (notes).

    Args:
        steps: The last step; the middle one is the same part of it as in the source.

    Raises:
        OptionError: If the number is below 10.
    """
    require_at_least(10, steps=steps)
    solver = regression().with_options(
        widths=(500,),
        activation="tanh",
        initialization="normal(0.1)",
        learning_rate=5e-4,
        half_life=None,
        scaling="none",
    )
    probes = [ErrorProbe(), SpectralProbe(), SnapshotsProbe(), ToneProbe(TONES)]
    schedule = Schedule(dense=1, per_decade=60)
    return report_of(solve(load_problem("tones:one-five"), solver, stop=Stop(steps=steps), probes=probes, schedule=schedule))


def report_of(solution: Solution) -> Report:
    """The report on a finished run."""
    history = solution.history
    recorded, errors = history.column("step"), history.column("tone_error")
    last = int(recorded[-1])
    drawn = [int(recorded[abs(recorded - step * last / STEPS[-1]).argmin()]) for step in STEPS]
    rows = [[step, *errors[list(recorded).index(step)].tolist()] for step in drawn]
    below = [TrainingHistory(recorded, errors[:, i]).stays_below(LEVEL) for i in range(len(TONES))]
    first = ", ".join(f"{'never' if step is None else step} (k = {k})" for k, step in zip(TONES, below, strict=True))
    findings = [
        f"First steps from which on the error of a tone stays below {LEVEL}: {first}.",
        f"At step {drawn[1]} the error of k = 1 is {rows[1][1]:.2g} and that of k = 5 is {rows[1][2]:.2g}; at step {drawn[2]} "
        f"they are {rows[2][1]:.2g} and {rows[2][2]:.2g}.",
    ]
    table = Table(["step", *(f"error of k = {k}" for k in TONES)], rows)
    return Report(
        "The training process in space and frequency",
        SOURCE,
        findings,
        {"training-process": table},
        {"training-process": film(solution).stills(drawn)},
    )


if __name__ == "__main__":
    main("training-process", training_process)
