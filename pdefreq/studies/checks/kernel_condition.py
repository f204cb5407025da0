"""The condition of the Gauss-Newton matrix of gradient descent: the modes that the budget can't reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from pdefreq.studies.checks.finding import Finding

if TYPE_CHECKING:
    from pdefreq.studies.checks.finding import Subject

_HARMLESS = 1.0
_RESULT = 0.1  # relative L2 error above which the slow modes matter


def kernel_condition(subject: Subject) -> Finding | None:
    """A finding if plain gradient descent can't have reduced most eigenvectors of the kernel within its steps.

    An eigenvector with the eigenvalue kappa decays by exp(-eta kappa) in a step, so that n steps reach those above 1 / (eta n).
    """
    from pdefreq.iterations.protocols import HasTangentKernel
    from pdefreq.parts.optimizers import GradientDescent
    from pdefreq.solvers.network_solver import NetworkSolver

    run = subject.run
    if not isinstance(run.solver, NetworkSolver) or not isinstance(run.solver.optimizer, GradientDescent):
        return None
    found = subject.iteration.find(HasTangentKernel)
    if found is None or not run.error() > _RESULT:
        return None
    functional, start = found.start()
    factor = functional.gauss_newton_factor(start).detach()
    if factor.shape[0] > 3000:
        return None
    with torch.no_grad():
        values = torch.linalg.eigvalsh(factor @ factor.T).clamp(min=0)
    reached = 1 / (run.solver.optimizer.learning_rate * max(run.step, 1))
    below = int((values < reached).sum())
    ratio = float(values[-1] / values[len(values) // 2].clamp(min=1e-300))
    return Finding(
        2 * below / len(values) / _HARMLESS,
        f"{run.step:,} steps reduce eigenvectors of the kernel with eigenvalues above {reached:.2g}; {below} of {len(values)} "
        f"are below, and the largest is {ratio:.2g} times the median",
        "`--set optimizer=gauss-newton`",
    )
