"""Predictions for each mode, their form among the facts of a history, and the predicted errors of a run."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

import numpy as np

from pdefreq.core.history import Schedule
from pdefreq.spectrum.rates import decay_rates, halving_time


def _steps(last: int) -> np.ndarray:
    schedule, steps = Schedule(dense=100, per_decade=50), [0]
    while steps[-1] < last:
        steps.append(schedule.after(steps[-1]))
    return np.array(steps)


PREDICTED_STEPS = _steps(10**7)
"""Steps at which curves are stored for every budget, since runs may be resumed."""


def halved(steps: np.ndarray, curves: np.ndarray) -> np.ndarray:
    """The steps after which predicted curves, shape ``(len(steps), m)``, stay at or below one half; nan if never."""
    return halving_time(steps, curves)


PREDICTABLE_DRIFT = 0.05
"""Largest relative drift of the kernel and of the parameters for which predictions by linearization are valid.

The norm of the kernel is not sufficient: small eigenvalues, on which late modes depend, change before the norm does.
"""


class Drift(NamedTuple):
    """The drift of the kernel and of the parameters of a network from their initial values, relative to these.

    Args:
        kernel: Drift of the kernel, by default in the metric of the loss.
        parameters: Drift of the parameters, RD.
    """

    kernel: float
    parameters: float

    @property
    def is_small(self) -> bool:
        """Whether predictions from the initial state can be valid."""
        return max(self) <= PREDICTABLE_DRIFT

    def in_words(self) -> str:
        """A phrase with both numbers."""
        return f"the kernel of the loss has moved by {self.kernel:.2g} of itself and the parameters by {self.parameters:.2g}"


@dataclass(frozen=True, eq=False)
class StoredPrediction:
    """The predicted errors of m modes as stored with a history, or the reason why nothing is predicted.

    Args:
        note: Source and assumptions of the prediction, or the reason why there is none; it may be empty.
        rates: Decay -d log e / d step, shape ``(m,)``; nan for a mode without a single rate, None if unknown.
        curves: Errors relative to those at the step `start_step`, shape ``(T, m)``; rows before that step are not used. None if
            unknown.
        steps: The steps of the curves, shape ``(T,)``.
        start_step: The first predicted step; errors are relative to those measured at this step.
        rayleigh_quotients: The relative decrease per step of an error that is one mode alone, shape ``(m,)``; None if
            unknown.
        eigen_residuals: Relative eigen-residuals of the modes, shape ``(m,)``; None if unknown.
        drift: The drift of the network at the end of the run; None if the prediction does not depend on an initial state.
        phases: Changes of the phases of the errors, radians, of the shape of `curves`; None for modes without phases.
    """

    note: str = ""
    rates: np.ndarray | None = None
    curves: np.ndarray | None = None
    steps: np.ndarray = field(default_factory=lambda: PREDICTED_STEPS)
    start_step: int = 0
    rayleigh_quotients: np.ndarray | None = None
    eigen_residuals: np.ndarray | None = None
    drift: Drift | None = None
    phases: np.ndarray | None = None

    @classmethod
    def in_facts(cls, facts: Mapping[str, Any]) -> Self:
        """The prediction in the facts of a history; an empty one if there is none."""

        def array(name: str) -> np.ndarray | None:
            return np.asarray(facts[name], dtype=float) if name in facts else None

        curves = array("mode_predicted_curve")
        return cls(
            note=str(facts.get("mode_predicted_note", "")),
            rates=array("mode_predicted_rate"),
            curves=curves,
            steps=PREDICTED_STEPS if curves is None else np.asarray(facts["mode_predicted_steps"]),
            start_step=int(facts.get("mode_predicted_start_step", 0)),
            rayleigh_quotients=array("mode_rayleigh_quotient"),
            eigen_residuals=array("mode_eigen_residual"),
            drift=Drift(*facts["mode_predicted_drift"].tolist()) if "mode_predicted_drift" in facts else None,
            phases=array("mode_predicted_phase"),
        )

    def facts(self) -> dict[str, np.ndarray]:
        """Arrays by name, from which `in_facts` restores the prediction. Curves without a finite value are omitted."""
        facts = {"mode_predicted_note": np.array(self.note)}
        if self.rates is not None:
            facts["mode_predicted_rate"] = self.rates
        if self.curves is not None and np.isfinite(self.curves).any():
            facts["mode_predicted_steps"], facts["mode_predicted_curve"] = self.steps, self.curves
            facts["mode_predicted_start_step"] = np.array(self.start_step)
            if self.phases is not None:
                facts["mode_predicted_phase"] = self.phases
        if self.rayleigh_quotients is not None and self.eigen_residuals is not None:
            facts["mode_rayleigh_quotient"], facts["mode_eigen_residual"] = self.rayleigh_quotients, self.eigen_residuals
        if self.drift is not None:
            facts["mode_predicted_drift"] = np.array(self.drift)
        return facts

    def along(self, step: np.ndarray, error: np.ndarray) -> PredictedErrors:
        """The predicted errors of a run, up to its last record.

        Args:
            step: The step of each row, shape ``(rows,)``.
            error: Measured relative errors, shape ``(rows, m)``; curves are relative to those of the first predicted row.
        """
        unknown = np.full(error.shape[1], np.nan)
        kept = (self.rates, self.rayleigh_quotients, self.eigen_residuals)
        rate, quotient, residual = (unknown if known is None else known for known in kept)
        later = np.flatnonzero(step >= self.start_step)
        if self.curves is None or not len(later):
            return PredictedErrors(np.empty(0), np.empty((0, len(unknown))), rate, quotient, residual, self.note, self.drift)
        shown = (self.steps >= step[later[0]]) & (self.steps <= step[-1])
        known = _between(self.steps, self.curves, float(step[later[0]]))
        unit = np.divide(
            error[later[0]], known, out=np.zeros_like(known), where=known != 0
        )  # errors that are zero then stay zero
        at, curves = self.steps[shown].astype(float), unit * self.curves[shown]
        phase_change = None
        if self.phases is not None and step[later[0]] in self.steps:
            phase_change = self.phases[shown] - self.phases[self.steps == step[later[0]]]
        return PredictedErrors(at, curves, rate, quotient, residual, self.note, self.drift, phase_change)


@dataclass(frozen=True, eq=False)
class PredictedErrors:
    """Predicted relative errors of m modes, up to the step at which a run ended.

    Args:
        step: The steps, shape ``(T,)``; empty without a prediction.
        error: The errors, shape ``(T, m)``.
        rate: Decay -d log e / d step, shape ``(m,)``; nan for a mode without a single rate.
        rayleigh_quotient: The relative decrease per step of an error that is one mode alone, shape ``(m,)``; nan if
            unknown.
        eigen_residual: Relative eigen-residual of each mode, shape ``(m,)``; nan if unknown.
        note: The source, or the reason why there are none; it may be empty.
        drift: The drift of the network at the end of the run; None if the prediction does not depend on an initial state.
        phase_change: Change of the phase of each error since the first of these steps, radians, shape ``(T, m)``; None for
            modes without phases.
    """

    step: np.ndarray
    error: np.ndarray
    rate: np.ndarray
    rayleigh_quotient: np.ndarray
    eigen_residual: np.ndarray
    note: str
    drift: Drift | None = None
    phase_change: np.ndarray | None = None

    @classmethod
    def none(cls, m: int, note: str = "") -> Self:
        """An empty prediction for m modes."""
        unknown = np.full(m, np.nan)
        return cls(np.empty(0), np.empty((0, m)), unknown, unknown, unknown, note)

    def __len__(self) -> int:
        return len(self.step)

    def take(self, places: np.ndarray) -> PredictedErrors:
        """A selection of the modes."""
        columns = (self.rate[places], self.rayleigh_quotient[places], self.eigen_residual[places])
        phase_change = None if self.phase_change is None else self.phase_change[:, places]
        return PredictedErrors(self.step, self.error[:, places], *columns, self.note, self.drift, phase_change)

    @property
    def caveat(self) -> str:
        """A sentence if the drift makes the predictions invalid; otherwise empty."""
        return "" if self.drift is None or self.drift.is_small else f"do not hold: {self.drift.in_words()}"

    @functools.cached_property
    def halving_steps(self) -> np.ndarray:
        """Predicted t_k(0.5), shape ``(m,)``: inf if the run ends before it, nan without a prediction."""
        return halving_time(self.step, self.error) if len(self) else np.full(len(self.rate), np.nan)

    @functools.cached_property
    def rates(self) -> np.ndarray:
        """Predicted rates, shape ``(m,)``; for a mode without a single rate, that of its curve, measured like that of the run."""
        if not len(self):
            return self.rate
        return np.where(np.isnan(self.rate), decay_rates(self.step, self.error), self.rate)


def _between(steps: np.ndarray, curves: np.ndarray, step: float) -> np.ndarray:
    """Values of the curves at a step, shape ``(m,)``, interpolated exponentially between the stored steps."""
    after = int(np.searchsorted(steps, step))
    if steps[after] == step:
        return curves[after]
    part = (step - steps[after - 1]) / (steps[after] - steps[after - 1])
    return curves[after - 1] ** (1 - part) * curves[after] ** part
