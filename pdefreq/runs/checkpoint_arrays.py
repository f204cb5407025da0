"""The arrays of a checkpoint: which there must be, and their types and shapes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

_NUMBERS = "biufc"
_SHAPES: dict[str, tuple[str, tuple[str, ...]]] = {
    "column/mode_error": ("f", ("T", "m")),
    "column/mode_error_total": ("f", ("T", "m")),
    "column/mode_error_phase": ("f", ("T", "m")),
    "fact/processes": ("iu", ()),
    "fact/mode_kind": ("U", ()),
    "fact/mode_indices": ("iu", ("m", "j")),
    "fact/mode_wavenumber": ("f", ("m",)),
    "fact/mode_amplitude": ("f", ("m",)),
    "fact/mode_complete": ("b", ()),
    "fact/mode_error_kind": ("U", ()),
    "fact/mode_count_above_threshold": ("iu", ()),
    "fact/mode_wavevectors": ("f", ("m", "d")),
    "fact/mode_predicted_note": ("U", ()),
    "fact/mode_predicted_rate": ("f", ("m",)),
    "fact/mode_predicted_steps": ("iu", ("S",)),
    "fact/mode_predicted_curve": ("f", ("S", "m")),
    "fact/mode_predicted_phase": ("f", ("S", "m")),
    "fact/mode_predicted_start_step": ("iu", ()),
    "fact/mode_predicted_drift": ("f", ("2",)),
    "fact/mode_rayleigh_quotient": ("f", ("m",)),
    "fact/mode_eigen_residual": ("f", ("m",)),
    "fact/mode_above_threshold": ("b", ("m",)),
    "fact/mode_wavenumber_range": ("f", ("2",)),
    "column/certificate_damped": ("f", ("T", "c")),
    "column/certificate_residual": ("f", ("T", "c")),
    "column/certificate_remainder": ("f", ("T",)),
    "column/snapshot": ("f", ("T", "q")),
    "fact/snapshot_points": ("f", ("q", "d")),
    "fact/snapshot_shape": ("iu", ("a",)),
}
"""The types and the shapes of arrays that are used together, in which equal letters are equal sizes."""

_TOGETHER = (
    (
        *(f"fact/mode_{name}" for name in ("kind", "indices", "wavenumber", "amplitude", "complete", "error_kind")),
        "fact/mode_count_above_threshold",
    ),
    ("fact/mode_predicted_steps", "fact/mode_predicted_curve", "fact/mode_predicted_start_step"),
    ("column/certificate_damped", "column/certificate_residual", "column/certificate_remainder"),
    ("column/snapshot", "fact/snapshot_points", "fact/snapshot_shape"),
)
"""Arrays of which each requires the others."""


def require_checkpoint(arrays: Mapping[str, np.ndarray], step: int) -> None:
    """Check that arrays can be the checkpoint at a step.

    Raises:
        ValueError: If an array is missing, or has another type or shape, or the recorded steps do not increase. The message is a
            clause.
    """
    import numpy as np

    for name, kinds, ndim in (("coefficients", "f", 1), ("step", "iu", 0), ("seconds", "fiu", 0), ("done", "b", 0)):
        if name not in arrays or arrays[name].dtype.kind not in kinds or arrays[name].ndim != ndim:
            raise ValueError(f"its `{name}` is missing or has another type or shape")
    if int(arrays["step"]) != step:
        raise ValueError(f"its name and its content state the steps {step} and {int(arrays['step'])}")
    for seconds in (arrays["seconds"], arrays.get("elapsed", arrays["seconds"])):
        if seconds.ndim or not 0 <= float(seconds) < np.inf:
            raise ValueError(f"its time is {seconds} seconds")
    columns = {name: value for name, value in arrays.items() if name.startswith("column/")}
    _require_columns(columns)
    numbers = {**columns, **{name: value for name, value in arrays.items() if name.startswith("memory/")}}
    if wrong := [name for name, value in numbers.items() if value.dtype.kind not in _NUMBERS]:
        raise ValueError(f"its `{wrong[0]}` has another type than numbers")
    _require_shapes(arrays)


def _require_columns(columns: Mapping[str, np.ndarray]) -> None:
    """Check that columns have equal lengths and increasing steps."""
    import numpy as np

    if not columns:
        return
    if any(value.ndim not in (1, 2) for value in columns.values()) or len({len(value) for value in columns.values()}) > 1:
        raise ValueError("its columns have different lengths")
    steps = columns.get("column/step")
    if steps is None or steps.ndim != 1 or steps.dtype.kind not in "iu" or (np.diff(steps.astype(float), prepend=-1) <= 0).any():
        raise ValueError("the steps of its rows do not increase")
    if any(columns[name].ndim != 1 for name in ("column/seconds", "column/objective") if name in columns):
        raise ValueError("its columns have other shapes")


def _require_shapes(arrays: Mapping[str, np.ndarray]) -> None:
    sizes: dict[str, int] = {"2": 2}
    for name, (kinds, shape) in _SHAPES.items():
        if name not in arrays:
            continue
        value = arrays[name]
        fits = value.dtype.kind in kinds and value.ndim == len(shape)
        if not fits or any(sizes.setdefault(letter, size) != size for letter, size in zip(shape, value.shape, strict=True)):
            raise ValueError(f"its `{name}` has another type or shape")
    for names in _TOGETHER:
        present, missing = ([name for name in names if (name in arrays) is wanted] for wanted in (True, False))
        if present and missing:
            raise ValueError(f"it has `{present[0]}` without `{missing[0]}`")
    if "fact/mode_indices" in arrays and "column/mode_error" in arrays and "column/mode_error_total" not in arrays:
        raise ValueError("it has `column/mode_error` without `column/mode_error_total`")
    if "fact/mode_predicted_curve" in arrays:
        _require_curves(arrays)
    if "fact/snapshot_shape" in arrays:
        shape = arrays["fact/snapshot_shape"].tolist()
        if not (1 <= len(shape) <= 2 and min(shape) > 0 and math.prod(shape) == len(arrays["fact/snapshot_points"])):
            raise ValueError("its `fact/snapshot_shape` does not fit the points of the snapshots")


def _require_curves(arrays: Mapping[str, np.ndarray]) -> None:
    """Check that predicted curves begin at or before the first predicted row, and do not end before it."""
    import numpy as np

    steps, rows = arrays["fact/mode_predicted_steps"], arrays.get("column/step", np.empty(0))
    later = rows[rows >= arrays["fact/mode_predicted_start_step"]]
    if (np.diff(steps.astype(float)) <= 0).any() or (len(later) and not (len(steps) and steps[0] <= later[0] <= steps[-1])):
        raise ValueError("the steps of its predicted curves do not fit those of its rows")
