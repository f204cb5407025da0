"""The error of each mode against its wavenumber, for methods that take one step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from pdefreq.figures.labels import wavenumber_axis
from pdefreq.figures.panels import log_limits
from pdefreq.figures.style import EXACT_COLOR, METHOD_COLORS, note
from pdefreq.spectrum.spectral_record import SpectralRecord

_MANY = 40  # modes above which the stems below the dots are omitted
_NAMED: dict[str, Any] = {"color": METHOD_COLORS[1], "markersize": 12, "markerfacecolor": "none", "markeredgewidth": 1.6}


def draw_final_errors(axes: Axes, record: SpectralRecord, named: Sequence[int] = ()) -> None:
    """The relative error of each mode after the last step; modes that a problem names are circled.

    Args:
        axes: The axes to draw on.
        record: The spectrum of a run.
        named: The positions of the named modes in the record.
    """
    _draw(axes, record.modes.wavenumber, {"": (record.total[-1], METHOD_COLORS[0], "answer")}, named)
    axes.set_ylabel("relative error of the mode")


def draw_spectra(axes: Axes, record: SpectralRecord, named: Sequence[int] = ()) -> None:
    """The amplitude of each mode of the solution, and that of its error; arguments as `draw_final_errors`."""
    amplitude = record.modes.amplitude
    curves = {
        "solution": (amplitude, EXACT_COLOR, "amplitude"),
        "error": (amplitude * record.total[-1], METHOD_COLORS[0], "error-amplitude"),
    }
    _draw(axes, record.modes.wavenumber, curves, named)
    axes.set_ylabel("amplitude of the mode")
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderaxespad=0)


def _draw(axes: Axes, wavenumber: np.ndarray, curves: dict[str, tuple[np.ndarray, str, str]], named: Sequence[int]) -> None:
    values = np.concatenate([each for each, _, _ in curves.values()])
    limits = log_limits(values, floor=0, ceiling=np.inf)
    if limits is None:
        note(axes, "all errors are zero" if np.isfinite(values).any() else "no exact or reference solution")
        axes.set(xticks=[], yticks=[])
        return
    bottom = limits[0]
    for label, (each, color, gid) in curves.items():
        shown = np.isfinite(each) & (wavenumber > 0)
        height = np.where(each > 0, each, bottom)[shown]  # an error of zero lies on the axis
        size = 7 if len(each) <= _MANY else 3
        if len(each) <= _MANY:
            axes.vlines(wavenumber[shown], bottom, height, color=color, linewidth=1.5, alpha=0.3)
        if not shown.any():
            continue
        axes.plot(wavenumber[shown], height, "o", color=color, markersize=size, label=label, gid=gid, clip_on=False, zorder=3)
    first, *_ = curves.values()
    circled = [place for place in dict.fromkeys(named) if first[0][place] > 0 and wavenumber[place] > 0]
    if circled:
        axes.plot(wavenumber[circled], first[0][circled], "o", gid="named", zorder=4, clip_on=False, **_NAMED)
    axes.set(yscale="log", ylim=limits)
    wavenumber_axis(axes, wavenumber)
