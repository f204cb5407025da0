"""The order in which frequencies converged, in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pdefreq.spectrum.rates import whole_step

if TYPE_CHECKING:
    from pdefreq.spectrum.bias import BiasIndex
    from pdefreq.spectrum.report import ModeRow


def order_in_words(rows: Sequence[ModeRow], asked: Sequence[ModeRow], bias: BiasIndex, *, last_step: int) -> str:
    """Which frequencies came first, with two of them as witnesses, or why no order can be told: a sentence or two.

    Args:
        rows: All watched modes.
        asked: Those that the user asked for: the preferred witnesses.
        bias: The bias index of the run.
        last_step: The step at which it ended.
    """
    halved = [row for row in rows if row.status == "halved"]
    if last_step <= 1:
        return bias.reason
    if all(row.status == "below half from the start" for row in rows):
        return "Every watched mode started below half error, so no order can be told."
    if not halved:
        return "No watched mode had lost half its error by the end of the run."
    order = bias.order
    witnesses = _witnesses(asked, order) or _witnesses(rows, order) or _witnesses(halved, order)
    told = _clause(witnesses, last_step)
    if bias.value is None:
        first = f"{told[0].upper()}{told[1:]}. " if told else ""
        return f"{first}No bias index: {bias.reason[0].lower()}{bias.reason[1:]}"
    headline = {1: "Low frequencies first", -1: "High frequencies first", 0: "No clear order of frequencies"}[order]
    return f"{headline}{': ' if told else ''}{told} ({_index(bias, rows)})."


def _witnesses(rows: Sequence[ModeRow], order: int) -> tuple[ModeRow, ModeRow] | None:
    """The modes of lowest and highest wavenumber, the earlier first; None where they would contradict the order."""
    usable = [row for row in rows if row.wavenumber > 0 and row.status != "below half from the start"]
    if not usable:
        return None
    low, high = min(usable, key=lambda row: row.wavenumber), max(usable, key=lambda row: row.wavenumber)
    early, late = (low, high) if _time(low) <= _time(high) else (high, low)
    telling = low.wavenumber < high.wavenumber and early.half_step is not None
    agrees = order == 0 or (early is low) == (order > 0)
    return (early, late) if telling and agrees else None


def _clause(witnesses: tuple[ModeRow, ModeRow] | None, last_step: int) -> str:
    if witnesses is None:
        return ""
    early, late = witnesses
    first = f"wavenumber {early.wavenumber:.3g} halved at step {_step(early)}"
    if late.half_step is None:
        return f"{first}, {late.wavenumber:.3g} had not halved by step {last_step}"
    return f"{first}, {late.wavenumber:.3g} at step {_step(late)}"


def _index(bias: BiasIndex, rows: Sequence[ModeRow]) -> str:
    if not bias.bound:
        return f"B = {bias.value:+.2f}"
    late = sum(row.status == "not halved" and row.wavenumber > 0 for row in rows)
    return f"B = {bias.value:+.2f}, a bound: {late} of {len(bias.modes)} modes had not halved by the end"


def _time(row: ModeRow) -> float:
    return math.inf if row.half_step is None else row.half_step


def _step(row: ModeRow) -> int:
    return whole_step(_time(row))
