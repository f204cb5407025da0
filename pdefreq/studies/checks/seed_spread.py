"""The spread of the error over seeds."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

from pdefreq.studies.checks.finding import Finding, option_of

if TYPE_CHECKING:
    from pdefreq.studies.checks.finding import Subject

_HARMLESS = 10.0  # ratio of the largest error to the smallest
_WRONG = 0.01  # a largest error below this value is no failure


def seed_spread(subject: Subject) -> Finding | None:
    """A finding on the ratio of the largest to the smallest relative L2 error of runs with different seeds."""
    errors = {seed: each["relative_l2"] for seed, each in subject.seeds.items() if each["relative_l2"]}
    if len(errors) < 2 or not max(errors.values()) > _WRONG or not all(map(math.isfinite, errors.values())):
        return None
    best, worst = min(errors, key=errors.__getitem__), max(errors, key=errors.__getitem__)
    return Finding(
        errors[worst] / errors[best] / _HARMLESS,
        f"the relative L2 error is {errors[best]:.2g} with seed {best} and {errors[worst]:.2g} with seed {worst}",
        f"`--steps {2 * subject.run.step}`, {_wider(subject)}or `--seeds {2 * len(errors)}`, of which the best run is kept",
    )


def _wider(subject: Subject) -> str:
    """A remedy with twice as wide layers, if the method has layers."""
    path, widths = option_of(subject.run, "widths") or ("", None)
    return f"`--set {path}={json.dumps([2 * width for width in widths])}`, " if widths else ""
