"""The objective at the quadrature points of a network against that at other points."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pdefreq.studies.checks.finding import Finding, option_of

if TYPE_CHECKING:
    from pdefreq.studies.checks.finding import Subject

_HARMLESS = 0.05  # of the fall of the objective: the gap from which a run has the note that it overfits its points


def overfitting(subject: Subject) -> Finding | str:
    """A finding on the gap between the objective of the result at held-out points and that at the points of the method."""
    history, found = subject.run.valid_history, subject.run.result_columns
    if "held_out_objective" not in found or len(history) < 2:
        return "no objective at held-out points was recorded"
    here, there = (float(found[name]) for name in ("objective", "held_out_objective"))
    fall = abs(np.nanmax(history.column("objective").astype(float)) - here)
    gap = there - here
    keeps_best = (option_of(subject.run, "keep") or ("", ""))[1] == "best"
    if not fall > 0 or not np.isfinite(gap):
        return "the objective did not fall, or is not finite"
    return Finding(
        max(float(gap), 0.0) / (_HARMLESS * float(fall)),
        f"the objective is {here:.4g} at the points of the method and {there:.4g} at held-out points",
        "`--set points=sobol`, which draws new points" + ("" if keeps_best else ", or `--set training.keep=best`"),
    )
