"""The spectrum of a run: its modes, their errors along the run, and derived quantities.

Tables, figures, exports, comparisons and experiments use this record. It computes halving times, rates and the bias index once,
from the columns and facts of a history.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np

from pdefreq.core.history import History
from pdefreq.spectrum.bias import BiasIndex, bias_index
from pdefreq.spectrum.predicted import Drift, PredictedErrors, StoredPrediction
from pdefreq.spectrum.rates import decay_rates, halving_time
from pdefreq.spectrum.watched import WatchedModes

ERROR, TOTAL, PHASE = "mode_error", "mode_error_total", "mode_error_phase"  # the columns of a history
_TINY = 1e-300  # replaces an error of zero in logarithms


@dataclass(frozen=True, eq=False)
class SpectralRecord:
    """Errors of m modes at the recorded steps of a run, in ascending order of wavenumber.

    Args:
        modes: The modes, with their amplitudes.
        step: The step of each row, shape ``(rows,)``, ascending.
        seconds: The same in seconds of steps.
        error: Relative errors, shape ``(rows, m)``: algebraic errors if the discrete solution is known, otherwise total errors.
        total: Relative errors against the exact or reference solution, shape ``(rows, m)``; nan without a solution.
        prediction: The prediction for the same modes before the run.
        column: The position of each mode in the columns of the history, shape ``(m,)``; by default the order of the modes.
        phase: Phases of the errors, radians, shape ``(rows, m)``; None for families whose coefficients are real.
    """

    modes: WatchedModes
    step: np.ndarray
    seconds: np.ndarray
    error: np.ndarray
    total: np.ndarray
    prediction: PredictedErrors
    column: np.ndarray = field(default=None)  # pyright: ignore[reportAssignmentType]  # None is replaced below
    phase: np.ndarray | None = None

    def __post_init__(self) -> None:
        if self.column is None:
            object.__setattr__(self, "column", np.arange(len(self.modes)))

    def halved_after(self, row: int) -> np.ndarray:
        """The numbers of steps from a row until the error of each mode stays at or below half of its value there; nan if never.

        Args:
            row: The row.
        """
        return halving_time(self.step[row:] - self.step[row], self.error[row:] / self.error[row])

    @classmethod
    def of(cls, history: History) -> Self:
        """The spectrum in a history; a record without modes if there is none."""
        rows = len(history)
        modes = WatchedModes.in_facts(history.facts) if ERROR in history else WatchedModes.none()
        step, seconds = (history.column(name).astype(float) if rows else np.empty(0) for name in ("step", "seconds"))
        error, total = (
            history.column(name).astype(float).reshape(rows, len(modes)) if len(modes) else np.empty((rows, 0))
            for name in (ERROR, TOTAL)
        )
        prediction = StoredPrediction.in_facts(history.facts).along(step, error) if len(modes) else PredictedErrors.none(0)
        phase = history.column(PHASE).astype(float) if len(modes) and PHASE in history else None
        record = cls(modes, step, seconds, error, total, prediction, phase=phase)
        return record.take(np.argsort(modes.wavenumber, kind="stable"))

    def __len__(self) -> int:
        return len(self.modes)

    @property
    def has_steps(self) -> bool:
        """Whether there are modes and records after step 0."""
        return len(self) > 0 and self.last_step >= 1

    @property
    def last_step(self) -> int:
        """The last recorded step; 0 without records."""
        return int(self.step.max(initial=0))

    @functools.cached_property
    def halving_steps(self) -> np.ndarray:
        """t_k(0.5) in steps, shape ``(m,)``: inf if the error ends above one half, nan if it starts at or below it."""
        return halving_time(self.step, self.error) if len(self.step) else np.full(len(self), np.nan)

    @functools.cached_property
    def halving_seconds(self) -> np.ndarray:
        """t_k(0.5) in seconds, with inf and nan as in `halving_steps`."""
        return halving_time(self.seconds, self.error) if len(self.step) else np.full(len(self), np.nan)

    @functools.cached_property
    def rates(self) -> np.ndarray:
        """Measured decay -d log e_k / d step, shape ``(m,)``; nan if log e_k has no straight window."""
        return decay_rates(self.step, self.error)

    @functools.cached_property
    def bias(self) -> BiasIndex:
        """The bias index B of the modes above the threshold, which does not depend on the wavenumbers that a problem names."""
        (places,) = np.nonzero(self.modes.above_threshold)
        found = bias_index(
            self.modes.wavenumber[places], self.halving_steps[places], last_step=self.last_step, complete=self.modes.complete
        )
        return replace(found, modes=tuple(places[list(found.modes)].tolist()))

    @functools.cached_property
    def front(self) -> np.ndarray:
        """The step after which each error stays at or below one half, shape ``(m,)``.

        It is 0 for a mode that starts at or below one half, inf for another mode that ends above one half, and nan for a mode
        with an unknown error.
        """
        return np.where(np.isnan(self.halving_steps) & np.isfinite(self.error).any(axis=0), 0.0, self.halving_steps)

    def resampled(self, steps: np.ndarray) -> np.ndarray:
        """Errors at other steps, ``(len(steps), m)``; log(error) is interpolated in log(1 + step); nan after the last record."""
        at, known = np.log1p(steps), np.log1p(self.step)
        columns = []
        for error in self.error.T:
            fine = np.isfinite(error)
            if not fine.any():
                columns.append(np.full(len(steps), np.nan))
                continue
            logs = np.log(np.maximum(error[fine], _TINY))
            columns.append(np.exp(np.interp(at, known[fine], logs, right=np.nan)))
        return np.stack(columns, axis=1) if columns else np.empty((len(steps), 0))

    def take(self, places: np.ndarray) -> Self:
        """A selection of the modes, by index and in this order."""
        return replace(
            self,
            modes=self.modes.take(places),
            error=self.error[:, places],
            total=self.total[:, places],
            prediction=self.prediction.take(places),
            column=self.column[places],
            phase=None if self.phase is None else self.phase[:, places],
        )

    def pick(self, max_modes: int, wavenumbers: Iterable[float] = ()) -> Self:
        """The record of at most `max_modes` modes: first the nearest to the given wavenumbers, then the largest amplitudes."""
        return self.take(self.modes.strongest(max_modes, wavenumbers))

    def numbered(self, numbers: Sequence[int]) -> Self:
        """The record of the modes with these numbers, for a family with one number per mode."""
        known = self.modes.indices[:, 0].tolist()
        return self.take(np.array([known.index(number) for number in numbers], dtype=int))

    def of_total_errors(self) -> Self:
        """The same record with total errors instead of algebraic errors, and without a prediction."""
        return replace(self, error=self.total, prediction=PredictedErrors.none(len(self)), phase=None)


def common_modes(runs: Sequence[SpectralRecord], max_modes: int, wavenumbers: Iterable[float] = ()) -> list[SpectralRecord]:
    """The modes that all runs with modes have in common, selected by the amplitudes of the first run."""
    places = [{key: place for place, key in enumerate(run.modes.keys)} for run in runs]
    watching = [k for k, run in enumerate(runs) if len(run)]
    if not watching:
        return list(runs)
    shared = set.intersection(*(set(places[k]) for k in watching))
    first = places[watching[0]]
    here = np.array([place for key, place in first.items() if key in shared], dtype=int)
    keys = runs[watching[0]].take(here).pick(max_modes, wavenumbers).modes.keys
    return [
        run.take(np.array([place[key] for key in keys], dtype=int)) if len(run) else run
        for run, place in zip(runs, places, strict=True)
    ]


def keep_drift(history: History, drift: Drift) -> bool:
    """Store the drift, which determines whether predicted curves are valid; False if there are no curves."""
    stored = StoredPrediction.in_facts(history.facts)
    if stored.curves is None:
        return False
    history.facts.update(replace(stored, drift=drift).facts())
    return True
