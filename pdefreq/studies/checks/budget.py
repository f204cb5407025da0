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
_RESULT = 0.1  # relative L2 error above which a run has failed
_PART_OF_ENERGY = _RESULT**2  # of its decrease
_SLOW = 1.0  # severity of a slow decrease: other findings explain it, and are named first


def budget(subject: Subject) -> Finding | str:
    """A finding if a run used up its budget while its error, or else its objective, still decreased.

    The measured quantity is the number of times that the error was halved in the last half of the steps. If the error is
    proportional to a power of the number of steps, twice as many steps halve it as often again; if it is exponential, they halve
    it twice as often. With less than one halving, other options help more than twice as many steps do. The last quarter of the
    steps must agree, because an error that reached its floor in the last half does not decrease any more. The error at the end
    is the median of the last tenth of the steps, and the one before is the smallest error that was recorded, so that
    fluctuations are not taken for a decrease.

    If the relative L2 error is still above 0.1, a slower decrease is a finding as well, unless it comes to an end. All errors of
    the last tenth must be below those before, and the logarithm must decrease in the last quarter by at least half of its
    decrease in the quarter before. By Aitken's extrapolation of a geometric sequence, it then has to decrease by at least as much
    again as in the last quarter.

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
        return _halvings(run, "the relative L2 error", history.column("step"), known, is_error=True)
    step, objective = comparable_objective(history)
    if objective_kind_of(iteration) is ObjectiveKind.ENERGY:
        return _decrease_of_energy(run, step, objective)
    squares = iteration.find(HasFunctional) is not None
    name = "the root of the objective" if squares else "the objective"
    return _halvings(run, name, step, np.sqrt(objective) if squares else objective)


def _halvings(run: Solution, name: str, step: np.ndarray, value: np.ndarray, *, is_error: bool = False) -> Finding | str:
    """The finding on a quantity that tends to zero."""
    step, value = step[np.isfinite(value)], value[np.isfinite(value)]
    end = _end(step, value)
    if not end > _ROUNDING[run.spec.dtype] * value.max():
        return f"{name} is {end:.2g}, which is its rounding error"
    before, later = (value[step <= _start_of(step, part)].min() for part in (_HALF, _QUARTER))
    severity = max(min(math.log2(before / end), _DOUBLING * math.log2(later / end)), 0.0)
    evidence = (
        f"the run ended because its budget was used up, and in the last half of its {run.step:,} steps {name} changed from "
        f"{before:.4g} to {end:.4g}, by a factor of {before / end:.4g}"
    )
    is_below = value[step >= _start_of(step, _TENTH)].max() < later
    continues = is_below and math.log(later / end) >= math.log(before / later) / 2
    if severity >= 1 or not (is_error and end > _RESULT and continues):
        return Finding(severity, evidence, f"`{_continuation(run)}`")
    steps = _time_of_halving(step, math.log2(later / end))
    return Finding(
        _SLOW,
        f"{evidence}; at this rate it is halved in {steps:,} more steps",
        f"`{_continuation(run, 1 + steps / run.step)}`, or a method with a faster decrease, as `--method auto` chooses",
    )


def _time_of_halving(step: np.ndarray, halvings: float) -> int:
    """The number of steps for a halving at the rate of the last quarter, from the halvings up to the middle of the last tenth."""
    return math.ceil((_start_of(step, _TENTH / 2) - _start_of(step, _QUARTER)) / halvings)


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


def _continuation(run: Solution, factor: float = 2.0) -> str:
    """The command that continues a run with a multiple of its budget, at least twice."""
    factor = max(factor, 2.0)
    folder = "RUN" if run.folder is None else shlex.quote(str(run.folder))
    folder += " --trust" if run.spec.code_files else ""
    stop = run.spec.stop
    if run.status is Status.STEPS:
        return f"pdefreq resume {folder} --steps {math.ceil(factor * run.step)}"
    in_steps = stop.train_seconds is not None and run.seconds >= stop.train_seconds
    option, used = ("train-seconds", run.seconds) if in_steps else ("seconds", run.elapsed)
    return f"pdefreq resume {folder} --{option} {math.ceil(factor * used)}"
