"""The recorder: at a recorded step it measures, appends a row, and tests whether the run is to stop."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pdefreq.core.history import History, Status
from pdefreq.iterations.defaults import (
    columns_of,
    discrete_solution_of,
    final_status_of,
    hand_over_steps_of,
    is_last_stage,
    objective_kind_of,
)
from pdefreq.iterations.protocols import Certifies, HasFunctional, ObjectiveKind, Predicts
from pdefreq.runs.stopping import status_from

if TYPE_CHECKING:
    import numpy as np

    from pdefreq.iterations.iteration import State
    from pdefreq.iterations.protocols import Prediction
    from pdefreq.probes.iterate import SpaceIterate
    from pdefreq.probes.probe import Measurement
    from pdefreq.runs.position import Position
    from pdefreq.runs.prepared_run import PreparedRun
    from pdefreq.spectrum.predicted import StoredPrediction


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
        row = self.columns(state)
        finite = math.isfinite(row["objective"]) and is_finite(state)
        certified = self._certified(state, step) if finite else {}
        history.record({"step": step, "seconds": seconds, **row, **certified})
        if not finite:
            return Status.NON_FINITE if step else Status.NON_FINITE_START
        if state.done:
            return final_status_of(prepared.iteration, state)
        is_relative = objective_kind_of(prepared.iteration) is ObjectiveKind.RELATIVE_RESIDUAL
        last = is_last_stage(prepared.iteration, state)
        return status_from(history, prepared.spec.stop, is_relative=is_relative, last_stage=last)

    def columns(self, state: State) -> dict[str, Any]:
        """The columns of a row that belong to a state: its objective and, if it is finite, what the probes measure."""
        iteration = self._prepared.iteration
        terms = {name: float(value) for name, value in iteration.objective(state).items()}
        row: dict[str, Any] = {"unknowns": state.space.num_coefficients, "objective": sum(terms.values())}
        row |= {f"objective.{name}": value for name, value in terms.items()}
        if math.isfinite(row["objective"]) and is_finite(state):
            row |= {name: float(value) for name, value in columns_of(iteration, state).items()}
            iterate = self._measured(state)
            for measurement in self._measurements:
                row |= measurement(iterate)
        return row

    def result_columns(self, result: State, end: Position) -> dict[str, Any]:
        """The columns of the state that a run returns: those of its row, or a measurement if no row belongs to it.

        Args:
            result: The state.
            end: The last position of the run.

        Returns:
            The columns by name, without the step and the seconds; empty if no step was recorded.
        """
        rows = end.history.before(end.step + 1)  # after a failure rows of bad states follow
        if not len(rows):
            return {}
        if is_same(result, end.state) and rows.last("step") == end.step:
            return {name: rows.last(name) for name in rows.names if name not in ("step", "seconds")}
        return self.columns(result)

    def _certified(self, state: State, step: int) -> dict[str, Any]:
        """The columns of the certificate at steps 0, 1, 2, 5, 10, 20, 50 and so on, since each takes about as long as a step."""
        from pdefreq.spectrum.watched import WatchedModes

        certifier = self._prepared.iteration.find(Certifies)
        if certifier is None or step != _rounded(step):
            return {}
        watched = WatchedModes.in_facts(self._history.facts)
        if not len(watched):
            return {}
        found = certifier.certificate(state, self._prepared.target.families.modes(watched.kind, watched.indices))
        return {} if found is None else dict(found.columns())

    def _measured(self, state: State) -> SpaceIterate:
        """The iterate that all probes of a row share; if its space is new, the probes are prepared for it."""
        from pdefreq.probes.iterate import Iterate

        objective = self._prepared.iteration.find(HasFunctional)
        functional = None if objective is None else functools.partial(objective.functional, state)
        if self._iterate is not None and self._iterate.space is state.space:
            self._iterate = self._iterate.member(state.coefficients, functional)
        else:
            self._iterate = Iterate.of_state(state, functional)
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


def _rounded(step: int) -> int:
    """The largest of the numbers 0, 1, 2, 5, 10, 20, 50, ... that is at most a step."""
    if step == 0:
        return 0
    power = 10 ** int(math.log10(step) + 1e-9)
    return max(factor * power for factor in (1, 2, 5) if factor * power <= step)


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


def is_same(one: State, other: State) -> bool:
    """Whether two states have the same coefficients."""
    import torch

    return one is other or torch.equal(one.coefficients, other.coefficients)


def is_finite(state: State) -> bool:
    """Whether all coefficients are finite."""
    return bool(state.coefficients.isfinite().all())


def _array(value: Any) -> Any:
    import numpy as np

    return value.detach().cpu().numpy() if hasattr(value, "detach") else np.asarray(value)
