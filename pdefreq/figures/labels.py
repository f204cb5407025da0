"""Labels that figures share: names of modes, and the order in which they converged."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pdefreq.figures.style import wavenumber_label
from pdefreq.spectrum.spectral_record import SpectralRecord
from pdefreq.spectrum.watched import WatchedModes


def mode_labels(modes: WatchedModes) -> list[str]:
    """Labels of wavenumbers, with mode numbers in more than one dimension, where several modes share a wavenumber."""
    names = [wavenumber_label(w) for w in modes.wavenumber]
    if modes.indices.shape[1] == 1:
        return names
    return [f"{name} ({','.join(map(str, row))})" for name, row in zip(names, modes.indices.tolist(), strict=True)]


def order_in_title(seeds: Sequence[SpectralRecord]) -> str:
    """The order of frequencies with the bias index: the median over the seeds and their range."""
    steps = max((record.last_step for record in seeds), default=0)
    if steps <= 1:
        return "one step" if steps else "no steps recorded"
    found = [record.bias for record in seeds if record.has_steps]
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
