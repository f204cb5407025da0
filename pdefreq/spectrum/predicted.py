"""What theory said of each mode before a run, as it is kept among the facts of the history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pdefreq.history import Schedule
from pdefreq.spectrum.rates import decay_rates, half_time


def _steps(last: int) -> np.ndarray:
    schedule, steps = Schedule(dense=100, per_decade=50), [0]
    while steps[-1] < last:
        steps.append(schedule.after(steps[-1]))
    return np.array(steps)


PREDICTED_STEPS = _steps(10**7)
"""At which steps curves are kept, whatever the budget: a run may be resumed."""


def predicted_facts(curves: np.ndarray, rates: np.ndarray, note: np.ndarray) -> dict[str, np.ndarray]:
    """Facts that `PredictedErrors.read` understands.

    Args:
        curves: Errors over their initial values at `PREDICTED_STEPS`, shape ``(T, m)``.
        rates: Shape ``(m,)``, nan where there is no single one.
        note: Where they come from, a text.
    """
    return {
        "mode_predicted_steps": PREDICTED_STEPS,
        "mode_predicted_curve": curves,
        "mode_predicted_rate": rates,
        "mode_predicted_note": note,
    }


@dataclass(frozen=True)
class PredictedErrors:
    """Predicted relative errors of m modes, up to the step at which a run ended.

    Args:
        step: Shape ``(T,)``; empty where there is no prediction.
        error: Shape ``(T, m)``.
        rate: Decay -d log e / d step where theory has one number, shape ``(m,)``; else nan.
        note: Where they come from, or why there are none; it may be empty.
    """

    step: np.ndarray
    error: np.ndarray
    rate: np.ndarray
    note: str

    @classmethod
    def read(cls, facts: Mapping[str, Any], start: np.ndarray, last: float) -> PredictedErrors:
        """What the facts of a history say.

        Args:
            facts: Of the history.
            start: Measured relative errors at step 0, shape ``(m,)``: curves are predicted in units of these.
            last: The step at which the run ended.
        """
        note = str(facts.get("mode_predicted_note", ""))
        if "mode_predicted_curve" not in facts:
            return cls(np.empty(0), np.empty((0, len(start))), np.full(len(start), np.nan), note)
        step = np.asarray(facts["mode_predicted_steps"], dtype=float)
        shown = step <= last
        error = start * np.asarray(facts["mode_predicted_curve"], dtype=float)[shown]
        return cls(step[shown], error, np.asarray(facts["mode_predicted_rate"], dtype=float), note)

    def __len__(self) -> int:
        return len(self.step)

    def take(self, which: np.ndarray) -> PredictedErrors:
        """These modes only."""
        return PredictedErrors(self.step, self.error[:, which], self.rate[which], self.note)

    def half_steps(self) -> np.ndarray:
        """Predicted t_k(0.5), shape ``(m,)``: inf where the run ends before it, nan where nothing is predicted."""
        return half_time(self.step, self.error) if len(self) else np.full(len(self.rate), np.nan)

    def rates(self) -> np.ndarray:
        """Predicted rates, shape ``(m,)``: where theory has no single one, that of the curve, measured as that of the run is."""
        if not len(self):
            return self.rate
        return np.where(np.isnan(self.rate), decay_rates(self.step, self.error), self.rate)
