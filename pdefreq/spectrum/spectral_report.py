"""The spectrum of a finished run as a table and a sentence."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from pdefreq.core.text_table import text_table
from pdefreq.spectrum.bias import FEW_STEPS, Relation
from pdefreq.spectrum.rows import ModeRow
from pdefreq.spectrum.wording import order_in_words, witnesses

if TYPE_CHECKING:
    from pdefreq.spectrum.spectral_record import SpectralRecord


@dataclass(frozen=True, repr=False)
class SpectralReport:
    """The frequencies of a run, with the steps and the order of their convergence.

    Args:
        kind: The mode family.
        rows: One row for each watched mode, by wavenumber.
        wavenumbers: The wavenumbers that the problem names.
        steps: The step at which the run ended.
        bias_index: B, the slope of log t_k(0.5) against log |xi_k|; None if undefined.
        bias_error: The standard error of the slope.
        bias_relation: Whether the bias index of a longer run is at least or at most this one; see `BiasIndex`.
        bias_reason: The reason if there is no B; otherwise empty.
        bias_modes: Wavenumbers of the modes used for B.
        theory: The source of predictions, or the reason why there are none; it may be empty.
        sentence: The order in words, or the reason why no modes are watched.
        named: The modes that the sentence names.
        asked: The nearest mode for each of the wavenumbers.
    """

    kind: str
    rows: tuple[ModeRow, ...]
    wavenumbers: tuple[float, ...]
    steps: int
    bias_index: float | None
    bias_error: float | None
    bias_relation: Relation
    bias_reason: str
    bias_modes: tuple[float, ...]
    theory: str
    sentence: str
    named: tuple[ModeRow, ...] = ()
    asked: tuple[ModeRow, ...] = ()

    def __repr__(self) -> str:
        shown = ("wavenumber", "amplitude", "error", "halving_step", "rate")
        lines = text_table(shown, [vars(row) for row in self.rows]) if self.rows else []
        return "\n".join([f"<{len(self.rows)} {self.kind} modes: {self.sentence}>", *lines])

    @classmethod
    def of(cls, record: SpectralRecord, wavenumbers: Iterable[float] = (), result: np.ndarray | None = None) -> SpectralReport:
        """The report of a run that watched modes.

        Args:
            record: The spectrum of the run, up to its last good row.
            wavenumbers: Angular wavenumbers of the preferred rows.
            result: The total errors of the result, ``(m,)``, in the order of the history; by default those of the last row.
        """
        modes, bias, wavenumbers = record.modes, record.bias, tuple(wavenumbers)
        columns = {
            "error": record.total[-1] if result is None else result[record.column],
            "halving_step": record.halving_steps,
            "halving_seconds": record.halving_seconds,
            "rate": record.rates,
            "predicted_rate": record.prediction.rates,
            "predicted_halving_step": record.prediction.halving_steps,
            "rayleigh_quotient": record.prediction.rayleigh_quotient,
            "eigen_residual": record.prediction.eigen_residual,
        }
        rows = tuple(
            ModeRow(
                index=tuple(modes.indices[k].tolist()),
                wavevector=None if modes.wavevectors is None else tuple(modes.wavevectors[k].tolist()),
                wavenumber=float(modes.wavenumber[k]),
                amplitude=float(modes.amplitude[k]),
                **{name: float(column[k]) if np.isfinite(column[k]) else None for name, column in columns.items()},
                status=_status(float(record.halving_steps[k]), is_known=bool(np.isfinite(record.error[:, k]).any())),
            )
            for k in range(len(record))
        )
        asked = tuple(rows[k] for k in modes.nearest(wavenumbers))
        named = witnesses(rows, asked, bias)
        return cls(
            kind=modes.kind,
            rows=rows,
            wavenumbers=wavenumbers,
            steps=record.last_step,
            bias_index=bias.value,
            bias_error=bias.error,
            bias_relation=bias.relation,
            bias_reason=bias.reason,
            bias_modes=tuple(modes.wavenumber[list(bias.modes)].tolist()),
            theory=record.prediction.note,
            sentence=order_in_words(rows, named, bias, last_step=record.last_step),
            named=named,
            asked=asked,
        )

    @classmethod
    def without_modes(cls, kind: str, reason: str, *, steps: int, wavenumbers: Iterable[float] = ()) -> SpectralReport:
        """The report of a run without watched modes, with the reason as its sentence."""
        return cls(
            kind=kind,
            rows=(),
            wavenumbers=tuple(wavenumbers),
            steps=steps,
            bias_index=None,
            bias_error=None,
            bias_relation="=",
            bias_reason=reason,
            bias_modes=(),
            theory="",
            sentence=f"No spectrum: {reason}",
        )

    @property
    def halving_spread(self) -> float | None:
        """The largest t_k(0.5) over the smallest, in steps.

        None unless all modes that started above one half were halved, and the last one after more than `FEW_STEPS` steps.
        """
        steps = [row.halving_step for row in self.rows if row.status != "below half at the start"]
        known = [step for step in steps if step is not None and step > 0]
        is_resolved = len(known) > 1 and len(known) == len(steps) and max(known) > FEW_STEPS
        return max(known) / min(known) if is_resolved else None

    def rows_to_print(self, max_modes: int = 12) -> tuple[ModeRow, ...]:
        """Rows by wavenumber: all requested ones, then those that the sentence names and the strongest, up to `max_modes`."""
        strongest = sorted(self.rows, key=lambda row: -row.amplitude)
        chosen = dict.fromkeys([*self.asked, *self.named, *strongest])
        return tuple(sorted(list(chosen)[: max(max_modes, len({*self.asked}))], key=_order))

    def own_error(self, row: ModeRow, reference_error: float) -> float:
        """The relative error of a mode that the reference solution may have itself; smaller errors can't be told.

        Args:
            row: The mode.
            reference_error: Relative L2 error of the reference solution; 0 for an exact solution.
        """
        size = math.hypot(*(each.amplitude for each in self.rows))
        return reference_error * size / row.amplitude if row.amplitude > 0 else 0.0


def _status(halving_step: float, *, is_known: bool) -> Literal["halved", "not halved", "below half at the start", "unknown"]:
    if not is_known:
        return "unknown"
    if math.isnan(halving_step):
        return "below half at the start"
    return "halved" if math.isfinite(halving_step) else "not halved"


def _order(row: ModeRow) -> tuple[float, tuple[int, ...]]:
    return row.wavenumber, row.index
