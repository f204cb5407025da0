"""Halving times and decay rates of the errors of modes."""

from __future__ import annotations

import math

import numpy as np

_TOP = 0.8  # rates are measured below this error, after the initial phase
_FLOORS = 10.0  # and above this multiple of the final level
_R_SQUARED = 0.99
_RECORDS = 5  # smallest number of records in a window
_ROUNDING = 1e-11  # relative errors below this may be rounding errors; they are not interpolated and enter no rate
_ENDS = 48  # number of window ends for each mode, evenly distributed over its records


def time_to(tau: float, at: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """The first time after which each error stays at or below a level, with log e interpolated between records.

    Args:
        tau: The level, relative: 0.5 gives halving times.
        at: The time of each row in steps or seconds, shape ``(rows,)``, ascending.
        errors: Relative errors, shape ``(rows, m)``. Leading nans (not yet measured) are skipped, later nans count as large
            errors.

    Returns:
        Times ``(m,)``: inf for a mode that ends above the level, nan for one that starts at or below it.

    Example:
        >>> time_to(0.5, np.array([0.0, 1.0, 2.0]), np.array([[1.0], [0.7071067811865476], [0.35]])).round(2).tolist()
        [1.49]
    """
    at, errors = np.asarray(at, dtype=float), np.asarray(errors, dtype=float)
    rows, m = errors.shape
    times = np.full(m, np.nan)
    started = np.logical_or.accumulate(~np.isnan(errors), axis=0)
    above = started & ~(errors <= tau)
    begins_above = above.any(axis=0) & above[np.argmax(started, axis=0), np.arange(m)]
    last = rows - 1 - np.argmax(above[::-1], axis=0)  # the last record above the level
    times[begins_above & (last == rows - 1)] = np.inf
    (mode,) = np.nonzero(begins_above & (last < rows - 1))
    before = last[mode]
    with np.errstate(divide="ignore", invalid="ignore"):
        high, low = np.log(errors[before, mode]), np.log(errors[before + 1, mode])
        part = (high - np.log(tau)) / (high - low)
    # inf, nan and rounding errors can't be interpolated: a direct solution does not decay exponentially.
    part = np.where(np.isfinite(part) & (errors[before + 1, mode] > _ROUNDING), part, 1.0)
    times[mode] = at[before] + part * (at[before + 1] - at[before])
    return times


def halving_time(at: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """First time after which each error stays at or below one half; see `time_to`."""
    return time_to(0.5, at, errors)


def whole_step(time: float) -> int:
    """The step that reaches a time which was interpolated between steps.

    Example:
        >>> whole_step(575.2), whole_step(7.0 + 1e-12)  # rounding adds no step
        (576, 7)
    """
    return math.ceil(time - 1e-9)


def decay_rates(at: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """The exponential rate of each mode, -d log e / dt: the slope over the longest window in which log e is straight.

    A window begins after the error is finally below 0.8 and ends before the error first reaches ten times its floor, or 1e-11,
    below which rounding errors matter. It covers at least a factor e and five records, and has R^2 > 0.99. The earliest of
    equally long windows is used.

    Args:
        at: The time of each row, shape ``(rows,)``, ascending.
        errors: Relative errors, shape ``(rows, m)``.

    Returns:
        Rates ``(m,)`` per unit of `at`; nan without such a window.
    """
    at, errors = np.asarray(at, dtype=float), np.asarray(errors, dtype=float)
    first, last = _usable(errors, floors(at, errors))
    ends = np.rint(first + np.linspace(0, 1, _ENDS)[:, None] * np.maximum(last - first, 0)).astype(int)  # (_ENDS, m)
    i, j = (ends[k] for k in np.triu_indices(_ENDS, 1))  # (windows, m)
    slope, r_squared = _lines(at, errors, first, last, i, j)
    span = at[j] - at[i]
    good = (last > first) & (j - i + 1 >= _RECORDS) & (r_squared > _R_SQUARED) & (-slope * span >= 1)
    longest = np.argmax(np.where(good, span, -1.0), axis=0), np.arange(errors.shape[1])
    return np.where(good[longest], -slope[longest], np.nan)


def floors(at: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """The final level of each error, shape ``(m,)``; 0 for an error that is still decreasing.

    An error is at its final level if the time since it came within a factor e of its minimum is more than twice the time of the
    preceding decrease by a factor e. In exponential decay both times are equal. The level is the median of the error since then.
    """
    at, errors = np.asarray(at, dtype=float), np.asarray(errors, dtype=float)
    errors = np.maximum(np.where(np.isnan(errors), np.inf, errors), np.finfo(float).tiny)
    lowest, modes = errors.min(axis=0), np.arange(errors.shape[1])
    outer, inner = (np.argmax(errors <= factor * lowest, axis=0) for factor in (np.e**2, np.e))
    before = np.maximum(outer - 1, 0)  # the last record above, or the first record
    with np.errstate(invalid="ignore"):  # inf - inf for modes that were not measured
        e_folds = np.log(errors[before, modes]) - np.log(errors[inner, modes])
        rests = (at[-1] - at[inner]) * e_folds > 2 * (at[inner] - at[before])
    since = np.where(np.arange(len(at))[:, None] >= inner, errors, np.nan)
    return np.where(rests, np.nanmedian(since, axis=0), 0.0)


def _usable(errors: np.ndarray, floor: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First and last record of each mode that a window may contain; last < first if there is none."""
    rows = len(errors)
    high = ~(errors <= _TOP)
    first = np.where(high.any(axis=0), rows - np.argmax(high[::-1], axis=0), 0)
    low = ~(errors > np.maximum(_FLOORS * floor, _ROUNDING)) & (np.arange(rows)[:, None] >= first)
    last = np.where(low.any(axis=0), np.argmax(low, axis=0), rows) - 1
    return np.minimum(first, rows - 1), last


def _lines(
    at: np.ndarray, errors: np.ndarray, first: np.ndarray, last: np.ndarray, i: np.ndarray, j: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Slope and R^2 of the straight line through log e over records i to j inclusive, each ``(windows, m)``."""
    row, modes = np.arange(len(at))[:, None], np.arange(errors.shape[1])
    inside = (row >= first) & (row <= last)
    log = np.log(np.where(inside, errors, 1.0))
    scale = np.where(last > first, at[last] - at[first], 1.0)
    x = np.where(inside, (at[:, None] - at[first]) / scale, 0.0)  # from 0 to 1, to limit rounding in the running sums
    y = np.where(inside, log - log[first, modes], 0.0)

    def total(values: np.ndarray) -> np.ndarray:
        running = np.concatenate([np.zeros((1, len(modes))), np.cumsum(values, axis=0)])
        return running[j + 1, modes] - running[i, modes]

    n = j - i + 1
    mean_x, mean_y = total(x) / n, total(y) / n
    xx, xy, yy = total(x * x) - n * mean_x**2, total(x * y) - n * mean_x * mean_y, total(y * y) - n * mean_y**2
    slope = np.divide(xy, xx, out=np.zeros_like(xy), where=xx > 0) / scale  # one record has no slope
    return slope, np.divide(xy**2, xx * yy, out=np.zeros_like(xy), where=xx * yy > 0)
