"""The wavenumbers that a problem names, and the reasons for which some of them have no error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from pdefreq.spectrum.family import FAR
from pdefreq.spectrum.modes import BOX_FAMILIES, MESH_FAMILIES

if TYPE_CHECKING:
    from pdefreq.spectrum.watched import WatchedModes


def remarks_on_named(modes: WatchedModes, wavenumbers: Sequence[float], error: np.ndarray | None = None) -> list[str]:
    """One sentence for each reason for which named wavenumbers are not shown, or have no relative error.

    Args:
        modes: The watched modes, which include the nearest mode of each named wavenumber.
        wavenumbers: The angular wavenumbers that the problem names.
        error: The relative errors of the modes against the solution, shape ``(m,)``, if they are known; nan for a mode that the
            solution does not contain.
    """
    if not len(modes):
        return []
    lowest, highest = modes.wavenumber_range
    absent_modes = ~(modes.amplitude > 0)
    if error is not None and np.isfinite(error).any():
        absent_modes |= np.isnan(error)
    beyond, between, absent = [], [], []
    for xi, place in zip(wavenumbers, modes.nearest(wavenumbers), strict=True):
        found, is_absent = float(modes.wavenumber[place]), bool(absent_modes[place])
        is_far = abs(found - xi) > FAR * max(xi, lowest)
        if xi > (1 + FAR) * highest and (is_far or is_absent):
            beyond.append(xi)
        elif is_far:
            between.append((xi, found))
        elif is_absent:
            absent.append(xi)
    remarks = []
    if beyond:
        remarks.append(
            f"{_named(beyond)} cannot be watched: {_limit(modes)} have wavenumbers from {lowest:.4g} to {highest:.4g}."
        )
    if between:
        asked, shown = zip(*between, strict=True)
        remarks.append(
            f"{_named(asked)} {'is' if len(asked) == 1 else 'are'} not among the {modes.kind} modes of this domain: the nearest, "
            f"{_listed(shown)}, {'is' if len(shown) == 1 else 'are'} watched instead."
        )
    if absent:
        remarks.append(
            f"{_named(absent)} {'has' if len(absent) == 1 else 'have'} no relative error: the amplitude in the solution is zero "
            "up to rounding."
        )
    return remarks


def _limit(modes: WatchedModes) -> str:
    """The modes that can be watched at most."""
    if modes.kind in BOX_FAMILIES:
        axes = "" if modes.indices.shape[1] == 1 else " along each axis"
        return f"the {modes.kind} modes that the grid resolves{axes}"
    return f"the {modes.kind} modes that are {'computed' if modes.kind in MESH_FAMILIES else 'fitted'}"


def _named(wavenumbers: Sequence[float]) -> str:
    return f"Wavenumber{'s' if len(wavenumbers) > 1 else ''} {_listed(wavenumbers)}"


def _listed(wavenumbers: Sequence[float]) -> str:
    *first, last = (f"{xi:.4g}" for xi in wavenumbers)
    return f"{', '.join(first)} and {last}" if first else last
