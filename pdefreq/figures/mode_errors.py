"""What a history says of the modes: read once, in ascending wavenumber, so that every figure shows them alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np

from pdefreq.figures.style import wavenumber_label
from pdefreq.history import History
from pdefreq.spectrum.bias import BiasIndex, bias_index
from pdefreq.spectrum.predicted import PredictedErrors
from pdefreq.spectrum.rates import half_time

_TINY = 1e-300  # stands for an error of zero where a logarithm is taken


@dataclass(frozen=True)
class ModeErrors:
    """Errors of m modes at the recorded steps.

    Args:
        step: Shape ``(rows,)``.
        seconds: Shape ``(rows,)``.
        error: Relative errors, shape ``(rows, m)``.
        wavenumber: |xi| of each mode, ascending, shape ``(m,)``.
        amplitude: |u^_k| of the target, shape ``(m,)``.
        indices: Mode numbers along each axis, shape ``(m, d)``.
        column: Where each mode stands in the history, shape ``(m,)``.
        kind: The family, e.g. ``"sine"``.
        complete: Whether the family is a complete orthogonal one.
        predicted: What theory said of the same modes.
    """

    step: np.ndarray
    seconds: np.ndarray
    error: np.ndarray
    wavenumber: np.ndarray
    amplitude: np.ndarray
    indices: np.ndarray
    column: np.ndarray
    kind: str
    complete: bool
    predicted: PredictedErrors

    @classmethod
    def read(cls, history: History, name: str = "mode_error") -> ModeErrors:
        """The modes of a history; none where no spectrum was recorded.

        Args:
            history: Of one run.
            name: The column: ``"mode_error"`` or ``"mode_error_total"``.
        """
        rows, facts = len(history), history.facts
        step, seconds = (history.column(n).astype(float) if rows else np.empty(0) for n in ("step", "seconds"))
        if name not in history or "mode_magnitude" not in facts:
            none = np.empty(0)
            nothing = PredictedErrors.read({}, none, np.empty((0, 0)))
            return cls(
                step, seconds, np.empty((rows, 0)), none, none, np.empty((0, 1), int), np.empty(0, int), "", False, nothing
            )
        wavenumber = np.asarray(facts["mode_magnitude"], float)
        count = len(wavenumber)
        error = history.column(name).astype(float).reshape(rows, count)
        return cls(
            step,
            seconds,
            error,
            wavenumber,
            np.asarray(facts["mode_amplitude"], float),
            np.asarray(facts["mode_indices"]),
            np.arange(count),
            str(facts["mode_kind"]),
            bool(facts["mode_complete"]),
            PredictedErrors.read(facts, step, error),
        ).take(np.argsort(wavenumber, kind="stable"))

    def __len__(self) -> int:
        return len(self.wavenumber)

    def take(self, which: np.ndarray) -> ModeErrors:
        """These modes only, in this order."""
        own = {name: getattr(self, name)[which] for name in ("wavenumber", "amplitude", "indices", "column")}
        return replace(self, error=self.error[:, which], predicted=self.predicted.take(which), **own)

    def pick(self, limit: int, wavenumbers: Iterable[float] = ()) -> ModeErrors:
        """At most `limit` modes: those nearest to the given wavenumbers, then those of largest amplitude."""
        size = -np.nan_to_num(self.amplitude)
        asked = [int(np.lexsort((size, np.abs(self.wavenumber - w)))[0]) for w in wavenumbers if len(self)]
        chosen = list(dict.fromkeys([*asked, *np.argsort(size, kind="stable").tolist()]))[:limit]
        return self.take(np.array(sorted(chosen), dtype=int))

    @property
    def has_steps(self) -> bool:
        """Whether there are modes, and records after the start."""
        return len(self) > 0 and self.step.max(initial=0) >= 1

    def half_steps(self) -> np.ndarray:
        """The step after which each error stays at or below one half, shape ``(m,)``.

        It is 0 for a mode that starts there, inf for one that ends above, nan for one whose error is not known.
        """
        times = half_time(self.step, self.error)
        return np.where(np.isnan(times) & np.isfinite(self.error).any(axis=0), 0.0, times)

    def bias(self) -> BiasIndex:
        """The bias index over these modes."""
        return bias_index(
            self.wavenumber, half_time(self.step, self.error), last_step=float(self.step[-1]), complete=self.complete
        )

    @property
    def keys(self) -> list[tuple[str, ...]]:
        """What identifies each mode across runs: its family and its mode numbers."""
        return [(self.kind, *map(str, row)) for row in self.indices.tolist()]

    @property
    def labels(self) -> list[str]:
        """Wavenumbers for people; in more than one dimension with the mode numbers, since several share a wavenumber."""
        names = [wavenumber_label(w) for w in self.wavenumber]
        if self.indices.shape[1] == 1:
            return names
        return [f"{name} ({','.join(map(str, row))})" for name, row in zip(names, self.indices.tolist(), strict=True)]

    def resampled(self, steps: np.ndarray) -> np.ndarray:
        """Log-linear interpolation of the errors, shape ``(len(steps), m)``; nan after the last record."""
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


def common_modes(runs: Sequence[ModeErrors], limit: int, wavenumbers: Iterable[float] = ()) -> list[ModeErrors]:
    """The same modes of every run that has any: those all of them watch, picked by the first run's amplitudes."""
    watching = [run for run in runs if len(run)]
    if not watching:
        return list(runs)
    shared = reduce(set.intersection, (set(run.keys) for run in watching))
    first = watching[0]
    here = np.array([i for i, key in enumerate(first.keys) if key in shared], dtype=int)
    keys = first.take(here).pick(limit, wavenumbers).keys
    return [run.take(np.array([run.keys.index(key) for key in keys], dtype=int)) if len(run) else run for run in runs]


def order_in_title(seeds: Sequence[ModeErrors]) -> str:
    """Which frequencies came first, with the bias index: the median over the seeds and their range."""
    steps = max((modes.step.max(initial=0) for modes in seeds), default=0)
    if steps <= 1:
        return "one step" if steps else "no steps recorded"
    found = [modes.bias() for modes in seeds if modes.has_steps]
    values = np.array([bias.value for bias in found if bias.value is not None])
    if not len(values):
        return "B undefined"
    middle = float(np.median(values))
    relation = "=" if not any(bias.bound for bias in found) else "\u2265" if middle > 0 else "\u2264"
    low, high = f"{values.min():.2f}", f"{values.max():.2f}"
    spread = f" [{low}, {high}]" if low != high else ""
    orders = {bias.order for bias in found if bias.value is not None}
    words = {1: "low first", -1: "high first"}.get(orders.pop(), "no clear order") if len(orders) == 1 else "no clear order"
    return f"{words}, B {relation} {middle:.2f}{spread}".replace("-", "\u2212")
