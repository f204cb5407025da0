"""The bias index: one number that says which frequencies converge first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_FEWEST = 3
_HANDFUL = 5  # steps: where the last mode is halved in so few, ratios of halving times come from inside single steps
_STANDARD_ERRORS = 2.0  # B must differ from zero by this many before an order is claimed
_NEGLIGIBLE = 0.05  # over two decades of wavenumber such a B makes halving times differ by a quarter


@dataclass(frozen=True)
class BiasIndex:
    """The slope B of log t_k(0.5) against log |xi_k|.

    Args:
        value: B: positive where low frequencies come first, negative where high ones do; None where it is undefined.
        error: Standard error of the slope.
        bound: Whether some modes never arrived and entered as the end of the run, so that |B| may be larger.
        modes: Places of the modes that entered.
        reason: Why there is no value, a sentence; empty where there is one.
    """

    value: float | None
    error: float | None
    bound: bool
    modes: tuple[int, ...]
    reason: str = ""

    @property
    def order(self) -> int:
        """1 where low frequencies come first, -1 where high ones do, 0 where neither can be said."""
        if self.value is None or abs(self.value) <= max(_NEGLIGIBLE, _STANDARD_ERRORS * (self.error or 0.0)):
            return 0
        return 1 if self.value > 0 else -1


def bias_index(wavenumbers: np.ndarray, halving_times: np.ndarray, *, last_step: float, complete: bool) -> BiasIndex:
    """The bias index of a run.

    Args:
        wavenumbers: |xi_k|, shape ``(m,)``; a constant mode (0) is left out.
        halving_times: t_k(0.5) as `halving_time` gives them: inf for never, nan for a mode that started below one half.
        last_step: The step at which the run ended.
        complete: Whether the family is complete and orthogonal (sine, cosine, eigen, neumann; fourier on periodic boxes).

    Example:
        >>> xi = np.array([1.0, 2.0, 4.0, 8.0])
        >>> round(bias_index(xi, 100 / xi**2, last_step=1000, complete=True).value, 12)
        -2.0
    """
    wavenumbers, times = np.asarray(wavenumbers, dtype=float), np.asarray(halving_times, dtype=float)
    usable = (wavenumbers > 0) & ~np.isnan(times)
    modes = tuple(np.flatnonzero(usable).tolist())
    arrived = usable & np.isfinite(times)

    def undefined(reason: str) -> BiasIndex:
        return BiasIndex(None, None, False, modes, reason)

    if last_step <= 1:
        return undefined("After a single step at most there is no order to tell.")
    if not complete:
        return undefined("The family of modes is not a complete orthogonal one; sine, cosine and eigen modes are.")
    if len(modes) < _FEWEST:
        return undefined(f"Only {len(modes)} of {len(times)} watched modes started above half error; at least 3 are needed.")
    if np.where(arrived, times, last_step)[usable].max() <= _HANDFUL:
        return undefined(
            f"The watched modes were halved within {_HANDFUL} steps, too few for an order; their rates say what a step leaves."
            if arrived.sum() == len(modes)
            else f"The run ended within {_HANDFUL} steps, too few to tell an order by."
        )
    if not arrived.any():
        return undefined("No watched mode had lost half its error by the end of the run.")
    x = np.log(wavenumbers[usable])
    y = np.log(np.where(arrived, times, last_step)[usable])
    x, y = x - x.mean(), y - y.mean()
    if x @ x <= len(x) * np.finfo(float).eps:
        return undefined("All usable modes have the same wavenumber.")
    slope = float(x @ y / (x @ x))
    residual = y - slope * x
    error = float(np.sqrt(residual @ residual / (len(x) - 2) / (x @ x)))
    return BiasIndex(slope, error, bool((usable & ~arrived).any()), modes)
