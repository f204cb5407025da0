"""The multiscale p-Laplacian on an interval by a multiscale network: ``python -m pdefreq.reproduce.p_laplacian``.

The equation is -( a |u'|^(p-2) u' )' = f on (0, 1), u = 0 at both ends, with a = 1 / (2 + cos(2 pi x / epsilon)); the solution
is the same for all p. The published network has scales 1, 2, ..., 120, sReLU times sine, random points, and a penalty that grows
in stages; this one has the sine, scales in powers of two, Gauss points, and boundary values built in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pdefreq.figures.errors import errors_figure
from pdefreq.problem_file import load_problem
from pdefreq.reproduce.report import Report, Table, main
from pdefreq.reproduce.trials import Trial, median, seeded, spread, squares, verdict
from pdefreq.solvers.networks import mscale

if TYPE_CHECKING:
    from pdefreq.solution import Solution
    from pdefreq.solvers.network_solver import NetworkSolver

SOURCE = "Li, Xu, Zhang (2020), arXiv 2009.14597, section 4; numbers from Li, Xu, Zhang (2021), arXiv 2112.06660, table 2"
PUBLISHED = {(2, 0.1): 3.42e-6, (2, 0.01): 6.95e-3}
"""REL of the published multiscale network by p and epsilon, after 60,000 steps."""
ASKED = 1e-5
CASES = ((2, 0.1), (3, 0.1), (5, 0.1), (8, 0.1), (2, 0.01))
_COLUMNS = (
    "p",
    "epsilon",
    "unknowns",
    "steps",
    "seconds",
    "REL",
    "lowest to highest",
    "relative L2",
    "energy gap",
    "REL published",
)


def network(epsilon: float) -> NetworkSolver:
    """Scales in powers of two, up to the first above the wavenumber 2 pi / epsilon of the diffusion."""
    if epsilon >= 0.1:
        return mscale(scales=tuple(2.0**k for k in range(7)), widths=(20, 20), half_life=400.0)
    return mscale(scales=tuple(2.0**k for k in range(11)), widths=(20, 20), half_life=400.0, number=2000)


def energy_gap(solution: Solution) -> float:
    """How far the energy is above its minimum, in parts of that, at points that no step used."""
    minimum = solution.energy_minimum()
    return (float(solution.history.last("held_out")) - minimum) / abs(minimum)


def exponents(*, steps: int = 2000, seeds: int = 1) -> Report:
    """The study with a stated number of steps and of seeds of each case.

    Raises:
        OptionError: If there are no seeds or no steps.
    """
    rows, runs, found = [], {}, {}
    for p, epsilon in CASES:
        trial = Trial.of(load_problem("p-laplacian", p=p, epsilon=epsilon), network(epsilon), seeds=seeds, steps=steps)
        rel = squares(trial.errors)
        found[p, epsilon] = median(rel), max(trial.seconds)
        runs[f"p = {p}, ε = {epsilon:g}"] = trial.histories
        numbers = [trial.unknowns, steps, median(trial.seconds), median(rel), spread(rel), median(trial.errors)]
        numbers.append(median([energy_gap(solution) for solution in trial.solutions]))
        rows.append([p, epsilon, *numbers, PUBLISHED.get((p, epsilon), "-")])
    rel, seconds = found[2, 0.1]
    findings = [
        f"p = 2, epsilon = 0.1: REL = {rel:.2g} in {seconds:.0f} s; {ASKED:g} was asked in 1200 s and {PUBLISHED[2, 0.1]:g} is "
        f"published: {verdict(rel <= ASKED)}."
    ]
    guides = {f"published, p = {p}, ε = {epsilon:g}": rel for (p, epsilon), rel in PUBLISHED.items()}
    figure = errors_figure(
        {f"mscale, sine ({seeded(seeds)})": runs}, title="Multiscale p-Laplacian on an interval", squared=True, guides=guides
    )
    title = f"Multiscale p-Laplacian, {steps} steps, {seeded(seeds)}"
    return Report(title, SOURCE, findings, {"p-laplacian": Table(_COLUMNS, rows)}, {"p-laplacian": figure})


def p_laplacian(*, steps: int = 2000, seeds: int = 1) -> Report:
    """The multiscale p-Laplacian in 1-D by a multiscale network, p = 2, 3, 5, 8 and two periods (arXiv 2009.14597).

    Args:
        steps: Steps of each run.
        seeds: Runs of each case.

    Raises:
        OptionError: If there are no seeds or no steps.
    """
    return exponents(steps=steps, seeds=seeds)


if __name__ == "__main__":
    main("p-laplacian", p_laplacian)
