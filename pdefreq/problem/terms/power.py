"""Powers of the modulus of a gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pdefreq.core.shapes import Gradients, Values

_WIDEST = 1e12  # ratio of the largest and the smallest factor; beyond it, rounding errors would make a matrix indefinite


def size_power(q: Gradients, power: float) -> Values:
    """|q|^power, shape ``(n,)``. For q = 0 a negative power is a large finite number, so that its product with q is 0."""
    import torch

    # The value or the derivative of the power is infinite at zero, so the base is bounded from below.
    return q.square().sum(dim=1).clamp_min(torch.finfo(q.dtype).tiny).pow(power / 2)


def moderate_power(q: Gradients, power: float) -> Values:
    """|q|^power, shape ``(n,)``, bounded to within a factor of 1e12 of its value at the largest q, for use in matrices."""
    import torch

    size = q.square().sum(dim=1).sqrt()
    top = float(size.max()) if len(size) else 0.0
    top = top or 1.0
    limit = _WIDEST ** (-1 / abs(power)) if power else 0.0
    return top**power * torch.pow((size / top).clamp_min(limit), power)
