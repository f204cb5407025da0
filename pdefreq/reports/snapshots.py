"""The solution with a slider through the snapshots of runs."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pdefreq.reports.axes import Scale
from pdefreq.reports.charts import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, axes_markup, path_of, thinned
from pdefreq.reports.markup import Markup, data_block, join, tag
from pdefreq.reports.tables import data_table, shown

if TYPE_CHECKING:
    from pdefreq.figures.film import Strip

MOST_SNAPSHOTS = 40  # of a run; more are thinned
_GRAY = 255


def slider_markup(name: str, strip: Strip) -> Markup:
    """The curves of u and of the exact or reference solution, in two dimensions also u as a picture, at a step that is chosen.

    In two dimensions the curves lie along the middle line of the second coordinate.

    Args:
        name: A name that is unique in the document.
        strip: The snapshots.
    """
    places = thinned(len(strip.step), MOST_SNAPSHOTS)
    step = strip.step[places]
    plane = strip.values.ndim == 3
    middle = strip.values.shape[2] // 2 if plane else 0
    lines = strip.values[places][:, :, middle] if plane else strip.values[places]
    target = None if strip.target is None else strip.target[:, middle] if plane else strip.target
    x = strip.axes[0]
    sx = Scale.of(x, LEFT, WIDTH - RIGHT)
    sy = Scale.of(np.concatenate([lines.ravel(), [] if target is None else target]), HEIGHT - BOTTOM, TOP)
    paths = [path_of(sx(x), sy(line)) for line in lines]
    where = f"u at {shown(float(strip.axes[1][middle]))} of the second coordinate" if plane else "u"
    exact = None if target is None else tag("path", class_="curve c7", stroke_dasharray="7 4", d=path_of(sx(x), sy(target)))
    drawing = tag(
        "svg",
        axes_markup(sx, sy, "x", "u"),
        exact,
        tag("path", class_="curve c1", id=f"{name}-u", d=paths[-1]),
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        aria_label=f"{where} against x of {strip.title} at the chosen step. The numbers are in the table below.",
    )
    last = len(places) - 1
    times = [f"step {s:,.0f}" for s in step.tolist()]
    control = tag("input", type="range", min=0, max=last, value=last, step=1, id=f"{name}-at", data_slider=name)
    output = tag("output", times[-1], id=f"{name}-step", for_=f"{name}-at")
    label = tag("label", "Snapshot ", control, for_=f"{name}-at")
    data: dict[str, Any] = {"paths": paths, "labels": times}
    pictures = None
    if plane:
        data |= _pictures(strip.values[places])
        rows, columns = strip.values.shape[1:]
        pictures = tag(
            "canvas",
            id=f"{name}-canvas",
            width=rows,
            height=columns,
            role="img",
            aria_label=f"u in the plane at the chosen step, from {data['low']:.3g} (dark) to {data['high']:.3g} (bright)",
        )
        scale = tag("figcaption", f"u from {data['low']:.3g} (dark) to {data['high']:.3g} (bright)")
        pictures = tag("figure", pictures, scale, class_="picture")
    note = tag(
        "p", "Solid: the approximation. Dashed: the exact or reference solution." if exact else "Solid: the approximation."
    )
    some = thinned(len(x), 20)
    instants = thinned(len(places), 6)
    columns = ["x", *(times[k] for k in instants), *([] if target is None else ["exact or reference"])]
    numbers = [
        [
            shown(float(x[i])),
            *(shown(float(lines[k, i])) for k in instants),
            *([] if target is None else [shown(float(target[i]))]),
        ]
        for i in some
    ]
    table = data_table(f"{where}, {strip.title}", columns, numbers)
    thin = tag("p", f"{len(places)} of {len(strip.step):,} snapshots are shown.") if len(places) < len(strip.step) else None
    return join(
        [tag("p", label, " ", output, class_="slider"), note, thin, drawing, pictures, table, data_block(f"{name}-data", data)]
    )


def _pictures(values: np.ndarray) -> dict[str, Any]:
    """Pictures ``(n, rows, columns)`` as bytes 1 to 255 between their extremes; 0 is outside the domain."""
    known = values[np.isfinite(values)]
    low, high = float(known.min(initial=0)), float(known.max(initial=0))
    level = np.nan_to_num(1 + (values - low) / ((high - low) or 1) * (_GRAY - 1), nan=0).clip(0, _GRAY).astype(np.uint8)
    pixels = [base64.b64encode(np.ascontiguousarray(picture.T[::-1]).tobytes()).decode() for picture in level]
    return {"pixels": pixels, "low": low, "high": high}


def strips(runs: Sequence[Any]) -> list[Strip | None]:
    """The snapshots of each run; None for a run without them."""
    from pdefreq.probes.snapshots import COLUMN
    from pdefreq.studies.film import strip_of

    return [strip_of(run) if COLUMN in run.valid_history and len(run.valid_history) else None for run in runs]
