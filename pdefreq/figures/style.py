"""The style of all figures, and their output to files."""

from __future__ import annotations

import functools
import io
import math
import warnings
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any, ParamSpec

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from matplotlib.text import Text

from pdefreq.core.errors import OptionError
from pdefreq.core.file_io import write_atomically

P = ParamSpec("P")

_FALLBACKS = ("Noto Sans CJK SC", "Noto Sans SC", "PingFang SC", "Microsoft YaHei", "WenQuanYi Zen Hei", "Noto Sans Devanagari")
"""Fonts, where installed, for characters that the font of the figures lacks."""

STYLE: dict[Any, Any] = {
    "font.family": [
        "DejaVu Sans",  # ships with matplotlib, so that figures do not depend on the machine
        *(name for name in _FALLBACKS if name in fontManager.get_font_names()),
    ],
    "font.size": 11,
    "axes.titlesize": 12,
    "axes.labelsize": 11,
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "legend.fontsize": 10,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.formatter.limits": (-2, 4),  # beyond them a common power of ten, so that labels on a domain of 1 mm do not collide
    "axes.formatter.use_mathtext": True,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.edgecolor": "0.35",
    "grid.color": "0.9",
    "grid.linewidth": 0.7,
    "lines.linewidth": 2.0,
    "figure.facecolor": "white",
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.h_pad": 0.08,
    "figure.constrained_layout.w_pad": 0.06,
    "image.interpolation": "none",
    "svg.fonttype": "none",  # text stays text
}

WAVENUMBER_MAP = mpl.colormaps["viridis"]
HEAT_MAP = ListedColormap(mpl.colormaps["magma_r"](np.linspace(0.0, 0.9, 256)))  # black would hide the axes
SOLUTION_MAP = mpl.colormaps["viridis"]
DIFFERENCE_MAP = mpl.colormaps["RdBu_r"]

# Okabe and Ito (2008), a palette for color-blind readers; yellow is omitted because of its low contrast on white.
METHOD_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
METHOD_DASHES = ("-", "--", "-.", ":")
EXACT_COLOR, APPROXIMATE_COLOR = "0.2", "#D55E00"


class Picture(Figure):
    """A matplotlib figure that Jupyter displays, without windows and global state."""

    def _repr_png_(self) -> bytes:
        return encode(self, "png")


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Make a drawing function use `STYLE` without a change of the settings of the caller."""

    @functools.wraps(draw)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with mpl.rc_context(STYLE):
            figure = draw(*args, **kwargs)
        _take_dollars_literally(figure)
        return figure

    return wrapper


def _take_dollars_literally(figure: Figure) -> None:
    """Turn off mathematical notation in all text but tick labels, since users may write dollar signs in titles and names."""
    axes = figure.findobj(Axes)
    lines = [axis for each in axes for axis in (each.xaxis, each.yaxis, getattr(each, "zaxis", None)) if axis is not None]
    ticks = {text for axis in lines for text in axis.findobj(Text) if text is not axis.label}
    for text in figure.findobj(Text):
        if isinstance(text, Text) and text not in ticks:
            text.set_parse_math(False)


def wavenumber_colors(count: int) -> np.ndarray:
    """Colors from low (dark violet) to high (green), shape ``(count, 4)``, without the pale end of the map."""
    return WAVENUMBER_MAP(np.linspace(0.0, 0.88, count)) if count > 1 else WAVENUMBER_MAP(np.array([0.3]))


def method_style(position: int) -> dict[str, Any]:
    """The color and dashes of the method at this position of a comparison."""
    return {
        "color": METHOD_COLORS[position % len(METHOD_COLORS)],
        "linestyle": METHOD_DASHES[position // len(METHOD_COLORS) % len(METHOD_DASHES)],
    }


def wavenumber_label(value: float) -> str:
    """The label of a wavenumber: a simple multiple of pi, or else a number with three digits.

    Example:
        >>> wavenumber_label(1.5 * math.pi), wavenumber_label(math.pi), wavenumber_label(10.0)
        ('3π/2', 'π', '10')
    """
    multiple = Fraction(value / math.pi).limit_denominator(4) if math.isfinite(value) else Fraction(0)
    if multiple == 0 or abs(value / math.pi - multiple) > 1e-9 * abs(multiple):
        return f"{value:.3g}"
    numerator = "π" if multiple.numerator == 1 else f"{multiple.numerator}π"
    return numerator if multiple.denominator == 1 else f"{numerator}/{multiple.denominator}"


def note(axes: Axes, text: str) -> None:
    """Write the reason into an empty panel."""
    axes.grid(False)
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color="0.45", wrap=True)


def encode(figure: Figure, kind: str, dpi: float = 150) -> bytes:
    """The figure as the bytes of a png, svg or pdf file."""
    buffer = io.BytesIO()
    with mpl.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from")  # shown as a box; the user can't do anything about it here
        if kind == "png":
            _draw_png(figure, buffer, dpi)
        else:
            figure.savefig(buffer, format=kind, dpi=dpi, facecolor="white")
    return buffer.getvalue()


def _draw_png(figure: Figure, buffer: io.BytesIO, dpi: float) -> None:
    """Write the figure as ``figure.savefig`` does, which draws twice with a layout engine and takes a third longer."""
    own, canvas = figure.dpi, figure.canvas
    figure.dpi = dpi
    try:
        FigureCanvasAgg(figure).print_png(buffer)
    finally:
        figure.dpi = own
        figure.set_canvas(canvas)


def save_figure(figure: Figure, path: str | Path, *, dpi: float = 150) -> Path:
    """Write a figure to a file atomically.

    Args:
        figure: The figure.
        path: The file; its suffix is one of ``.png``, ``.svg``, ``.pdf``.
        dpi: Dots per inch of a png.

    Raises:
        OptionError: If the suffix is not one of these.
        RunFolderError: If the folder is not writable.
    """
    path = Path(path)
    kind = path.suffix.lower().removeprefix(".")
    if kind not in ("png", "svg", "pdf"):
        raise OptionError(f"a figure is written as .png, .svg or .pdf, got '{path.name}'")
    write_atomically(path, encode(figure, kind, dpi))
    return path
