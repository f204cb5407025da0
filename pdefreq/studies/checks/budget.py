"""The decrease of the error at the end of a run that used up its steps or its time."""

from __future__ import annotations

import math
import shlex
from typing import TYPE_CHECKING

import numpy as np

from pdefreq.core.history import Status
from pdefreq.studies.checks.finding import Finding

if TYPE_CHECKING:
    from pdefreq.runs.solution import Solution
    from pdefreq.studies.checks.finding import Subject

_HALF, _QUARTER, _TENTH = 0.5, 0.25, 0.1  # the last parts of the steps that are compared
_DOUBLING = math.log(2) / math.log(4 / 3)  # halvings in twice the steps, over those in 4/3 of the steps, of a power of the steps
_ROUNDING = {"float32": 1e-6, "float64": 1e-14}  # relative errors that do not decrease further
_PART_OF_ENERGY = 0.01  # of its decrease: the square of the relative error 0.1 above which a run has failed


def budget(subject: Subject) -> Finding | str:
    """A finding if a run used up its budget while its error, or else its objective, still decreased.

    The measured quantity is the number of times that the error was halved in the last half of the steps. If the error is
    proportional to a power of the number of steps, twice as many steps halve it as often again; if it is exponential, they halve
    it twice as often. With less than one halving, other options help more than twice as many steps do. The last quarter of the
    steps must agree, because an error that reached its floor in the last half does not decrease any more. The error at the end
    is the median of the last tenth of the steps, and the one before is the smallest error that was recorded, so that
    fluctuations are not taken for a decrease.

    Without a known solution the objective is measured: its root if it is a sum of squares. An energy E tends to an unknown
    minimum. The square root of its decrease in the last half over its decrease since the start is a relative error in the energy
    norm, which is compared with 0.1.
    """
    from pdefreq.iterations.defaults import objective_kind_of, refines_space
    from pdefreq.iterations.protocols import HasFunctional, ObjectiveKind
    from pdefreq.runs.stopping import comparable_objective

    run, iteration = subject.run, subject.iteration
    if run.status not in (Status.STEPS, Status.SECONDS):
        return f"the run did not end because of its budget, but with the status {run.status.label}"
    if refines_space(iteration):
        return "each step solves a problem with more unknowns, so that the error decreases as long as there are steps"
    history = run.valid_history
    known = history.column("relative_l2").astype(float) if "relative_l2" in history else np.empty(0)
    if np.isfinite(known).any():
        return _halvings(run, "the relative L2 error", history.column("step"), known)
    step, objective = comparable_objective(history)
    if objective_kind_of(iteration) is ObjectiveKind.ENERGY:
        return _decrease_of_energy(run, step, objective)
    squares = iteration.find(HasFunctional) is not None
    name = "the root of the objective" if squares else "the objective"
    return _halvings(run, name, step, np.sqrt(objective) if squares else objective)


def _halvings(run: Solution, name: str, step: np.ndarray, value: np.ndarray) -> Finding | str:
    """The finding on a quantity that tends to zero."""
    step, value = step[np.isfinite(value)], value[np.isfinite(value)]
    end = _end(step, value)
    if not end > _ROUNDING[run.spec.dtype] * value.max():
        return f"{name} is {end:.2g}, which is its rounding error"
    before, later = (value[step <= _start_of(step, part)].min() for part in (_HALF, _QUARTER))
    halvings = min(math.log2(before / end), _DOUBLING * math.log2(later / end))
    return Finding(
        max(halvings, 0.0),
        f"the run ended because its budget was used up, and in the last half of its {run.step:,} steps {name} changed from "
        f"{before:.3g} to {end:.3g}, by a factor of {before / end:.3g}",
        f"`{_continuation(run)}`",
    )


def _decrease_of_energy(run: Solution, step: np.ndarray, energy: np.ndarray) -> Finding | str:
    """The finding on an energy."""
    end, before = _end(step, energy), energy[step <= _start_of(step, _HALF)].min()
    fall = float(energy[0] - end)
    if not fall > 0:
        return "the objective is not smaller than at the start"
    part = max(float(before - end), 0.0) / fall
    return Finding(
        part / _PART_OF_ENERGY,
        f"the run ended because its budget was used up, and {100 * part:.2g} percent of the decrease of its objective belong to "
        f"the last half of its {run.step:,} steps",
        f"`{_continuation(run)}`",
    )


def _start_of(step: np.ndarray, part: float) -> float:
    """The step at which the last part of the steps begins."""
    return float(step[-1] - part * (step[-1] - step[0]))


def _end(step: np.ndarray, value: np.ndarray) -> float:
    """The median of the last tenth of the steps."""
    return float(np.median(value[step >= _start_of(step, _TENTH)]))


def _continuation(run: Solution) -> str:
    """The command that continues a run with twice its budget."""
    folder = "RUN" if run.folder is None else shlex.quote(str(run.folder))
    folder += " --trust" if run.spec.code_files else ""
    stop = run.spec.stop
    if run.status is Status.STEPS:
        return f"pdefreq resume {folder} --steps {2 * run.step}"
    in_steps = stop.train_seconds is not None and run.seconds >= stop.train_seconds
    option, used = ("train-seconds", run.seconds) if in_steps else ("seconds", run.elapsed)
    return f"pdefreq resume {folder} --{option} {math.ceil(2 * used)}"
