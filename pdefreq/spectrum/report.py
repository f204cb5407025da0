"""The spectrum of a finished run in a table and a sentence: worked out from recorded columns alone."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from pdefreq.spectrum.bias import bias_index
from pdefreq.spectrum.predicted import PredictedErrors
from pdefreq.spectrum.rates import decay_rates, half_time
from pdefreq.spectrum.wording import order_in_words, witnesses


@dataclass(frozen=True)
class ModeRow:
    """What is known of one mode; None where something is undefined.

    Args:
        index: Mode numbers along each axis of a box; elsewhere the number of the eigenvalue.
        wavevector: Angular, rad per unit length; None where modes have no direction.
        wavenumber: Its length, or the root of the eigenvalue.
        amplitude: |u^_k| of the target.
        error: Relative error at the end against the exact or reference solution.
        half_step: t_k(0.5) in steps, interpolated between records; None unless `status` is ``"halved"``.
        half_seconds: The same in seconds.
        rate: Measured decay -d log e_k / d step.
        predicted_rate: What theory says of it.
        predicted_half_step: What theory says of `half_step`; None where it says nothing, or beyond the end of the run.
        own_rate: What a step takes off an error that is this mode alone, by theory.
        coupling: How far that holds: what the mode passes on to others, over what it loses itself.
        status: Whether the error fell below one half for good, did not, or was there from the start.
    """

    index: tuple[int, ...]
    wavevector: tuple[float, ...] | None
    wavenumber: float
    amplitude: float
    error: float | None
    half_step: float | None
    half_seconds: float | None
    rate: float | None
    predicted_rate: float | None
    predicted_half_step: float | None
    own_rate: float | None
    coupling: float | None
    status: Literal["halved", "not halved", "below half from the start"]


@dataclass(frozen=True)
class SpectralReport:
    """Which frequencies converged, when, and in which order.

    Args:
        kind: The family of modes.
        rows: One for each watched mode, by wavenumber.
        wavenumbers: Those the user asked for.
        steps: The step at which the run ended.
        bias_index: B, the slope of log t_k(0.5) against log |xi_k|; None where it is undefined.
        bias_error: Its standard error.
        bias_bound: Whether modes that never arrived entered as the end of the run.
        bias_reason: Why there is no B; empty where there is one.
        bias_modes: Wavenumbers of the modes that entered.
        theory: Where predictions come from, or why there are none; it may be empty.
        sentence: The order in words; of a run without watched modes, why there are none.
        named: The modes that the sentence names.
    """

    kind: str
    rows: tuple[ModeRow, ...]
    wavenumbers: tuple[float, ...]
    steps: int
    bias_index: float | None
    bias_error: float | None
    bias_bound: bool
    bias_reason: str
    bias_modes: tuple[float, ...]
    theory: str
    sentence: str
    named: tuple[ModeRow, ...] = ()

    @classmethod
    def without_modes(cls, kind: str, reason: str, *, steps: int, wavenumbers: Iterable[float] = ()) -> SpectralReport:
        """Of a run in which no mode is watched, for a reason that its sentence tells."""
        return cls(
            kind=kind,
            rows=(),
            wavenumbers=tuple(wavenumbers),
            steps=steps,
            bias_index=None,
            bias_error=None,
            bias_bound=False,
            bias_reason=reason,
            bias_modes=(),
            theory="",
            sentence=f"No spectrum: {reason}",
        )

    def rows_to_print(self, limit: int = 12) -> tuple[ModeRow, ...]:
        """At most `limit` rows by wavenumber: those asked for, those that the sentence names, and those of largest amplitude."""
        strongest = sorted(self.rows, key=lambda row: -row.amplitude)
        chosen = dict.fromkeys([*nearest_rows(self.rows, self.wavenumbers), *self.named, *strongest])
        return tuple(sorted(list(chosen)[:limit], key=_order))


def spectral_report(
    *,
    steps: np.ndarray,
    seconds: np.ndarray,
    mode_error: np.ndarray,
    mode_error_total: np.ndarray,
    facts: Mapping[str, Any],
    wavenumbers: Iterable[float] = (),
) -> SpectralReport:
    """The report of a run.

    Args:
        steps: When each row was recorded, shape ``(rows,)``.
        seconds: The same in seconds.
        mode_error: Relative error of each mode, shape ``(rows, m)``: algebraic where the method has a limit, else total.
        mode_error_total: Against the exact or reference solution, shape ``(rows, m)``; nan where there is none.
        facts: What the spectral probe wrote to the history, ``mode_kind``, ``mode_indices`` and the like, and what
            `predicted_facts` holds of theory.
        wavenumbers: Angular wavenumbers whose rows matter most.
    """
    steps, mode_error = np.asarray(steps, dtype=float), np.asarray(mode_error, dtype=float)
    half_steps, magnitude = half_time(steps, mode_error), np.asarray(facts["mode_magnitude"], dtype=float)
    predicted = PredictedErrors.read(facts, steps, mode_error)
    columns = {
        "error": np.asarray(mode_error_total, dtype=float)[-1],
        "half_step": half_steps,
        "half_seconds": half_time(seconds, mode_error),
        "rate": decay_rates(steps, mode_error),
        "predicted_rate": predicted.rates(),
        "predicted_half_step": predicted.half_steps(),
        "own_rate": predicted.own_rate,
        "coupling": predicted.coupling,
    }
    bias = bias_index(magnitude, half_steps, last_step=steps[-1], complete=bool(facts["mode_complete"]))
    vectors = facts.get("mode_wavevectors")
    rows = tuple(
        ModeRow(
            index=tuple(np.asarray(facts["mode_indices"])[k].tolist()),
            wavevector=None if vectors is None else tuple(np.asarray(vectors)[k].tolist()),
            wavenumber=float(magnitude[k]),
            amplitude=float(facts["mode_amplitude"][k]),
            **{name: float(column[k]) if np.isfinite(column[k]) else None for name, column in columns.items()},
            status=_status(float(half_steps[k])),
        )
        for k in np.argsort(magnitude, kind="stable")
    )
    asked = tuple(wavenumbers)
    named = witnesses(rows, nearest_rows(rows, asked), bias)
    return SpectralReport(
        kind=str(facts["mode_kind"]),
        rows=rows,
        wavenumbers=asked,
        steps=int(steps[-1]),
        bias_index=bias.value,
        bias_error=bias.error,
        bias_bound=bias.bound,
        bias_reason=bias.reason,
        bias_modes=tuple(magnitude[list(bias.modes)].tolist()),
        theory=predicted.note,
        sentence=order_in_words(rows, named, bias, last_step=int(steps[-1])),
        named=named,
    )


def _status(half_step: float) -> Literal["halved", "not halved", "below half from the start"]:
    if math.isnan(half_step):
        return "below half from the start"
    return "halved" if math.isfinite(half_step) else "not halved"


def nearest_rows(rows: Sequence[ModeRow], wavenumbers: Iterable[float]) -> list[ModeRow]:
    """For each wavenumber the row of the nearest mode; the strongest of several at the same distance."""
    return [min(rows, key=lambda row: (abs(row.wavenumber - w), -row.amplitude)) for w in wavenumbers if rows]


def _order(row: ModeRow) -> tuple[float, tuple[int, ...]]:
    return row.wavenumber, row.index
