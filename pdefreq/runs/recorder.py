"""The recorder: at a recorded step it measures, appends a row, and tests the objective for convergence and divergence."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pdefreq.core.history import History, Status, Stop
from pdefreq.iterations.defaults import (
    columns_of,
    discrete_solution_of,
    final_status_of,
    hand_over_steps_of,
    is_last_stage,
    objective_kind_of,
)
from pdefreq.iterations.protocols import ObjectiveKind, Predicts

if TYPE_CHECKING:
    import numpy as np

    from pdefreq.iterations.iteration import State
    from pdefreq.iterations.protocols import Prediction
    from pdefreq.probes.iterate import SpaceIterate
    from pdefreq.probes.probe import Measurement
    from pdefreq.runs.prepared_run import PreparedRun
    from pdefreq.spectrum.predicted import StoredPrediction

_GROWTH = 1e6  # an objective that grows by more than this times its own size has diverged
_PROGRESS = 1e-4  # stagnation: smallest further decrease of the objective, relative to its decrease so far


class Recorder:
    """Measures states, appends rows to the history, and tests the objective."""

    def __init__(self, prepared: PreparedRun, history: History) -> None:
        self._prepared = prepared
        self._history = history
        self._iterate: SpaceIterate | None = None
        self._measurements: list[Measurement] = []

    def record(self, state: State, step: int, seconds: float) -> Status | None:
        """Append a row, and return a status if the run is to end."""
        prepared, history = self._prepared, self._history
        terms = {name: float(value) for name, value in prepared.iteration.objective(state).items()}
        objective = sum(terms.values())
        row: dict[str, Any] = {"step": step, "seconds": seconds, "unknowns": state.space.num_coefficients}
        row |= {"objective": objective} | {f"objective.{name}": value for name, value in terms.items()}
        finite = math.isfinite(objective) and is_finite(state)
        if finite:
            row |= {name: float(value) for name, value in columns_of(prepared.iteration, state).items()}
            iterate = self._measured(state)
            for measurement in self._measurements:
                row |= measurement(iterate)
        history.record(row)
        if not finite:
            return Status.NON_FINITE if step else Status.NON_FINITE_START
        if state.done:
            return final_status_of(prepared.iteration, state)
        is_relative = objective_kind_of(prepared.iteration) is ObjectiveKind.RELATIVE_RESIDUAL
        last = is_last_stage(prepared.iteration, state)
        return _judge(history, prepared.spec.stop, is_relative=is_relative, last_stage=last)

    def _measured(self, state: State) -> SpaceIterate:
        """The iterate that all probes of a row share; if its space is new, the probes are prepared for it."""
        from pdefreq.probes.iterate import Iterate

        if self._iterate is not None and self._iterate.space is state.space:
            self._iterate = self._iterate.member(state.coefficients)
        else:
            self._iterate = Iterate.of_state(state)
            self._prepare(state, self._iterate)
        return self._iterate

    def _prepare(self, state: State, iterate: SpaceIterate) -> None:
        """Prepare the probes for a space."""
        prepared, history = self._prepared, self._history
        known = discrete_solution_of(prepared.iteration, state)
        discrete_solution = None if known is None else iterate.member(known)
        self._measurements = [
            probe.prepare(prepared.target, iterate, discrete_solution=discrete_solution, facts=history.facts)
            for probe in prepared.probes
        ]
        for measurement in self._measurements:
            for name, fact in measurement.facts.items():
                history.facts.setdefault(name, _array(fact))
        if prepared.spec.predict and not len(history):
            history.facts.update(_predicted(prepared, iterate, history))


def _judge(history: History, stop: Stop, *, is_relative: bool = False, last_stage: bool = True) -> Status | None:
    """The status that follows from the recorded objective, which depends on the history alone, also for a resumed run.

    Args:
        history: The rows so far.
        stop: The stopping criteria.
        is_relative: Whether the tolerance applies to the objective itself instead of its ratio to the initial value.
        last_stage: Whether the method and the weights of the terms stay the same from now on; in earlier stages a run does not
            converge.
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


def _predicted(prepared: PreparedRun, iterate: SpaceIterate, history: History) -> Mapping[str, Any]:
    """The prediction for each watched mode before the run, or the reason why there is none, as facts."""
    predictor = prepared.iteration.find(Predicts)
    if predictor is None:
        return {}
    import numpy as np
    import torch

    from pdefreq.core.errors import IncompatibleError
    from pdefreq.spectrum.predicted import PREDICTED_STEPS, StoredPrediction
    from pdefreq.spectrum.watched import WatchedModes

    watched, target = WatchedModes.in_facts(history.facts), prepared.target
    if not len(watched):
        return {}
    modes = target.families.modes(watched.kind, watched.indices)
    values = None if target.solution is None else torch.from_numpy(target.solution.values(modes.points(iterate.space)))
    hand_overs = [step + PREDICTED_STEPS for step in hand_over_steps_of(prepared.iteration)]
    steps = np.unique(np.concatenate([PREDICTED_STEPS, *hand_overs]))
    try:
        prediction = predictor.predict(modes, torch.from_numpy(steps), values, cheap=True)
    except IncompatibleError as error:
        return StoredPrediction(str(error)).facts()
    return {} if prediction is None else _stored_prediction(prediction, steps).facts()


def _stored_prediction(prediction: Prediction, steps: np.ndarray) -> StoredPrediction:
    """A prediction as arrays."""
    from pdefreq.spectrum.predicted import StoredPrediction

    return StoredPrediction(
        prediction.note,
        rates=_array(prediction.rates),
        curves=_array(prediction.curves.abs()),
        steps=steps,
        start_step=prediction.start_step,
        rayleigh_quotients=None if prediction.rayleigh_quotients is None else _array(prediction.rayleigh_quotients),
        eigen_residuals=None if prediction.eigen_residuals is None else _array(prediction.eigen_residuals),
        phases=_array(prediction.curves.angle()) if prediction.curves.is_complex() else None,
    )


def is_finite(state: State) -> bool:
    """Whether all coefficients are finite."""
    return bool(state.coefficients.isfinite().all())


def _array(value: Any) -> Any:
    import numpy as np

    return value.detach().cpu().numpy() if hasattr(value, "detach") else np.asarray(value)
