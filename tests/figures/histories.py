"""Histories with errors in closed form, and histories with missing data."""

import numpy as np

from pdefreq.core.history import History
from pdefreq.spectrum.predicted import PREDICTED_STEPS, StoredPrediction
from pdefreq.spectrum.watched import WatchedModes

N = 100  # intervals of the Jacobi histories


def history(step, error, wavenumber, *, relative_l2=None, seconds_per_step=1e-3, indices=None, amplitude=None, stored=None):
    """A history with these mode errors ``(rows, m)``; the amplitude decreases with the wavenumber."""
    step, wavenumber = np.asarray(step), np.asarray(wavenumber, float)
    columns = {"step": step, "seconds": step * seconds_per_step, "objective": np.ones(len(step))}
    columns["relative_l2"] = np.exp(-0.01 * step) if relative_l2 is None else np.asarray(relative_l2, float)
    columns["mode_error"] = columns["mode_error_total"] = np.asarray(error, float)
    modes = WatchedModes(
        kind="sine",
        complete=True,
        indices=np.arange(1, len(wavenumber) + 1)[:, None] if indices is None else indices,
        wavenumber=wavenumber,
        amplitude=1 / (1 + wavenumber) if amplitude is None else amplitude,
        error_kind="algebraic",
        count_above_threshold=len(wavenumber),
        wavevectors=wavenumber[:, None],
    )
    return History.from_arrays(columns, modes.facts() | ({} if stored is None else stored.facts()))


def jacobi(modes=(1, 2, 4, 8, 16), last=1500):
    """Jacobi on n intervals of (0, 1): each sweep multiplies the error of mode k by cos(k pi / n)."""
    k, step = np.asarray(modes), np.arange(last + 1)
    factor = np.cos(k * np.pi / N)
    theory = StoredPrediction("exact", rates=-np.log(factor), curves=factor ** PREDICTED_STEPS[:, None])
    return history(step, factor ** step[:, None], k * np.pi, indices=k[:, None], stored=theory)


def network(modes=(1, 2, 4, 8, 16), last=600, scale=1.0):
    """Low frequencies converge first, at rates proportional to 1/k."""
    k, step = np.asarray(modes), np.arange(last + 1)
    return history(step, np.exp(-np.outer(step, 0.05 * scale / k)), k * np.pi, indices=k[:, None])


def one_step(modes=(1, 2, 4, 8, 16)):
    k = np.asarray(modes)
    return history([0, 1], [np.ones(len(k)), 1e-9 * k], k * np.pi, relative_l2=[1.0, 1e-8], indices=k[:, None])


def halving_times(modes):
    """Closed form of t_k(0.5) for `jacobi`."""
    return np.log(2) / -np.log(np.cos(np.asarray(modes) * np.pi / N))


def _bad_values():
    errors = np.ones((50, 4)) * np.exp(-0.2 * np.arange(50))[:, None]
    errors[10:, 0], errors[20:, 1], errors[:, 2], errors[30:, 3] = np.nan, np.inf, 0.0, 1e300
    return history(
        range(50), errors, [1, 2, 3, 4], relative_l2=np.r_[np.ones(20), np.full(20, np.nan), np.full(9, np.inf), 1e300]
    )


def _without_spectrum():
    return History.from_arrays({"step": np.arange(5), "seconds": 0.1 * np.arange(5), "objective": np.ones(5)}, {})


def _only_nan():
    return history(range(5), np.full((5, 3), np.nan), [1, 2, 3], relative_l2=np.full(5, np.nan))


DEGENERATE = {
    "no records": History,
    "one record": lambda: history([0], np.ones((1, 3)), [1, 2, 3]),
    "no spectrum": _without_spectrum,
    "nan, inf and zero": _bad_values,
    "only nan": _only_nan,
    "one mode": lambda: jacobi(modes=(3,)),
    "no mode": lambda: history(range(5), np.ones((5, 0)), []),
    "500 modes": lambda: history(range(3), np.full((3, 500), 0.9), np.arange(500)),
    "two dimensions": lambda: history(
        range(9), np.ones((9, 4)) * 0.7, [2, 5, 5, 8], indices=np.array([[1, 1], [1, 2], [2, 1], [2, 2]])
    ),
    "one step": one_step,
}
