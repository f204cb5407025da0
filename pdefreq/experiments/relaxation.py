"""Relaxation and two-grid cycles, with predicted and measured errors of every mode: ``pdefreq reproduce relaxation``.

Second-order differences for -u'' = f on (0, 1) with 64 intervals, from the initial guess zero; the solution is the sum of five
sine modes of equal size. For Jacobi, damped Jacobi, red-black Gauss-Seidel and two-grid cycles closed forms are exact;
Gauss-Seidel node after node is predicted by powers of the matrix of a sweep, which is exact, too.
"""

from __future__ import annotations

import math

import numpy as np
import torch

from pdefreq.core.fields import CallableField
from pdefreq.core.history import Schedule, Stop
from pdefreq.domains.box import Box
from pdefreq.experiments.entry import Document, Entry, Place
from pdefreq.experiments.report import Report, Table, main
from pdefreq.figures.prediction import PredictedRun, prediction_figure
from pdefreq.problem.boundary_conditions import BoundaryPart
from pdefreq.problem.problem import Problem
from pdefreq.runs.solve import solve
from pdefreq.solvers.names import make_solver
from pdefreq.spectrum.rates import whole_step
from pdefreq.spectrum.spectral_record import SpectralRecord

SOURCE = (
    "Saad (2003), Iterative Methods for Sparse Linear Systems, section 13.2; Trottenberg, Oosterlee, Schueller (2001), "
    "Multigrid, sections 4.3 and 4.5"
)
INTERVALS = 64
MODES = (1, 3, 8, 20, 48)  # no two add up to 64, because some methods couple such pairs
METHODS = {  # and how many steps to follow
    "Jacobi": ("jacobi", {}, 4000),
    "damped Jacobi, ω = 2/3": ("damped-jacobi", {}, 4000),
    "two-grid, 1 + 1 sweeps": ("two-grid", {}, 10),
    "Gauss-Seidel": ("gauss-seidel", {}, 4000),
    "red-black Gauss-Seidel": ("gauss-seidel", {"ordering": "red-black"}, 4000),
    "two-grid, 2 + 2 sweeps": ("two-grid", {"pre": 2, "post": 2}, 10),
}


def tones(order: int) -> CallableField:
    """The solution (order 0), or minus its second derivative (order 2)."""

    def values(x: torch.Tensor) -> torch.Tensor:
        return torch.stack([(k * math.pi) ** order * torch.sin(k * math.pi * x[:, 0]) for k in MODES]).sum(dim=0)

    return CallableField(values)


def sweeps(name: str) -> SpectralRecord:
    """The spectrum of a method's run, with what was predicted before it."""
    method, options, steps = METHODS[name]
    problem = Problem(domain=Box((0.0,), (1.0,)), source=tones(2), boundary=(BoundaryPart("dirichlet"),), exact=tones(0))
    solver = make_solver(method, {"intervals": INTERVALS, **options})
    # recorded at the steps at which curves are predicted
    history = solve(problem, solver, stop=Stop(steps=steps), modes="sine", schedule=Schedule(dense=100, per_decade=50)).history
    return SpectralRecord.of(history).numbered(MODES)


@Entry(
    places=(
        Place(
            Document.SLIDES, "slides 'Poisson Equation: A Finite Difference Approach' and 'Suffer from high-frequency curse' (a)"
        ),
    ),
    publication="Saad (2003), section 13.2",
    shows="Jacobi relaxation reduces high frequencies first, in contrast to networks, and two-grid cycles reduce all "
    "frequencies at once. The measured error of each mode agrees with the eigenvalues of the method.",
    published=("eigenvalues cos(k pi / n) in closed form",),
    lacks="The slide writes the stencil with the opposite sign.",
    seconds=3.2,
)
def relaxation() -> Report:
    """The error of each frequency under Jacobi, Gauss-Seidel and two-grid cycles, predicted and measured."""
    records = {name: sweeps(name) for name in METHODS}
    runs = [PredictedRun.of(name, record) for name, record in records.items()]
    table = Table(
        ["method", "steps", "largest difference", *(f"halving step, mode {k}" for k in MODES)],
        [[run.name, int(run.steps[-1]), run.largest_difference, *_halving_steps(records[run.name])] for run in runs],
    )
    findings = [f"{run.name}: measured and predicted errors differ by at most {run.largest_difference:.1e}." for run in runs]
    title = f"Predicted and measured errors of each mode, finite differences on {INTERVALS} intervals"
    figure = prediction_figure([runs[:3], runs[3:]], ["", ""], title=title, log=True)
    return Report(
        "Relaxation and two-grid cycles: predicted and measured", SOURCE, findings, {"relaxation": table}, {"relaxation": figure}
    )


def _halving_steps(record: SpectralRecord) -> list[str]:
    """The step after which each mode stays below one half."""
    return [str(whole_step(t)) if np.isfinite(t) else "-" for t in record.halving_steps.tolist()]


if __name__ == "__main__":
    main("relaxation", relaxation)
