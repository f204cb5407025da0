"""The order in which frequencies converged, in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pdefreq.spectrum.bias import in_equation
from pdefreq.spectrum.rates import whole_step

if TYPE_CHECKING:
    from pdefreq.spectrum.bias import BiasIndex
    from pdefreq.spectrum.rows import ModeRow

_NOT_USABLE = ("below half at the start", "unknown")


def witnesses(rows: Sequence[ModeRow], asked: Sequence[ModeRow], bias: BiasIndex) -> tuple[ModeRow, ...]:
    """Two modes that show the order, the earlier first; empty if all pairs contradict it.

    Args:
        rows: All watched modes.
        asked: The requested modes, which are preferred.
        bias: The bias index of the run.
    """
    halved, order = [row for row in rows if row.status == "halved"], bias.order
    return _witnesses(asked, order) or _witnesses(rows, order) or _witnesses(halved, order)


def order_in_words(rows: Sequence[ModeRow], named: tuple[ModeRow, ...], bias: BiasIndex, *, last_step: int) -> str:
    """One or two sentences on the order of frequencies, or on the reason why there is none.

    Args:
        rows: All watched modes.
        named: The modes from `witnesses`.
        bias: The bias index of the run.
        last_step: The last step of the run.
    """
    if last_step <= 1:
        return bias.reason
    if all(row.status in _NOT_USABLE for row in rows):
        return "Every watched mode started below half error, so no order can be determined."
    if all(row.status != "halved" for row in rows):
        return "No watched mode had lost half its error by the end of the run."
    told = _clause(named, last_step)
    if bias.value is None:
        first = f"{told[0].upper()}{told[1:]}. " if told else ""
        return f"{first}No bias index: {bias.reason[0].lower()}{bias.reason[1:]}"
    headline = {1: "Low frequencies first", -1: "High frequencies first", 0: "No clear order of frequencies"}[bias.order]
    few = " so far, with most modes not halved" if 2 * _late(bias, rows) > len(bias.modes) else ""
    return f"{headline}{few}{': ' if told else ''}{told} ({_index(bias, rows)})."


def _witnesses(rows: Sequence[ModeRow], order: int) -> tuple[ModeRow, ...]:
    """The modes of lowest and highest wavenumber, the earlier first; empty if they contradict the order."""
    usable = [row for row in rows if row.wavenumber > 0 and row.status not in _NOT_USABLE]
    if not usable:
        return ()
    low, high = min(usable, key=lambda row: row.wavenumber), max(usable, key=lambda row: row.wavenumber)
    early, late = (low, high) if _time(low) <= _time(high) else (high, low)
    telling = low.wavenumber < high.wavenumber and early.halving_step is not None
    agrees = order == 0 or (early is low) == (order > 0)
    return (early, late) if telling and agrees else ()


def _clause(named: tuple[ModeRow, ...], last_step: int) -> str:
    if not named:
        return ""
    early, late = named
    first = f"wavenumber {early.wavenumber:.3g} halved at step {_step(early)}"
    if late.halving_step is None:
        return f"{first}, {late.wavenumber:.3g} had not halved by step {last_step}"
    return f"{first}, {late.wavenumber:.3g} at step {_step(late)}"


def _index(bias: BiasIndex, rows: Sequence[ModeRow]) -> str:
    assert bias.value is not None
    told = in_equation(bias.value, bias.relation)
    return f"{told}: {_late(bias, rows)} of {len(bias.modes)} modes had not halved by the end" if bias.bound else told


def _late(bias: BiasIndex, rows: Sequence[ModeRow]) -> int:
    return sum(rows[place].status == "not halved" for place in bias.modes)


def _time(row: ModeRow) -> float:
    return math.inf if row.halving_step is None else row.halving_step


def _step(row: ModeRow) -> int:
    return whole_step(_time(row))
