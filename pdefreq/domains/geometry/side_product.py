"""Products of the distances from sides of a box."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

Side = tuple[int, "float | None", "float | None"]
"""An axis, and the bounds along it at which the product vanishes."""


def product(sides: Sequence[Side], scale: float, x: Tensor) -> Tensor:
    """The product of the distances from sides, scaled."""
    return scale * _factors(sides, x)[0].prod(dim=1)


def gradient_of_product(sides: Sequence[Side], scale: float, x: Tensor) -> Tensor:
    """The gradient of `product`, shape ``(n, d)``."""
    found, (factors, slopes) = torch.zeros_like(x), _factors(sides, x)
    others = [
        factors[:, [j for j in range(len(sides)) if j != k]].prod(dim=1) for k in range(len(sides))
    ]  # not product / factor: that is 0 / 0 on the boundary
    found[:, [k for k, *_ in sides]] = scale * slopes * torch.stack(others, dim=1)
    return found


def _factors(sides: Sequence[Side], x: Tensor) -> tuple[Tensor, Tensor]:
    """For each axis, the product of the distances from its sides, and the slope of this product, each ``(n, axes)``."""
    factors, slopes = [], []
    for k, lower, upper in sides:
        along = x[:, k]
        if lower is not None and upper is not None:
            a, b = x.new_tensor(lower), x.new_tensor(upper)
            factors.append((along - a) * (b - along))
            slopes.append(a + b - 2 * along)
        elif lower is not None:
            factors.append(along - lower)
            slopes.append(torch.ones_like(along))
        elif upper is not None:
            factors.append(upper - along)
            slopes.append(-torch.ones_like(along))
    return torch.stack(factors, dim=1), torch.stack(slopes, dim=1)
