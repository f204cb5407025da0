"""Names for array shapes, used in annotations throughout, and for coordinates.

Every array is a `torch.Tensor`; the names say which axes it has. n counts points, d is the space dimension,
P the number of coefficients of a trial space, m the number of modes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from torch import Tensor

Points: TypeAlias = "Tensor"  # (n, d), in the units of the problem
Values: TypeAlias = "Tensor"  # (n,)
Gradients: TypeAlias = "Tensor"  # (n, d)
Coefficients: TypeAlias = "Tensor"  # (P,)

_AXES = "xyz"


def axis_names(dimension: int) -> list[str]:
    """Names of the coordinates: x, y, z up to three dimensions, x1 ... xd beyond."""
    return list(_AXES[:dimension]) if dimension <= len(_AXES) else [f"x{k + 1}" for k in range(dimension)]
