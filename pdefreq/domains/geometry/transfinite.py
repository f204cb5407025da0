"""The transfinite interpolant of values on sides of a box."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch

from pdefreq.core.errors import IncompatibleError
from pdefreq.core.fields import CallableField, Field

if TYPE_CHECKING:
    from torch import Tensor

_MAX_LIFTED = 8  # dimensions: transfinite interpolation requires 3^d - 1 evaluations of g


def transfinite(sides: Mapping[tuple[int, int], Field], lower: Sequence[float], upper: Sequence[float]) -> Field:
    """The transfinite interpolant of values on sides of a box (Gordon and Hall, 1973): 1 - prod_k (1 - P_k) applied to them.

    The projection P_k is linear along axis k between the values on two opposite sides, or the value on the only side with
    values. At corners and edges, the values of the side across the first axis are used.

    Args:
        sides: The values by axis and end, 0 for the lower and 1 for the upper one.
        lower: The lower bounds of the box.
        upper: The upper bounds.

    Raises:
        IncompatibleError: If there are sides across more than eight axes.
    """
    axes = sorted({k for k, _ in sides})
    ends = {k: tuple(end for end in (0, 1) if (k, end) in sides) for k in axes}
    if len(ends) > _MAX_LIFTED:
        raise IncompatibleError(
            f"boundary values that vary can be lifted in at most {_MAX_LIFTED} dimensions, got {len(ends)}: "
            "use `--set boundary=penalty`"
        )
    return CallableField(functools.partial(_interpolant, sides, ends, lower, upper))


def _interpolant(
    sides: Mapping[tuple[int, int], Field],
    ends: Mapping[int, tuple[int, ...]],
    lower: Sequence[float],
    upper: Sequence[float],
    x: Tensor,
) -> Tensor:
    total = x.new_zeros(x.shape[0])
    subsets = [s for size in range(1, len(ends) + 1) for s in itertools.combinations(ends, size)]
    for axes in subsets:
        sign = 1.0 if len(axes) % 2 else -1.0
        for place in itertools.product(*(ends[k] for k in axes)):
            corner, weight = list(x.unbind(dim=1)), sign
            for k, end in zip(axes, place, strict=True):
                if len(ends[k]) == 2:
                    s = (x[:, k] - lower[k]) / (upper[k] - lower[k])
                    weight = weight * (s if end else 1 - s)
                corner[k] = x.new_full((x.shape[0],), upper[k] if end else lower[k])
            total = total + weight * sides[axes[0], place[0]](torch.stack(corner, dim=1))
    return total
