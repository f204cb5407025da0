"""The learning rate of a first-order optimizer against the sharpness of the objective."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pdefreq.studies.checks.finding import Finding
from pdefreq.studies.checks.first_order import first_order_of, no_limit

if TYPE_CHECKING:
    from pdefreq.studies.checks.finding import Subject

_RESULT = 0.1  # relative L2 error above which a run has failed


def step_size(subject: Subject) -> Finding | str:
    """A finding if the sharpness at the start is above the limit, and the objective increased more than it decreased.

    The limit of gradient descent is 2 / eta, that with the momentum beta (2 + 2 beta) / eta, and that of Adam is 38 / eta for the
    sharpness P^-1 H with its preconditioner. Both conditions are needed: in successful training, the sharpness rises to the
    limit and stays there, and the preconditioner of the first steps of Adam contains few gradients.

    Source:
        Cohen et al. (2021), arXiv 2103.00065; Cohen et al. (2022), arXiv 2207.14484.
    """
    from pdefreq.iterations.protocols import HasFunctional
    from pdefreq.probes.sharpness import hessian_of, random_start
    from pdefreq.theory.sharpness import largest_eigenvalue

    run, iteration = subject.run, subject.iteration
    trained, optimizer = iteration.find(HasFunctional), first_order_of(run)
    if trained is None or optimizer is None:
        return no_limit(run)
    start = iteration.init()
    functional, c = trained.functional(start), start.coefficients.clone()
    descent = optimizer.stepper().descent(dict(iteration.step(start).memory), 1)
    if descent is None:
        return no_limit(run)
    if run.error() <= _RESULT:
        return f"the relative L2 error is {run.error():.2g}, so that the run did not fail"
    sharpness = largest_eigenvalue(descent.preconditioned(hessian_of(functional, c)), random_start(c))
    ratio, (first, highest, last) = sharpness / descent.stable_sharpness, _course(subject)
    fall = max(first - last, 0.0)
    rise = (highest - first) / fall if fall else np.inf if highest > first else 0.0
    of = "P^-1 H, with the preconditioner P of the first step," if descent.preconditioner is not None else "the Hessian"
    return Finding(
        max(min(ratio, rise), 0.0),
        f"at the start the largest eigenvalue of {of} is {sharpness:.3g}, and {optimizer.title} with the learning rate "
        f"{descent.rate:g} is stable only if it is below {descent.stable_sharpness:.3g}; "
        f"the objective was {first:.3g} at the start, {highest:.3g} at most and {last:.3g} at the end",
        f"`--set optimizer.learning_rate={descent.rate / ratio / 2:.2g}`" if ratio > 0 else "`--set optimizer=gauss-newton`",
    )


def _course(subject: Subject) -> tuple[float, float, float]:
    """The objective at the start, its maximum and its last value, before the objective changes; inf if it is not finite."""
    history = subject.run.history
    values = history.column("objective").astype(float)
    if "stage" in history:
        stage = history.column("stage")
        values = values[stage == stage[0]]
    values = np.where(np.isfinite(values), values, np.inf)
    return float(values[0]), float(values.max()), float(values[-1])
