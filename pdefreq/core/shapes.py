"""Names for array shapes, used in annotations throughout.

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
