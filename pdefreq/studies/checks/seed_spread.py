"""The spread of the error over seeds."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

from pdefreq.core.history import Status
from pdefreq.studies.checks.finding import Finding, option_of

if TYPE_CHECKING:
    from pdefreq.runs.solution import Solution
    from pdefreq.studies.checks.finding import Subject

_HARMLESS = 10.0  # ratio of the largest error to the smallest
_WRONG = 0.01  # a largest error below this value is no failure


def seed_spread(subject: Subject) -> Finding | str:
    """A finding on the ratio of the largest to the smallest relative L2 error of runs with different seeds."""
    errors = {seed: each["relative_l2"] for seed, each in subject.seeds.items() if each["relative_l2"]}
    if len(errors) < 2:
        return "errors of at least two seeds are needed, from the folder of `solve --seeds`"
    if not all(map(math.isfinite, errors.values())):
        return "the error of a seed is not finite"
    if max(errors.values()) <= _WRONG:
        return f"the largest relative L2 error is {max(errors.values()):.2g}, so that no seed failed"
    best, worst = min(errors, key=errors.__getitem__), max(errors, key=errors.__getitem__)
    return Finding(
        errors[worst] / errors[best] / _HARMLESS,
        f"the relative L2 error is {errors[best]:.2g} with seed {best} and {errors[worst]:.2g} with seed {worst}",
        f"{_longer(subject.run)}{_wider(subject.run)}`--seeds {2 * len(errors)}`, of which the best run is kept",
    )


def _longer(run: Solution) -> str:
    """A remedy with twice as many steps, if the run ended at their number."""
    return f"`--steps {2 * run.step}`, or " if run.status is Status.STEPS else ""


def _wider(run: Solution) -> str:
    """A remedy with twice as wide layers, if the method has layers."""
    path, widths = option_of(run, "widths") or ("", None)
    return f"`--set {path}={json.dumps([2 * width for width in widths])}`, or " if widths else ""
