"""The learning rate of gradient descent against the sharpness of the objective."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pdefreq.studies.checks.finding import Finding
from pdefreq.studies.checks.sharpness import largest_eigenvalue

if TYPE_CHECKING:
    from pdefreq.studies.checks.finding import Subject

_STABLE = 2.0  # gradient descent on a quadratic function converges for a rate below 2 / (largest eigenvalue)


def step_size(subject: Subject) -> Finding | None:
    """A finding if the learning rate of gradient descent exceeds 2 / lambda, with the sharpness lambda at the start."""
    from pdefreq.iterations.protocols import HasTangentKernel
    from pdefreq.parts.optimizers import GradientDescent
    from pdefreq.solvers.network_solver import NetworkSolver

    solver = subject.run.solver
    if not isinstance(solver, NetworkSolver) or not isinstance(solver.optimizer, GradientDescent):
        return None
    found = subject.iteration.find(HasTangentKernel)
    if found is None:
        return None
    functional, start = found.start()
    sharpness, rate = largest_eigenvalue(functional.gauss_newton_factor(start).detach()), solver.optimizer.learning_rate
    if not sharpness:
        return None
    return Finding(
        rate * sharpness / _STABLE,
        f"the learning rate {rate:g} times the largest eigenvalue {sharpness:.3g} of the Gauss-Newton matrix at the start is "
        f"{rate * sharpness:.3g}; gradient descent is stable below 2",
        f"`--set optimizer.learning_rate={1 / sharpness:.2g}`",
    )
