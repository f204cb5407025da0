"""The error at the boundary against that inside, and the error that a penalty leaves."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pdefreq.studies.checks.finding import Finding

if TYPE_CHECKING:
    from pdefreq.studies.checks.finding import Subject

_HARMLESS = 0.5  # of the largest error: that at the boundary
_WRONG = 0.01  # relative L2 error below which a run has not failed
_FLOOR = 0.01  # relative error that a penalty leaves


def floor_of_penalty(subject: Subject) -> Finding | None:
    """A finding on the error flux / (2 beta) that the minimizer of an energy with a boundary penalty has at the boundary."""
    from pdefreq.iterations.defaults import objective_kind_of
    from pdefreq.iterations.protocols import ObjectiveKind
    from pdefreq.runs.penalty_floor import penalty_floor
    from pdefreq.solvers.network_solver import NetworkSolver

    run = subject.run
    solver = run.solver
    if not isinstance(solver, NetworkSolver) or not solver.boundary.is_penalty:
        return None
    if objective_kind_of(subject.iteration) is not ObjectiveKind.ENERGY:
        return None
    found = penalty_floor(run.problem, run.state, solver.penalty_parameter(run.problem, run.step))
    if found is None:
        return None
    return Finding(
        found.relative / _FLOOR,
        f"with beta = {found.beta:g} the minimizer misses the boundary values by about {found.absolute:.2g}, "
        f"{100 * found.relative:.2g} % of u",
        f"`--set boundary=hard`, or `--set boundary.beta={100 * found.beta:g}`",
    )


def imbalance(subject: Subject) -> Finding | None:
    """A finding if a penalty is minimized and the largest error lies at the boundary."""
    from pdefreq.solvers.network_solver import NetworkSolver

    run = subject.run
    history = run.valid_history
    if not isinstance(run.solver, NetworkSolver) or not run.solver.boundary.is_penalty or "boundary_error" not in history:
        return None
    edge, largest, relative = (float(history.last(name)) for name in ("boundary_error", "max_error", "relative_l2"))
    if not (largest > 0 and math.isfinite(edge) and relative > _WRONG):
        return None
    return Finding(
        edge / largest / _HARMLESS,
        f"the largest error is {edge:.3g} at the boundary and {largest:.3g} anywhere: the boundary term is too weak",
        "`--set boundary=hard`" + (", or `--set training.balance_every=100`" if run.solver.loss.is_square else ""),
    )
