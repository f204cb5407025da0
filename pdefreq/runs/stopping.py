"""Divergence, convergence and stagnation of a run, from its recorded objective."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pdefreq.core.history import History, Status, Stop

if TYPE_CHECKING:
    import numpy as np

_GROWTH = 1e6  # an objective that grows by more than this times its own size has diverged
_PROGRESS = 1e-4  # stagnation: smallest further decrease of the objective, relative to its decrease so far


def status_from(history: History, stop: Stop, *, is_relative: bool = False, last_stage: bool = True) -> Status | None:
    """The status that follows from the recorded objective, which depends on the history alone, also for a resumed run.

    Args:
        history: The rows so far.
        stop: The stopping criteria.
        is_relative: Whether the tolerance applies to the objective itself instead of its ratio to the initial value.
        last_stage: Whether the method and the weights of the terms stay the same from now on; in earlier stages a run does not
            converge.
    """
    steps, objective = comparable_objective(history)
    start, now = objective[0], objective[-1]
    if (now - start) / _GROWTH > _size(objective):
        return Status.DIVERGED
    if not last_stage:
        return None
    if stop.tolerance is not None and now <= stop.tolerance * (1.0 if is_relative else start):
        return Status.CONVERGED
    if stop.stagnation is not None and steps[-1] - steps[0] >= stop.stagnation:
        recent = steps > steps[-1] - stop.stagnation
        before = objective[~recent].min()
        if before - objective[recent].min() <= _PROGRESS * (start - before):
            return Status.STAGNATED
    return None


def reduction(history: History, *, is_relative: bool) -> float:
    """The last objective relative to the first one that can be compared with it, or itself if it is a relative residual."""
    _, objective = comparable_objective(history)
    return float(objective[-1]) / (1.0 if is_relative else float(objective[0]) or 1.0)


def comparable_objective(history: History) -> tuple[np.ndarray, np.ndarray]:
    """The steps whose objectives can be compared with the last one, and these objectives with the weights of the last row.

    The second method of a chain and each stage of a penalty begin a new sequence. Balanced weights change during the run.
    """
    import numpy as np

    rows = np.arange(len(history))
    for name in ("unknowns", "method", "stage"):
        column = np.nan_to_num(history.column(name), nan=-1.0) if name in history else np.zeros(len(history))
        others = (column != column[-1]).nonzero()[0]
        rows = rows[rows > others[-1]] if len(others) else rows
    terms = {name: history.column(name)[rows] for name in history.names if name.startswith("objective.")}
    weights = {name: name.replace("objective.", "weight.") for name in terms}
    objective = history.column("objective")[rows].copy()
    for name, term in terms.items():
        if np.isfinite(history.last(weights[name]) or math.nan):  # only the other method of a chain may have weights
            weight = history.column(weights[name])[rows]
            objective += term * (weight[-1] / weight - 1)
    return history.column("step")[rows], objective


def _size(objective: np.ndarray) -> float:
    """The scale of an objective, for the detection of growth: its initial value or, for an energy, its decrease.

    For an objective that starts at exactly 0, as an energy at u = 0, and has not decreased, it is the first other value.
    """
    own = max(abs(objective[0]), abs(objective.min()))
    return own or next((abs(value) for value in objective if value), 0.0)
