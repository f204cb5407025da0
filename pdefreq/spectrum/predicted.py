"""What theory said of each mode before a run, as it is kept among the facts of the history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

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


def predicted_facts(
    curves: np.ndarray,
    rates: np.ndarray,
    note: np.ndarray,
    *,
    steps: np.ndarray = PREDICTED_STEPS,
    since: int = 0,
    own_rates: np.ndarray | None = None,
    coupling: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """Facts that `PredictedErrors.read` understands.

    Args:
        curves: Errors over those at the step `since`, shape ``(T, m)``; what stands before it does not count.
        rates: Shape ``(m,)``, nan where there is no single one.
        note: Where they come from, a text.
        steps: Shape ``(T,)``.
        since: The step from which on errors are predicted, in units of what is measured there.
        own_rates: What a step takes off each mode alone, shape ``(m,)``; None where it is unknown.
        coupling: How far that rate holds, shape ``(m,)``; None where it is unknown.
    """
    facts = {"mode_predicted_rate": rates, "mode_predicted_note": note}
    if np.isfinite(curves).any():
        facts |= {"mode_predicted_steps": steps, "mode_predicted_curve": curves, "mode_predicted_since": np.array(since)}
    if own_rates is not None and coupling is not None:
        facts |= {"mode_own_rate": own_rates, "mode_coupling": coupling}
    return facts


@dataclass(frozen=True)
class PredictedErrors:
    """Predicted relative errors of m modes, up to the step at which a run ended.

    Args:
        step: Shape ``(T,)``; empty where there is no prediction.
        error: Shape ``(T, m)``.
        rate: Decay -d log e / d step where theory has one number, shape ``(m,)``; else nan.
        own_rate: What a step takes off a mode alone, shape ``(m,)``; nan where it is unknown.
        coupling: How far the own rate holds, shape ``(m,)``; nan where it is unknown.
        note: Where they come from, or why there are none; it may be empty.
        drift: How far the network has left its start at the end of the run; None where theory rests on no start.
    """

    step: np.ndarray
    error: np.ndarray
    rate: np.ndarray
    own_rate: np.ndarray
    coupling: np.ndarray
    note: str
    drift: Drift | None = None

    @classmethod
    def read(cls, facts: Mapping[str, Any], step: np.ndarray, error: np.ndarray) -> PredictedErrors:
        """What the facts of a history say, up to its last record.

        Args:
            facts: Of the history.
            step: When each row was recorded, shape ``(rows,)``.
            error: Measured relative errors, shape ``(rows, m)``: curves are predicted in units of those of one row, the first
                from which on there is a prediction.
        """
        unknown = np.full(error.shape[1], np.nan)
        rate, own_rate, coupling = (
            np.asarray(facts.get(name, unknown), dtype=float)
            for name in ("mode_predicted_rate", "mode_own_rate", "mode_coupling")
        )
        note = str(facts.get("mode_predicted_note", ""))
        drift = Drift(*facts["mode_predicted_drift"].tolist()) if "mode_predicted_drift" in facts else None
        later = np.flatnonzero(step >= facts.get("mode_predicted_since", 0))
        if "mode_predicted_curve" not in facts or not len(later):
            return cls(np.empty(0), np.empty((0, len(unknown))), rate, own_rate, coupling, note, drift)
        at, curve = (np.asarray(facts[name], dtype=float) for name in ("mode_predicted_steps", "mode_predicted_curve"))
        shown = (at >= step[later[0]]) & (at <= step[-1])
        known = _between(at, curve, float(step[later[0]]))
        unit = np.divide(error[later[0]], known, out=np.zeros_like(known), where=known != 0)  # what is gone by then stays so
        return cls(at[shown], unit * curve[shown], rate, own_rate, coupling, note, drift)

    def __len__(self) -> int:
        return len(self.step)

    def take(self, which: np.ndarray) -> PredictedErrors:
        """These modes only."""
        columns = (self.rate[which], self.own_rate[which], self.coupling[which])
        return PredictedErrors(self.step, self.error[:, which], *columns, self.note, self.drift)

    @property
    def caveat(self) -> str:
        """That they do not hold, in words; empty where nothing speaks against them."""
        return "" if self.drift is None or self.drift.is_small else f"do not hold: {self.drift.in_words()}"

    def half_steps(self) -> np.ndarray:
        """Predicted t_k(0.5), shape ``(m,)``: inf where the run ends before it, nan where nothing is predicted."""
        return half_time(self.step, self.error) if len(self) else np.full(len(self.rate), np.nan)

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
