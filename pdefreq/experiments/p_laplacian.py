"""The multiscale p-Laplacian on an interval by a multiscale network: ``pdefreq reproduce p-laplacian``.

The equation is -( a |u'|^(p-2) u' )' = f on (0, 1), u = 0 at both ends, with a = 1 / (2 + cos(2 pi x / epsilon)); the solution
is the same for all p. The published network has scales 1, 2, ..., 120, sReLU times sine, random points, and a penalty that grows
in stages; these have the sine, scales in powers of two, Gauss points, and boundary values built in. One is trained by Adam; the
other, half as wide, by Gauss-Newton steps, which do not wait for stiff directions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pdefreq.experiments.entry import Entry
from pdefreq.experiments.report import Report, Table, main
from pdefreq.experiments.trials import Trial, median, require_at_least, seeded, spread, squares, verdict
from pdefreq.figures.errors import errors_figure
from pdefreq.problem.files import load_problem
from pdefreq.solvers.network_methods import gauss_newton, mscale

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pdefreq.core.history import History
    from pdefreq.runs.solution import Solution
    from pdefreq.solvers.network_solver import NetworkSolver

SOURCE = "Li, Xu, Zhang (2020), arXiv 2009.14597, section 4; numbers from Li, Xu, Zhang (2021), arXiv 2112.06660, table 2"
PUBLISHED = {(2, 0.1): 3.42e-6, (2, 0.01): 6.95e-3}
"""REL of the published multiscale network by p and epsilon, after 60,000 steps."""
ASKED = 1e-5
SECONDS = 1200
"""The time limit for this REL."""
CASES = ((2, 0.1), (3, 0.1), (5, 0.1), (8, 0.1), (2, 0.01))
STEPS = {"Adam": 2000, "Gauss-Newton": 150}
"""The budgets of the full study."""
SHORT = {"Adam": 400, "Gauss-Newton": 40}
"""The budgets of the default."""
_COLUMNS = (
    "optimizer",
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


def network(optimizer: str, epsilon: float) -> NetworkSolver:
    """Scales in powers of two: for Adam up to the first above the wavenumber 2 pi / epsilon of the diffusion.

    Quadrature must see what the steps see: with 500 points in place of 2000, Gauss-Newton fits those of p = 8 and not u.
    """
    coarse = epsilon >= 0.1
    if optimizer == "Adam":
        scales = tuple(2.0**k for k in range(7 if coarse else 11))
        return mscale().with_options(
            scales=scales, widths=(20, 20), half_life=400.0, number=None if coarse else 2000, scaling="none"
        )
    scales = tuple(2.0**k for k in range(7))
    return gauss_newton().with_options(
        loss="ritz", network="mscale", scales=scales, widths=(10, 10), number=2000 if coarse else 4000, scaling="none"
    )


def energy_gap(solution: Solution) -> float:
    """How far the energy is above its minimum, in parts of that, at points that no step used."""
    minimum = solution.energy_minimum()
    return (float(solution.history.last("held_out_objective")) - minimum) / abs(minimum)


def exponents(*, steps: int | None = None, seeds: int = 1, full: bool = True) -> Report:
    """The study with a stated number of steps and of seeds of each case; `full` chooses between `STEPS` and `SHORT`.

    Raises:
        OptionError: If there are no seeds or no steps.
    """
    require_at_least(1, seeds=seeds, steps=steps)
    rows, found = [], {}
    panels: dict[str, dict[str, Sequence[History]]] = {}
    for optimizer, budget in (STEPS if full else SHORT).items():
        budget = budget if steps is None else steps
        runs = panels[f"{optimizer}, {budget} steps ({seeded(seeds)})"] = {}
        for p, epsilon in CASES:
            problem = load_problem("p-laplacian", p=p, epsilon=epsilon)
            trial = Trial.of(problem, network(optimizer, epsilon), seeds=seeds, steps=budget)
            rel = squares(trial.errors)
            found[optimizer, p, epsilon] = median(rel), max(trial.seconds)
            runs[f"p = {p}, ε = {epsilon:g}"] = trial.histories
            numbers = [trial.unknowns, budget, median(trial.seconds), median(rel), spread(rel), median(trial.errors)]
            numbers.append(median([energy_gap(solution) for solution in trial.solutions]))
            rows.append([optimizer, p, epsilon, *numbers, PUBLISHED.get((p, epsilon), "-")])
    findings = []
    for optimizer in STEPS:
        rel, seconds = found[optimizer, 2, 0.1]
        findings.append(
            f"{optimizer}, p = 2, epsilon = 0.1: REL = {rel:.2g} in {seconds:.0f} s; published {PUBLISHED[2, 0.1]:g}"
            + (f"; goal {ASKED:g} within {SECONDS} s: {verdict(rel <= ASKED and seconds <= SECONDS)}." if full else ".")
        )
    worst = {optimizer: max(found[optimizer, p, 0.1][0] for p in (5, 8)) for optimizer in STEPS}
    listed = ", ".join(f"{rel:.2g} with {optimizer}" for optimizer, rel in worst.items())
    findings.append(f"The larger REL of p = 5 and 8 is {listed}.")
    guides = {f"published, p = {p}, ε = {epsilon:g}": rel for (p, epsilon), rel in PUBLISHED.items()}
    figure = errors_figure(panels, title="Multiscale p-Laplacian on an interval", squared=True, guides=guides)
    title = f"Multiscale p-Laplacian, {seeded(seeds)}"
    return Report(title, SOURCE, findings, {"p-laplacian": Table(_COLUMNS, rows)}, {"p-laplacian": figure})


@Entry(
    publication="arXiv 2009.14597, section 4; arXiv 2112.06660, table 2",
    shows="Multiscale networks solve the p-Laplacian with an oscillating coefficient for p = 2 to 8. The solution is the same "
    "for every p, and the loss becomes more difficult as p increases.",
    published=("REL 3.42e-6 for epsilon = 0.1 and 6.95e-3 for epsilon = 0.01, p = 2, after 60,000 steps",),
    lacks="The text of the first paper was not available.",
    full="`--set full=true`.",
    seconds=48,
)
def p_laplacian(*, steps: int | None = None, seeds: int = 1, full: bool = False) -> Report:
    """The multiscale p-Laplacian in 1-D by multiscale networks, p = 2, 3, 5, 8 and two periods (arXiv 2009.14597).

    Args:
        steps: Number of steps of each run; by default 400 of Adam and 40 of Gauss-Newton.
        seeds: Number of runs of each case.
        full: Whether the default is 2000 steps of Adam and 150 of Gauss-Newton.

    Raises:
        OptionError: If there are no seeds or no steps.
    """
    return exponents(steps=steps, seeds=seeds, full=full)


if __name__ == "__main__":
    main("p-laplacian", p_laplacian)
