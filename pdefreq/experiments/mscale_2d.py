"""Multiscale networks with and without scales: ``pdefreq reproduce mscale-2d``.

Sub-networks on scaled inputs against the same sub-networks with all scales 1: as many parameters, the same activation, points,
optimizer and seeds. The problems are those of the paper: a chirp, and squares with holes.

The solution of the chirp is a sum of functions of one coordinate, so that a lifting of its boundary values would be equal
to it: its boundary condition is a penalty. On squares with holes it is built into the network.

The paper takes the activation phi and 200 units a layer for 5000 epochs. Here it is the sine, and the networks
are small; they are trained in single precision.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pdefreq.experiments.entry import Document, Entry, Place
from pdefreq.experiments.report import Report, Table, main
from pdefreq.experiments.trials import Trial, median, seeded, spread, verdict
from pdefreq.figures.errors import errors_figure
from pdefreq.problem.files import load_problem
from pdefreq.solvers.network_methods import mscale

if TYPE_CHECKING:
    from pdefreq.solvers.network_solver import NetworkSolver

SOURCE = "Liu, Cai, Xu (2020), arXiv 2007.11207, sections 6.1.1 and 6.1.3, figures 13a and 19"
SCALES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
ASKED = {"poisson-chirp": 2.0, "perforated": 1.5, "perforated:2": 3.0}
"""The goal by problem: the smallest factor between the errors without and with scales."""
STEPS = {"poisson-chirp": 600, "perforated": 300, "perforated:2": 300}
_COLUMNS = (
    "problem",
    "boundary",
    "scales",
    "unknowns",
    "steps",
    "relative L2",
    "lowest to highest",
    "same seconds",
    "relative L2 then",
)


def network(problem: str, scales: tuple[float, ...]) -> NetworkSolver:
    """The network for a problem; only the scales differ."""
    penalty = {"boundary": "penalty", "boundary.points": 800}
    return mscale().with_options(
        penalty if problem == "poisson-chirp" else None,
        scales=scales,
        widths=(20, 20),
        activation="sin",
        points="sobol",
        number=2000,
        learning_rate=8e-3,
        half_life=400.0,
        scaling="none",
    )


def scales_against_none(*, problems: Iterable[str] = tuple(ASKED), steps: int | None = None, seeds: int = 3) -> Report:
    """The study of some problems with a stated number of steps, by default those of `STEPS`, and of seeds of each network.

    Raises:
        OptionError: If there are no seeds or no steps.
    """
    rows, findings, panels = [], [], {}
    for name in problems:
        problem, asked, budget = load_problem(name), ASKED[name], STEPS[name] if steps is None else steps
        trials = {
            label: Trial.of(problem, network(name, scales), seeds=seeds, steps=budget, dtype="float32")
            for label, scales in (("1 to 32", SCALES), ("all 1", (1.0,) * len(SCALES)))
        }
        panels[name] = {f"scales {label}" if label != "all 1" else "all scales 1": t.histories for label, t in trials.items()}
        seconds = min(s for trial in trials.values() for s in trial.seconds)
        in_time = {label: median(trial.errors_at("seconds", seconds)) for label, trial in trials.items()}
        in_steps = {label: median(trial.errors) for label, trial in trials.items()}
        for label, trial in trials.items():
            numbers = [trial.unknowns, budget, in_steps[label], spread(trial.errors), seconds, in_time[label]]
            rows.append([name, network(name, SCALES).boundary, label, *numbers])
        factors = [errors["all 1"] / errors["1 to 32"] for errors in (in_steps, in_time)]
        findings.append(
            f"{name}: the error with all scales 1 is {factors[0]:.2g} times that with scales after equal steps ({budget}) and "
            f"{factors[1]:.2g} times after equal time ({seconds:.0f} s); goal {asked:g}: {verdict(min(factors) >= asked)}."
        )
    figure = errors_figure(panels, title=f"The same network with scales and without ({seeded(seeds)})")
    title = f"Networks with scales and without, {seeded(seeds)}"
    return Report(title, SOURCE, findings, {"mscale-2d": Table(_COLUMNS, rows)}, {"mscale-2d": figure})


@Entry(
    places=(Place(Document.SLIDES, "slides 'Two dim case: not fixed frequency' and 'Two dim case: complex domain'"),),
    publication="arXiv 2007.11207, figures 13a and 19",
    shows="The same network is trained with scales 1 to 32 and with all scales 1: only the scales differ. With scales the error "
    "is lower after equal steps and after equal time.",
    published=("see `mscale-printed` for the printed sizes",),
    lacks="The networks are smaller than the printed ones.",
    full="`--seeds 3`.",
    seconds=58,
)
def mscale_2d(*, steps: int | None = None, seeds: int = 1) -> Report:
    """Multiscale networks against the same with all scales 1, on a chirp and squares with holes (arXiv 2007.11207).

    Args:
        steps: Number of steps of each run; by default 600 on the chirp and 300 on squares with holes.
        seeds: Number of runs of each network.

    Raises:
        OptionError: If there are no seeds or no steps.
    """
    return scales_against_none(steps=steps, seeds=seeds)


if __name__ == "__main__":
    main("mscale-2d", mscale_2d)
