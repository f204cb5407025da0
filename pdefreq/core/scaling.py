"""Norms without underflow and overflow: squares of 1e-170 are zero, and those of 1e160 infinite."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor


def power_of_two_near(values: np.ndarray | Tensor) -> float:
    """The power of two next to the largest modulus, by which values are divided before they are squared.

    The division is exact, so that quotients of norms keep all digits. It is 1 if there is no positive finite value.

    Args:
        values: Numbers, any shape, real or complex.

    Example:
        >>> import numpy as np
        >>> power_of_two_near(np.array([3e-200, -5e-201])) / 3e-200 < 1, power_of_two_near(np.zeros(2))
        (True, 1.0)
    """
    largest = float(abs(values).max()) if math.prod(values.shape) else 0.0
    if not (0 < largest < math.inf):
        return 1.0
    return 2.0 ** max(math.frexp(largest)[1] - 1, -1022)  # not below the smallest normal number
