"""What theory says of each mode before a run, its form among the facts of a history, and the curves that follow for the run."""

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
"""At which steps curves are kept, whatever the budget: a run may be resumed."""


PREDICTABLE_DRIFT = 0.05
"""Up to which relative drift, of the kernel and of the parameters, a network counts as trained like its linearization.

The kernel alone does not tell: small eigenvalues, which late modes hang on, change before its norm does.
"""


class Drift(NamedTuple):
    """How far from the start what predictions of a network rest on has moved, over its size there.

    Args:
        kernel: Of the kernel, in the metric of the loss where nothing else is said.
        parameters: Of the coefficients, RD.
    """

    kernel: float
    parameters: float

    @property
    def is_small(self) -> bool:
        """Whether predictions from the start can still hold."""
        return max(self) <= PREDICTABLE_DRIFT

    def in_words(self) -> str:
        """Both numbers."""
        return f"the kernel of the loss has moved by {self.kernel:.2g} of itself and the parameters by {self.parameters:.2g}"


@dataclass(frozen=True, eq=False)
class StoredPrediction:
    """The prediction of the errors of m modes as it is stored with a history, or the reason why there is none.

    Args:
        note: Source of the prediction and when it holds, or why there is none; it may be empty.
        rates: Decay -d log e / d step where theory has one number, shape ``(m,)``, else nan; None where it is unknown.
        curves: Errors over those at the step `start_step`, shape ``(T, m)``; rows before that step do not count. None where they
            are unknown.
        steps: The steps of the curves, shape ``(T,)``.
        start_step: The step from which on errors are predicted, in units of those measured there.
        rayleigh_quotients: The relative decrease per step of an error that is one mode alone, shape ``(m,)``; None where it is
            unknown.
        eigen_residuals: Relative eigen-residuals of the modes, shape ``(m,)``; None where they are unknown.
        drift: How far the network has moved from its start at the end of the run; None where theory rests on no start.
        phases: Changes of the phases of the errors, radians, of the shape of `curves`; None where modes have no phase.
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
        """The prediction that the facts of a history hold; an empty one if they hold none."""

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
        """Arrays by name, from which `in_facts` makes the same prediction. Curves without a finite value are left out."""
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
            step: When each row was recorded, shape ``(rows,)``.
            error: Measured relative errors, shape ``(rows, m)``: curves are predicted in units of those of one row, the first
                from which on there is a prediction.
        """
        unknown = np.full(error.shape[1], np.nan)
        kept = (self.rates, self.rayleigh_quotients, self.eigen_residuals)
        rate, quotient, residual = (unknown if known is None else known for known in kept)
        later = np.flatnonzero(step >= self.start_step)
        if self.curves is None or not len(later):
            return PredictedErrors(np.empty(0), np.empty((0, len(unknown))), rate, quotient, residual, self.note, self.drift)
        shown = (self.steps >= step[later[0]]) & (self.steps <= step[-1])
        known = _between(self.steps, self.curves, float(step[later[0]]))
        unit = np.divide(error[later[0]], known, out=np.zeros_like(known), where=known != 0)  # what is gone by then stays so
        at, curves = self.steps[shown].astype(float), unit * self.curves[shown]
        phase_change = None
        if self.phases is not None and step[later[0]] in self.steps:
            phase_change = self.phases[shown] - self.phases[self.steps == step[later[0]]]
        return PredictedErrors(at, curves, rate, quotient, residual, self.note, self.drift, phase_change)


@dataclass(frozen=True, eq=False)
class PredictedErrors:
    """Predicted relative errors of m modes, up to the step at which a run ended.

    Args:
        step: Shape ``(T,)``; empty where there is no prediction.
        error: Shape ``(T, m)``.
        rate: Decay -d log e / d step where theory has one number, shape ``(m,)``; else nan.
        rayleigh_quotient: The relative decrease per step of an error that is one mode alone, shape ``(m,)``; nan where it is
            unknown.
        eigen_residual: Relative eigen-residual of each mode, shape ``(m,)``; nan where it is unknown.
        note: Where they come from, or why there are none; it may be empty.
        drift: How far the network has left its start at the end of the run; None where theory rests on no start.
        phase_change: Change of the phase of each error since the first of these steps, radians, shape ``(T, m)``; None where
            modes have no phase.
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
        """No prediction for m modes."""
        unknown = np.full(m, np.nan)
        return cls(np.empty(0), np.empty((0, m)), unknown, unknown, unknown, note)

    def __len__(self) -> int:
        return len(self.step)

    def take(self, places: np.ndarray) -> PredictedErrors:
        """These modes only."""
        columns = (self.rate[places], self.rayleigh_quotient[places], self.eigen_residual[places])
        phase_change = None if self.phase_change is None else self.phase_change[:, places]
        return PredictedErrors(self.step, self.error[:, places], *columns, self.note, self.drift, phase_change)

    @property
    def caveat(self) -> str:
        """That they do not hold, in words; empty where nothing speaks against them."""
        return "" if self.drift is None or self.drift.is_small else f"do not hold: {self.drift.in_words()}"

    @functools.cached_property
    def halving_steps(self) -> np.ndarray:
        """Predicted t_k(0.5), shape ``(m,)``: inf where the run ends before it, nan where nothing is predicted."""
        return halving_time(self.step, self.error) if len(self) else np.full(len(self.rate), np.nan)

    @functools.cached_property
    def rates(self) -> np.ndarray:
        """Predicted rates, shape ``(m,)``: where theory has no single one, that of the curve, measured as that of the run is."""
        if not len(self):
            return self.rate
        return np.where(np.isnan(self.rate), decay_rates(self.step, self.error), self.rate)


def _between(steps: np.ndarray, curves: np.ndarray, step: float) -> np.ndarray:
    """Curves at a step, shape ``(m,)``; between those at which they are known, of one exponential."""
    after = int(np.searchsorted(steps, step))
    if steps[after] == step:
        return curves[after]
    part = (step - steps[after - 1]) / (steps[after] - steps[after - 1])
    return curves[after - 1] ** (1 - part) * curves[after] ** part
