"""What happens at a recorded step: measure, append a row, and judge the objective by the rows so far."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pdefreq.history import History, Status, Stop

if TYPE_CHECKING:
    import numpy as np

    from pdefreq.iterations.iteration import State
    from pdefreq.probes.probe import Measurement
    from pdefreq.setup import Setup

_GROWTH = 1e6  # an objective that grows by more than this times its own size has diverged
_PROGRESS = 1e-4  # stagnation: the least part of its fall so far that an objective must still fall


class Recorder:
    """Measures a state, appends the row, and judges the objective by the rows so far."""

    def __init__(self, setup: Setup, history: History) -> None:
        self._setup = setup
        self._history = history
        self._space: Any = None
        self._measurements: list[Measurement] = []

    def record(self, state: State, step: int, seconds: float) -> Status | None:
        """Append a row; a status if the objective says that the run is over."""
        setup, history = self._setup, self._history
        terms = {name: float(value) for name, value in setup.iteration.objective(state).items()}
        objective = sum(terms.values())
        row: dict[str, Any] = {"step": step, "seconds": seconds, "unknowns": state.space.num_coefficients}
        row |= {"objective": objective} | {f"objective.{name}": value for name, value in terms.items()}
        finite = math.isfinite(objective) and is_finite(state)
        if finite:
            row |= {name: float(value) for name, value in setup.iteration.columns(state).items()}
            if state.space is not self._space:
                self._prepare(state)
            for measurement in self._measurements:
                row |= measurement(state)
        history.record(row)
        if not finite:
            return Status.NON_FINITE if step else Status.NON_FINITE_START
        if state.done:
            return setup.iteration.ending(state)
        last = setup.iteration.is_last_stage(state)
        return _judge(history, setup.spec.stop, is_relative=setup.iteration.is_relative, last_stage=last)

    def _prepare(self, state: State) -> None:
        """The space is new: make the probes ready for it."""
        setup, history = self._setup, self._history
        limit = setup.iteration.limit(state)
        self._measurements = [
            probe.prepare(setup.problem, state, reference=setup.reference, limit=limit, facts=history.facts)
            for probe in setup.probes
        ]
        for measurement in self._measurements:
            for name, fact in measurement.facts.items():
                history.facts.setdefault(name, _array(fact))
        if setup.spec.predict and not len(history):
            history.facts.update(_predicted(setup, state, history))
        self._space = state.space


def _judge(history: History, stop: Stop, *, is_relative: bool = False, last_stage: bool = True) -> Status | None:
    """What the recorded objective says: read from the history alone, so that a resumed run judges alike.

    Args:
        history: Up to now.
        stop: The limits.
        is_relative: Whether the tolerance is held against the objective as it is, not over that of the start.
        last_stage: Whether method and weights of the terms will stay: before, an objective that has fallen enough may fall
            further.
    """
    steps, objective = _comparable(history)
    start, now = objective[0], objective[-1]
    if now - start > _GROWTH * _size(objective):
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


def _comparable(history: History) -> tuple[np.ndarray, np.ndarray]:
    """The steps whose objectives can be compared with the last one, and these, all with the weights of the last row.

    A chain's second method starts afresh, and so does a stage. Where terms are balanced their weights change all the time.
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
        if np.isfinite(history.last(weights[name]) or math.nan):  # a chain's other method may have had weights
            weight = history.column(weights[name])[rows]
            objective += term * (weight[-1] / weight - 1)
    return history.column("step")[rows], objective


def _size(objective: np.ndarray) -> float:
    """What the growth of an objective is measured by, whatever its unit: its start or, of an energy, its depth.

    One that starts at exactly 0, as an energy does at u = 0, and has not fallen yet is measured by its first other value.
    """
    own = max(abs(objective[0]), abs(objective.min()))
    return own or next((abs(value) for value in objective if value), 0.0)


def _predicted(setup: Setup, state: State, history: History) -> Mapping[str, Any]:
    """What theory says of each watched mode before the run, or why it says nothing, as facts."""
    if "mode_indices" not in history.facts:
        return {}
    import numpy as np
    import torch

    from pdefreq.errors import IncompatibleError
    from pdefreq.probes.sampled import field_values
    from pdefreq.spectrum.modes import modes_of
    from pdefreq.spectrum.predicted import PREDICTED_STEPS, predicted_facts

    modes = modes_of(setup.problem, str(history.facts["mode_kind"]), history.facts["mode_indices"])
    reference = setup.reference
    target = None if reference is None else torch.from_numpy(field_values(reference, modes.points(state.space)))
    turns = [turn + PREDICTED_STEPS for turn in setup.iteration.turns]
    steps = np.unique(np.concatenate([PREDICTED_STEPS, *turns]))
    try:
        prediction = setup.iteration.predict(modes, torch.from_numpy(steps), target)
    except IncompatibleError as error:
        return {"mode_predicted_note": _array(str(error))}
    if prediction is None:
        return {}
    told = (prediction.curves.abs(), prediction.rates, prediction.note)
    own = {name: getattr(prediction, name) for name in ("own_rates", "coupling")}
    known = {name: None if value is None else _array(value) for name, value in own.items()}
    return predicted_facts(*(_array(value) for value in told), steps=steps, since=prediction.since, **known)


def is_finite(state: State) -> bool:
    """Whether all coefficients are numbers."""
    return bool(state.coefficients.isfinite().all())


def _array(value: Any) -> Any:
    import numpy as np

    return value.detach().cpu().numpy() if hasattr(value, "detach") else np.asarray(value)
