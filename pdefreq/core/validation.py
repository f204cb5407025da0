"""Values of the fields of a problem, validated at the points where a method needs them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from pdefreq.core.errors import ProblemFileError

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Points


def validated(field: Callable[[Points], Tensor], name: str, x: Points, *, least: float = -math.inf) -> Tensor:
    """A field or its gradient at `x`, shape ``(n,)`` or ``(n, d)``, without a graph behind it.

    Args:
        field: What to evaluate.
        name: What to call it in a message, e.g. ``"[equation] diffusion"``.
        x: Where.
        least: The smallest value allowed.

    Raises:
        ProblemFileError: If a value is not finite, or too small.
    """
    import torch

    with torch.no_grad():
        values = field(x)
    wrong = ~(values.isfinite() & (values >= least))
    if wrong.any():
        first = int(wrong.nonzero()[0, 0])
        at = ", ".join(f"{v:g}" for v in x[first].tolist())
        expected = "finite" if least == -math.inf else f"finite and at least {least:g}"
        raise ProblemFileError(f"{name} must be {expected}, got {float(values[wrong][0]):g} at ({at})")
    return values
