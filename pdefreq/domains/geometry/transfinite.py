"""Functions of the sides of a box: the product of the distances from them, and the interpolant of values on them."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from pdefreq.core.errors import IncompatibleError
from pdefreq.core.fields import CallableField, Field

if TYPE_CHECKING:
    from torch import Tensor

_MAX_LIFTED = 8  # dimensions: transfinite interpolation requires 3^d - 1 evaluations of g


def product_of_distances(lower: Sequence[float], upper: Sequence[float], across: Sequence[int]) -> Field:
    """The product of the distances from opposite sides of a box along some axes, 1 at the center.

    Args:
        lower: The lower bounds of the box.
        upper: The upper bounds.
        across: Axes k such that the function vanishes on the sides x_k = const.
    """
    scale = math.prod((2 / (upper[k] - lower[k])) ** 2 for k in across)
    sides = [lower[k] for k in across], [upper[k] for k in across]
    return CallableField(
        functools.partial(_product, across, *sides, scale), functools.partial(_gradient_of_product, across, *sides, scale)
    )


def transfinite(g: Field, lower: Sequence[float], upper: Sequence[float], across: Sequence[int]) -> Field:
    """The transfinite interpolant of `g` from the faces of a box (Gordon and Hall, 1973): 1 - prod_k (1 - P_k) applied to g.

    Args:
        g: The values on the faces.
        lower: The lower bounds of the box.
        upper: The upper bounds.
        across: Axes k such that the interpolation uses the sides x_k = const.

    Raises:
        IncompatibleError: If there are too many axes.
    """
    if len(across) > _MAX_LIFTED:
        raise IncompatibleError(
            f"boundary values that vary can be lifted in at most {_MAX_LIFTED} dimensions, got {len(across)}; use a penalty"
        )
    return CallableField(functools.partial(_interpolant, g, lower, upper, across))


def _interpolant(g: Field, lower: Sequence[float], upper: Sequence[float], across: Sequence[int], x: Tensor) -> Tensor:
    total = x.new_zeros(x.shape[0])
    subsets = [s for size in range(1, len(across) + 1) for s in itertools.combinations(across, size)]
    for axes in subsets:
        sign = 1.0 if len(axes) % 2 else -1.0
        for ends in itertools.product((0, 1), repeat=len(axes)):
            corner, weight = list(x.unbind(dim=1)), sign
            for k, end in zip(axes, ends, strict=True):
                s = (x[:, k] - lower[k]) / (upper[k] - lower[k])
                weight = weight * (s if end else 1 - s)
                corner[k] = x.new_full((x.shape[0],), upper[k] if end else lower[k])
            total = total + weight * g(torch.stack(corner, dim=1))
    return total


def _product(across: Sequence[int], lower: Sequence[float], upper: Sequence[float], scale: float, x: Tensor) -> Tensor:
    x = x[:, across]
    return scale * ((x - x.new_tensor(lower)) * (x.new_tensor(upper) - x)).prod(dim=1)


def _gradient_of_product(
    across: Sequence[int], lower: Sequence[float], upper: Sequence[float], scale: float, x: Tensor
) -> Tensor:
    found, x = torch.zeros_like(x), x[:, across]
    factors = (x - x.new_tensor(lower)) * (x.new_tensor(upper) - x)
    slopes = x.new_tensor(lower) + x.new_tensor(upper) - 2 * x
    others = [
        factors[:, [j for j in range(len(across)) if j != k]].prod(dim=1) for k in range(len(across))
    ]  # not product / factor: that is 0 / 0 on the boundary
    found[:, across] = scale * slopes * torch.stack(others, dim=1)
    return found
