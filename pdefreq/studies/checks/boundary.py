"""The error at the boundary against that inside, and the error that a penalty leaves."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pdefreq.studies.checks.finding import Finding

if TYPE_CHECKING:
    from pdefreq.studies.checks.finding import Subject

_HARMLESS = 0.5  # of the largest error: that at the boundary
_WRONG = 0.01  # relative L2 error below which a run has not failed
_NO_PENALTY = "no boundary penalty is minimized"
_FLOOR = 0.01  # relative error that a penalty leaves


def floor_of_penalty(subject: Subject) -> Finding | str:
    """A finding on the error flux / (2 beta) that the minimizer of an energy with a boundary penalty has at the boundary."""
    from pdefreq.iterations.defaults import objective_kind_of
    from pdefreq.iterations.protocols import ObjectiveKind
    from pdefreq.runs.penalty_floor import penalty_floor
    from pdefreq.solvers.network_solver import NetworkSolver

    run = subject.run
    solver = run.solver
    if not isinstance(solver, NetworkSolver) or not solver.boundary.is_penalty:
        return _NO_PENALTY
    if objective_kind_of(subject.iteration) is not ObjectiveKind.ENERGY:
        return "the objective is not an energy"
    found = penalty_floor(run.problem, run.state, solver.penalty_parameter(run.problem, run.step))
    if found is None:
        return "no flux is known at a boundary where values are given"
    return Finding(
        found.relative / _FLOOR,
        f"with beta = {found.beta:g} the minimizer misses the boundary values by about {found.absolute:.2g}, "
        f"{100 * found.relative:.2g} % of u",
        f"`--set boundary=hard`, or `--set boundary.beta={100 * found.beta:g}`",
    )


def imbalance(subject: Subject) -> Finding | str:
    """A finding if a penalty is minimized and the largest error lies at the boundary."""
    from pdefreq.solvers.network_solver import NetworkSolver

    run = subject.run
    found = run.result_columns
    if not isinstance(run.solver, NetworkSolver) or not run.solver.boundary.is_penalty:
        return _NO_PENALTY
    if "boundary_error" not in found:
        return "the error at the boundary was not recorded"
    edge, largest, relative = (float(found[name]) for name in ("boundary_error", "max_error", "relative_l2"))
    if not (largest > 0 and math.isfinite(edge) and relative > _WRONG):
        return f"the relative L2 error is {relative:.2g}: the run did not fail, or its errors are not finite"
    return Finding(
        edge / largest / _HARMLESS,
        f"the largest error is {edge:.3g} at the boundary and {largest:.3g} anywhere: the boundary term is too weak",
        "`--set boundary=hard`" + (", or `--set training.balance_every=100`" if run.solver.loss.is_square else ""),
    )
