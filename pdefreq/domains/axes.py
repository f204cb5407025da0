"""Names of the coordinates."""

from __future__ import annotations

_AXES = "xyz"


def axis_names(dimension: int) -> list[str]:
    """Names of the coordinates: x, y, z up to three dimensions, x1 ... xd beyond."""
    return list(_AXES[:dimension]) if dimension <= len(_AXES) else [f"x{k + 1}" for k in range(dimension)]
