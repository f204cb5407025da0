"""Labels that figures share: the names of modes, and the order in which they converge."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from pdefreq.figures.panels import log_limits, spread_ticks
from pdefreq.figures.style import wavenumber_label
from pdefreq.spectrum.bias import Relation, combined, with_relation
from pdefreq.spectrum.spectral_record import SpectralRecord
from pdefreq.spectrum.watched import WatchedModes

_FEW = 9  # wavenumbers that are labeled one by one on an axis
_APART = 0.07  # smallest distance of their labels, as a part of the axis


def mode_labels(modes: WatchedModes) -> list[str]:
    """Wavenumber labels; in more than one dimension with the mode numbers, because several modes share a wavenumber."""
    names = [wavenumber_label(w) for w in modes.wavenumber]
    if modes.indices.shape[1] == 1:
        return names
    return [f"{name} ({','.join(map(str, row))})" for name, row in zip(names, modes.indices.tolist(), strict=True)]


def in_cell(bias: float, relation: Relation) -> str:
    """A bias index in a cell of a figure, with its relation to that of a longer run; in parentheses without a bound."""
    return with_relation(f"{bias:+.2f}", relation).replace(">= ", "\u2265").replace("<= ", "\u2264")


def order_in_title(seeds: Sequence[SpectralRecord]) -> str:
    """The order of convergence of the frequencies, with the median of the bias index over the seeds and its range."""
    steps = max((record.last_step for record in seeds), default=0)
    if steps <= 1:
        return "one step" if steps else "no steps recorded"
    found = [record.bias for record in seeds if record.has_steps]
    values = np.array([bias.value for bias in found if bias.value is not None])
    if not len(values):
        return "B undefined"
    middle = statistics.median_low(values.tolist())  # the value of a run, as in tables
    relation = combined(bias.relation for bias in found)
    sign, end = {">=": "\u2265", "<=": "\u2264"}.get(relation, "="), " so far" if relation == "~" else ""
    low, high = f"{values.min():.2f}", f"{values.max():.2f}"
    spread = f" [{low}, {high}]" if low != high else ""
    orders = {bias.order for bias in found if bias.value is not None}
    words = {1: "low first", -1: "high first"}.get(orders.pop(), "no clear order") if len(orders) == 1 else "no clear order"
    return f"{words}, B {sign} {middle:.2f}{spread}{end}".replace("-", "\u2212")


def wavenumber_axis(axes: Axes, wavenumber: np.ndarray) -> None:
    """A logarithmic horizontal axis around positive wavenumbers, labeled at the wavenumbers themselves if there are few."""
    axes.set(xscale="log", xlim=log_limits(wavenumber, floor=0, ceiling=np.inf), xlabel="wavenumber")
    own = np.unique(wavenumber[wavenumber > 0].round(12))
    gaps = np.diff(np.log(own)) / np.diff(np.log(axes.get_xlim()))
    if len(own) <= _FEW and (gaps > _APART).all():
        axes.xaxis.set_major_locator(FixedLocator(own.tolist()))
        axes.xaxis.set_major_formatter(FixedFormatter([wavenumber_label(xi) for xi in own]))
        axes.xaxis.set_minor_locator(NullLocator())
    else:
        spread_ticks(axes.xaxis)
