"""The objective at the quadrature points of a network against that at other points."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pdefreq.studies.checks.finding import Finding

if TYPE_CHECKING:
    from pdefreq.studies.checks.finding import Subject

_HARMLESS = 0.05  # of the fall of the objective: the gap from which a run has the note that it overfits its points


def overfitting(subject: Subject) -> Finding | str:
    """A finding on the gap between the objective at held-out points and that at the points of the method."""
    history = subject.run.valid_history
    if "held_out_objective" not in history or len(history) < 2:
        return "no objective at held-out points was recorded"
    here, there = (history.column(name).astype(float) for name in ("objective", "held_out_objective"))
    fall = abs(np.nanmax(here) - here[-1])
    gap = there[-1] - here[-1]
    if not fall > 0 or not np.isfinite(gap):
        return "the objective did not fall, or is not finite"
    return Finding(
        max(float(gap), 0.0) / (_HARMLESS * float(fall)),
        f"the objective is {here[-1]:.4g} at the points of the method and {there[-1]:.4g} at held-out points",
        "`--set points=sobol`, which draws new points, or `--set training.keep=best`",
    )
