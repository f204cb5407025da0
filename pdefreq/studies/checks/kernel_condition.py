"""The condition of the tangent kernel for first-order optimizers: the modes that the steps can't reduce."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from pdefreq.studies.checks.finding import Finding
from pdefreq.studies.checks.first_order import first_order_of, no_limit

if TYPE_CHECKING:
    from pdefreq.studies.checks.finding import Subject

_HARMLESS = 0.5  # of the eigenvectors
_RESULT = 0.1  # relative L2 error above which the slow modes matter
_ROWS, _ENTRIES = 3000, 2**26  # largest kernel that is decomposed, and largest factor


def kernel_condition(subject: Subject) -> Finding | str:
    """A finding if the steps can't have reduced most eigenvectors of the kernel F P^-1 F^T, with the preconditioner P of Adam.

    An eigenvector with the eigenvalue kappa decays by exp(-eta kappa) in a step of gradient descent or of Adam, and by
    exp(-eta kappa / (1 - beta)) with the momentum beta. In n steps those with eigenvalues of at least 1 / (eta n), or
    (1 - beta) / (eta n), are therefore reduced by a factor of e or more. F and P are those at the end of the run, and eta n is
    the sum of the learning rates. With more rows than coefficients, only as many eigenvalues as coefficients count, because the
    others are zero for any network of this size.
    """
    from pdefreq.iterations.protocols import HasFunctional

    run = subject.run
    trained, optimizer = subject.iteration.find(HasFunctional), first_order_of(run)
    descent = None if optimizer is None else optimizer.stepper().descent(dict(run.state.memory), max(run.step, 1))
    if trained is None or optimizer is None or descent is None:
        return no_limit(run)
    if run.error() <= _RESULT:
        return f"the relative L2 error is {run.error():.2g}, so that the run did not fail"
    functional, c = trained.functional(run.state), run.state.coefficients
    if functional.num_rows > _ROWS or functional.num_rows * len(c) > _ENTRIES:
        return f"the kernel has {functional.num_rows:,} rows and is too large"
    factor = functional.gauss_newton_factor(c).detach()
    with torch.no_grad():
        if descent.preconditioner is not None:
            factor *= descent.preconditioner.rsqrt()
        values = torch.linalg.eigvalsh(factor @ factor.T)[-min(factor.shape) :].clamp(min=0)
    travel = descent.gain * sum(map(optimizer.rate, range(max(run.step, 1))))
    below = int((values < 1 / travel).sum())
    ratio = float(values[-1] / values[len(values) // 2].clamp(min=1e-300))
    return Finding(
        below / len(values) / _HARMLESS,
        f"in {run.step:,} {'step' if run.step == 1 else 'steps'} {optimizer.title} reduces errors in eigenvectors of the kernel "
        f"with eigenvalues above {1 / travel:.2g}; "
        f"{below} of {len(values)} are below, and the largest is {ratio:.2g} times the median",
        "`--set optimizer=gauss-newton`",
    )
