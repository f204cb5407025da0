"""Type aliases for array shapes, used in annotations, and names of coordinates.

All arrays are `torch.Tensor` objects; an alias states the axes. The number of points is n, the space dimension d, the number of
coefficients of a trial space P, and the number of modes m.
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
    """Names of the coordinates: x, y, z in up to three dimensions, x1 ... xd in more."""
    return list(_AXES[:dimension]) if dimension <= len(_AXES) else [f"x{k + 1}" for k in range(dimension)]
