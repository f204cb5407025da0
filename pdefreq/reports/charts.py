"""Charts as inline SVG: curves and maps, each with its table of numbers."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from pdefreq.reports.axes import Scale
from pdefreq.reports.markup import Markup, join, tag
from pdefreq.reports.tables import data_table, shown

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 76, 16, 14, 54
MAP_LEFT = 140  # the labels of modes in the plane have three numbers
COLORS = 8  # of curves, defined in the style sheet
MOST_POINTS = 240  # of a curve; more are thinned
_DASHES = ("", "7 3", "2 3", "9 3 2 3")
_LEVELS = 12  # of the colors of a map
_DOT = 4  # radius of a single point
_FEW = 6  # columns of a table whose numbers have four digits


@dataclass(frozen=True)
class Curve:
    """One curve: its name, x and y of shape ``(n,)``, whether it is a prediction, drawn dotted, and whether it is only dots."""

    name: str
    x: np.ndarray
    y: np.ndarray
    predicted: bool = False
    dots: bool = False


@dataclass(frozen=True)
class Chart:
    """Curves in common axes.

    Args:
        name: A name that is unique in the document, for the ids of elements.
        title: The caption.
        curves: The curves.
        x_label: The label of the horizontal axis.
        y_label: The label of the vertical axis.
        x_log: Whether the horizontal axis is logarithmic.
        y_log: Whether the vertical axis is logarithmic.
        styles: The number of the color of each curve; by default the order of the curves.
    """

    name: str
    title: str
    curves: Sequence[Curve]
    x_label: str
    y_label: str
    x_log: bool = False
    y_log: bool = True
    styles: Sequence[int] = field(default=())

    @property
    def scales(self) -> tuple[Scale, Scale]:
        """The horizontal and the vertical scale."""
        x, y = (np.concatenate([[], *(getattr(curve, axis) for curve in self.curves)]) for axis in "xy")
        return Scale.of(x, LEFT, WIDTH - RIGHT, log=self.x_log, tight=True), Scale.of(y, HEIGHT - BOTTOM, TOP, log=self.y_log)

    def markup(self) -> Markup:
        """The chart with its legend, whose boxes hide and show curves, and its table."""
        styles = self.styles or range(len(self.curves))
        x, y = self.scales
        lines, keys = [], []
        for k, (curve, style) in enumerate(zip(self.curves, styles, strict=True)):
            look = {"class_": f"curve c{style % COLORS}", "stroke_dasharray": _dash(style, curve.predicted)}
            d = dots_at(x(curve.x), y(curve.y)) if curve.dots else path_of(x(curve.x), y(curve.y))
            dots = {"class_": f"{look['class_']} dots"} if curve.dots else {}
            lines.append(tag("path", d=d, id=f"{self.name}-{k}", **look | dots))
            key = tag(
                "svg",
                tag("line", x1=13 * curve.dots, y1=5, x2=26 - 13 * curve.dots, y2=5, **look | dots),
                width=26,
                height=10,
                class_="key",
                aria_hidden="true",
            )
            box = tag("input", type="checkbox", checked=True, data_curve=f"{self.name}-{k}")
            keys.append(tag("label", box, key, " ", curve.name))
        drawing = tag(
            "svg",
            axes_markup(x, y, self.x_label, self.y_label),
            *lines,
            viewBox=f"0 0 {WIDTH} {HEIGHT}",
            role="img",
            aria_label=f"{self.title}: {self.y_label} against {self.x_label}. The numbers are in the table below.",
        )
        keys = tag("fieldset", tag("legend", "Curves"), *keys, class_="keys")
        return join([tag("figure", drawing, keys, class_="chart"), self.table()])

    def table(self) -> Markup:
        """The points of all curves, thinned."""
        columns = [self.x_label, *(curve.name for curve in self.curves)]
        places = np.unique(np.concatenate([[], *(curve.x for curve in self.curves)]))
        places = places[thinned(len(places), 30)]
        by_curve = [dict(zip(curve.x.tolist(), curve.y.tolist(), strict=True)) for curve in self.curves]
        digits = 4 if len(columns) <= _FEW else 3  # wide tables fit into a page
        rows = [[shown(place), *(shown(found.get(place), digits) for found in by_curve)] for place in places.tolist()]
        return data_table(self.title, columns, rows)


def path_of(x: np.ndarray, y: np.ndarray) -> str:
    """The path through points, interrupted where a coordinate is not finite; a single point is a small circle."""
    places = thinned(len(x), MOST_POINTS)
    parts, pen = [], "M"
    if len(x) == 1 and np.isfinite([*x, *y]).all():
        return f"M{x[0] - _DOT:.1f} {y[0]:.1f}a{_DOT} {_DOT} 0 1 0 {2 * _DOT} 0a{_DOT} {_DOT} 0 1 0 {-2 * _DOT} 0z"
    for a, b in zip(x[places].tolist(), y[places].tolist(), strict=True):
        if np.isfinite(a) and np.isfinite(b):
            parts.append(f"{pen}{a:.1f} {b:.1f}")
            pen = "L"
        else:
            pen = "M"
    return "".join(parts)


def dots_at(x: np.ndarray, y: np.ndarray) -> str:
    """A path of one dot at each point, by segments of length zero with round ends."""
    known = np.isfinite(x) & np.isfinite(y)
    return "".join(f"M{a:.1f} {b:.1f}h0" for a, b in zip(x[known].tolist(), y[known].tolist(), strict=True))


def thinned(number: int, most: int) -> np.ndarray:
    """Indices of at most `most` of `number` rows, the first and the last one included."""
    return np.unique(np.linspace(0, number - 1, min(number, most)).round().astype(int)) if number else np.empty(0, int)


def axes_markup(x: Scale, y: Scale, x_label: str, y_label: str) -> Markup:
    """The frame, the grid lines and the labels of two axes."""
    parts = []
    for value in x.ticks():
        (at,) = np.atleast_1d(x(value)).tolist()
        parts += [tag("line", class_="grid", x1=f"{at:.1f}", x2=f"{at:.1f}", y1=TOP, y2=HEIGHT - BOTTOM)]
        parts += [tag("text", x.label(value), x=f"{at:.1f}", y=HEIGHT - BOTTOM + 20, text_anchor="middle")]
    for value in y.ticks():
        (at,) = np.atleast_1d(y(value)).tolist()
        parts += [tag("line", class_="grid", x1=LEFT, x2=WIDTH - RIGHT, y1=f"{at:.1f}", y2=f"{at:.1f}")]
        parts += [tag("text", y.label(value), x=LEFT - 8, y=f"{at + 5:.1f}", text_anchor="end")]
    middle = (TOP + HEIGHT - BOTTOM) / 2
    parts += [
        tag("text", x_label, class_="axis", x=(LEFT + WIDTH - RIGHT) / 2, y=HEIGHT - 10, text_anchor="middle"),
        tag("text", y_label, class_="axis", transform=f"translate(16 {middle}) rotate(-90)", text_anchor="middle"),
    ]
    return tag("g", *parts)


def map_markup(title: str, steps: np.ndarray, rows: Sequence[str], errors: np.ndarray) -> Markup:
    """The error of each mode (row) after each step (column) as colors, on a logarithmic scale, with its table.

    Args:
        title: The caption.
        steps: The steps of the columns, shape ``(n,)``.
        rows: The labels of the modes, m of them, from the bottom to the top.
        errors: Relative errors, shape ``(n, m)``.
    """
    known = errors[np.isfinite(errors) & (errors > 0)]
    low = float(np.log10(np.clip(known.min(initial=1.0), 1e-12, 0.1)))
    with np.errstate(divide="ignore", invalid="ignore"):
        level = np.floor(_LEVELS * np.clip(np.log10(errors) / low, 0, 1 - 1e-9))
    wide, high = (WIDTH - MAP_LEFT - RIGHT) / len(steps), (HEIGHT - TOP - BOTTOM) / len(rows)
    boxes: dict[int, list[str]] = {}
    for mode, row in enumerate(level.T.tolist()):
        at = 0
        for value, group in itertools.groupby(row):
            run = len(list(group))
            if np.isfinite(value):
                x, y = MAP_LEFT + at * wide, HEIGHT - BOTTOM - (mode + 1) * high
                boxes.setdefault(int(value), []).append(f"M{x:.1f} {y:.1f}h{run * wide:.1f}v{high:.1f}h{-run * wide:.1f}z")
            at += run
    parts = [tag("path", class_=f"h{value}", d="".join(found)) for value, found in sorted(boxes.items())]
    for mode in range(0, len(rows), -(-len(rows) // 14)):
        y = HEIGHT - BOTTOM - (mode + 0.5) * high + 5
        parts.append(tag("text", rows[mode], x=MAP_LEFT - 8, y=f"{y:.1f}", text_anchor="end"))
    for column in thinned(len(steps), 7).tolist():
        x = MAP_LEFT + (column + 0.5) * wide
        parts.append(tag("text", f"{steps[column]:,.0f}", x=f"{x:.1f}", y=HEIGHT - BOTTOM + 20, text_anchor="middle"))
    middle = (TOP + HEIGHT - BOTTOM) / 2
    parts += [
        tag("text", "step", class_="axis", x=(MAP_LEFT + WIDTH - RIGHT) / 2, y=HEIGHT - 10, text_anchor="middle"),
        tag("text", "wavenumber", class_="axis", transform=f"translate(16 {middle}) rotate(-90)", text_anchor="middle"),
    ]
    label = f"{title}. The numbers are in the table below."
    drawing = tag("svg", *parts, viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", aria_label=label)
    colors = [tag("rect", class_=f"h{k}", x=k * 20, y=0, width=20, height=14) for k in range(_LEVELS)]
    bar = tag("svg", *colors, viewBox=f"0 0 {20 * _LEVELS} 14", class_="bar", aria_hidden="true")
    places = thinned(len(steps), 9)
    table = [[row, *(shown(v, 3) for v in errors[places, k].tolist())] for k, row in enumerate(rows)]
    columns = ["wavenumber", *(f"step {steps[k]:,.0f}" for k in places)]
    legend = tag("p", "relative error 1 ", bar, f" {10**low:.1g}", class_="scale")
    return join([tag("figure", drawing, legend, class_="chart"), data_table(title, columns, table)])


def _dash(style: int, predicted: bool) -> str | None:
    return "1 4" if predicted else _DASHES[style // COLORS % len(_DASHES)] or None
