"""The bias index: one number for the order in which frequencies converge."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

Relation = Literal["=", ">=", "<=", "~"]
"""The relation of the bias index of a longer run to a value: equal to it, at least it, at most it, or ``"~"``, unknown."""

LEGEND = (
    "B >= or <=: some modes were not halved by the end, and B of a longer run is at least (>=) or at most (<=) this value. "
    "B in parentheses: low and high modes were not halved by the end, and the value is not a bound."
)
"""The explanation of `with_relation` below a table."""

FEW_STEPS = 5
"""If all modes are halved within this number of steps, ratios of halving times are not resolved by steps."""
_FEWEST = 3
_STANDARD_ERRORS = 2.0  # B must differ from zero by this many standard errors for an order
_NEGLIGIBLE = 0.05  # with this B halving times over two decades of wavenumbers differ by a quarter


@dataclass(frozen=True)
class BiasIndex:
    """The slope B of log t_k(0.5) against log |xi_k|.

    Args:
        value: B, positive if low frequencies converge first, negative if high ones do; None if undefined.
        error: Standard error of the slope.
        relation: The relation of the bias index of a longer run to the value. The last step of the run replaces the halving times
            of modes that were not halved, which are longer. B increases with the halving time of a mode whose wavenumber is
            above the geometric mean, and decreases with that of a mode below it. The value is not a bound (``"~"``) if modes
            on both sides were not halved, and there is neither a value nor a bound if the run was too short.
        modes: Indices of the modes used.
        reason: The reason as a sentence if there is no value; otherwise empty.
    """

    value: float | None
    error: float | None
    relation: Relation
    modes: tuple[int, ...]
    reason: str = ""

    @property
    def bound(self) -> bool:
        """Whether some modes were not halved, so that a longer run has another value."""
        return self.value is not None and self.relation != "="

    @property
    def order(self) -> int:
        """1 if low frequencies converge first, -1 if high ones do, 0 if there is no clear order."""
        if self.value is None or abs(self.value) <= max(_NEGLIGIBLE, _STANDARD_ERRORS * (self.error or 0.0)):
            return 0
        return 1 if self.value > 0 else -1


def bias_index(wavenumbers: np.ndarray, halving_times: np.ndarray, *, last_step: float, complete: bool) -> BiasIndex:
    """The bias index of a run.

    Args:
        wavenumbers: |xi_k|, shape ``(m,)``; a constant mode (0) is not used.
        halving_times: t_k(0.5) from `halving_time`: inf for a mode that is not halved, nan for a mode that started below one
            half.
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

    def undefined(reason: str, relation: Relation = "=") -> BiasIndex:
        return BiasIndex(None, None, relation, modes, reason)

    if last_step <= 1:
        return undefined("No order can be determined from fewer than two steps.")
    if not complete:
        return undefined("The family of modes is not a complete orthogonal family; use sine, cosine or eigen modes.")
    if len(modes) < _FEWEST:
        return undefined(f"Only {len(modes)} of {len(times)} watched modes started above half error; at least 3 are needed.")
    if np.where(arrived, times, last_step)[usable].max() <= FEW_STEPS:
        if arrived.sum() < len(modes):
            return undefined(f"The run ended within {FEW_STEPS} steps, too few for an order.", "~")
        return undefined(
            f"The watched modes were halved within {FEW_STEPS} steps, too few for an order; compare their rates instead."
        )
    if not arrived.any():
        return undefined("No watched mode had lost half its error by the end of the run.", "~")
    x = np.log(wavenumbers[usable])
    y = np.log(np.where(arrived, times, last_step)[usable])
    x, y = x - x.mean(), y - y.mean()
    if x @ x <= len(x) * np.finfo(float).eps:
        return undefined("All usable modes have the same wavenumber.")
    slope = float(x @ y / (x @ x))
    residual = y - slope * x
    error = float(np.sqrt(residual @ residual / (len(x) - 2) / (x @ x)))
    return BiasIndex(slope, error, relation_of(wavenumbers[usable], ~arrived[usable]), modes)


def relation_of(wavenumbers: np.ndarray, late: np.ndarray) -> Relation:
    """The relation of a bias index to that of a longer run.

    Args:
        wavenumbers: |xi_k| > 0 of the modes in the fit, shape ``(m,)``.
        late: Whether each of them was not halved.
    """
    x = np.log(wavenumbers)
    above, below = (bool((late & side).any()) for side in (x > x.mean(), x < x.mean()))
    return "~" if above and below else ">=" if above else "<=" if below else "="


def combined(relations: Iterable[Relation | None]) -> Relation:
    """The relation of the median over several runs, from those of the single runs; None for runs whose B has no relation."""
    found: list[Relation] = [*dict.fromkeys(relation for relation in relations if relation not in (None, "="))]
    return "~" if len(found) > 1 else found[0] if found else "="


def with_relation(text: str, relation: Relation | None) -> str:
    """The text of a bias index in a table, with its relation to that of a longer run; in parentheses if it is not a bound.

    Example:
        >>> [with_relation("1.5", relation) for relation in ("=", ">=", "~")]
        ['1.5', '>= 1.5', '(1.5)']
    """
    if relation in (None, "="):
        return text
    return f"({text})" if relation == "~" else f"{relation} {text}"


def in_equation(value: float, relation: Relation) -> str:
    """The bias index in a sentence.

    Example:
        >>> [in_equation(1.5, relation) for relation in ("=", ">=", "~")]
        ['B = +1.50', 'B >= +1.50', 'B = +1.50 so far']
    """
    return f"B = {value:+.2f} so far" if relation == "~" else f"B {relation} {value:+.2f}"


def bias_of_stored(halvings: Iterable[tuple[float, float | None]], *, last_step: float) -> BiasIndex:
    """The bias index of a stored run, in modes of a complete orthogonal family.

    Args:
        halvings: |xi_k| and t_k(0.5) of each mode that started above one half; None for a mode that is not halved.
        last_step: The step at which the run ended.
    """
    found = [(wavenumber, np.inf if time is None else time) for wavenumber, time in halvings]
    wavenumbers, times = np.array(found, dtype=float).reshape(-1, 2).T
    return bias_index(wavenumbers, times, last_step=last_step, complete=True)


def bias_of_seeds(wavenumbers: np.ndarray, halving_times: np.ndarray, *, last_step: float) -> BiasIndex:
    """The bias index of the medians of several runs, in modes of a complete orthogonal family.

    Args:
        wavenumbers: |xi_k|, shape ``(m,)``.
        halving_times: t_k(0.5) of each run, shape ``(runs, m)``.
        last_step: The step at which the runs ended.
    """
    return bias_index(wavenumbers, np.median(halving_times, axis=0), last_step=last_step, complete=True)
