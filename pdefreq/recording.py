"""What happens at a recorded step: measure, append a row, and judge the objective by the rows so far."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pdefreq.history import History, Status, Stop

if TYPE_CHECKING:
    import numpy as np

    from pdefreq.iterations.iteration import State
    from pdefreq.loop import Setup
    from pdefreq.probes.probe import Measurement

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
        return Status.DONE if state.done else _judge(history, setup.spec.stop)

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
        if setup.predict and not len(history):
            history.facts.update(_predicted(setup, state, history))
        self._space = state.space


def _judge(history: History, stop: Stop) -> Status | None:
    """What the recorded objective says: read from the history alone, so that a resumed run judges alike."""
    steps, objective, unknowns = (history.column(name) for name in ("step", "objective", "unknowns"))
    others = (unknowns != unknowns[-1]).nonzero()[0]
    first = others[-1] + 1 if len(others) else 0  # a chain's second space starts afresh
    steps, objective = steps[first:], objective[first:]
    start, now = objective[0], objective[-1]
    if now - start > _GROWTH * _size(objective):
        return Status.DIVERGED
    if stop.tolerance is not None and now <= stop.tolerance * start:
        return Status.CONVERGED
    if stop.stagnation is not None and steps[-1] - steps[0] >= stop.stagnation:
        recent = steps > steps[-1] - stop.stagnation
        before = objective[~recent].min()
        if before - objective[recent].min() <= _PROGRESS * (start - before):
            return Status.STAGNATED
    return None


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
    import torch

    from pdefreq.errors import IncompatibleError
    from pdefreq.probes.sampled import field_values
    from pdefreq.spectrum.modes import modes_of
    from pdefreq.spectrum.predicted import PREDICTED_STEPS, predicted_facts

    modes = modes_of(setup.problem, str(history.facts["mode_kind"]), history.facts["mode_indices"])
    reference = setup.reference
    target = None if reference is None else torch.from_numpy(field_values(reference, modes.points(state.space)))
    try:
        prediction = setup.iteration.predict(modes, torch.from_numpy(PREDICTED_STEPS), target)
    except IncompatibleError as error:
        return {"mode_predicted_note": _array(str(error))}
    if prediction is None:
        return {}
    return predicted_facts(*(_array(value) for value in (prediction.curves, prediction.rates, prediction.note)))


def is_finite(state: State) -> bool:
    """Whether all coefficients are numbers."""
    return bool(state.coefficients.isfinite().all())


def _array(value: Any) -> Any:
    import numpy as np

    return value.detach().cpu().numpy() if hasattr(value, "detach") else np.asarray(value)
