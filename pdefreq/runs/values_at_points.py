"""The values of a function at points that are given as tensors, arrays, lists, or single points."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

from pdefreq.core.conversion import shown
from pdefreq.core.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch
    from torch import Tensor

    from pdefreq.core.shapes import Points
    from pdefreq.domains.domain import Domain

Outside = Literal["refuse", "nan"]


def values_at_points(
    function: Callable[[Points], Tensor], given: Any, domain: Domain, *, outside: Outside, device: torch.device
) -> Any:
    """The values of a function at points of a domain, in the form of the points.

    Args:
        function: A function from points ``(n, d)`` to ``(n, ...)``.
        given: Points ``(n, d)``, in one dimension also ``(n,)``; or one point, ``(d,)`` or a number.
        domain: The domain of the function.
        outside: Whether points outside the closed domain are refused, or have the value nan (``"nan"``).
        device: The device of the function.

    Returns:
        A tensor for a tensor, otherwise a numpy array. For a single point, the first axis is omitted, and a scalar value is
        returned as a number.

    Raises:
        OptionError: If the points have another shape, or one lies outside the domain by more than rounding and `outside` is not
            ``"nan"``.
    """
    import torch

    points, single = _points(given, domain.dimension, device)
    values = _values(function, points, domain, outside)
    values = values[0] if single else values
    if isinstance(given, torch.Tensor):
        return values
    return values.item() if values.ndim == 0 else values.numpy(force=True)


def _values(function: Callable[[Points], Tensor], x: Points, domain: Domain, outside: Outside) -> Tensor:
    """Values at points of the domain, and nan elsewhere if that is allowed."""
    import torch

    if not isinstance(outside, str) or outside not in ("refuse", "nan"):
        raise OptionError(f"`outside` must be 'refuse' or 'nan', got {shown(outside)}")
    inside = domain.contains_rounded(x)
    if inside.all():
        return function(x).detach()
    if outside == "refuse":
        point = ", ".join(f"{v:g}" for v in x[~inside][0].tolist())
        raise OptionError(f"the point ({point}) lies outside the domain, {domain.title}: leave it out, or pass outside='nan'")
    found = function(x[inside]).detach()
    values = torch.full((len(x), *found.shape[1:]), math.nan, dtype=found.dtype, device=found.device)
    values[inside] = found
    return values


def _points(x: Any, dimension: int, device: torch.device) -> tuple[Points, bool]:
    """Points as a tensor ``(n, d)``, and whether they were given as a single one."""
    import numpy as np
    import torch

    try:
        x = x if isinstance(x, torch.Tensor) else torch.as_tensor(np.asarray(x))  # torch would read lists in single precision
    except (TypeError, ValueError):
        raise OptionError(f"points must be numbers, got {shown(x)}") from None
    x = x if x.is_floating_point() else x.to(torch.float64)
    shape = tuple(x.shape)
    single = shape == ((dimension,) if dimension > 1 else ())
    if single or (dimension == 1 and x.ndim == 1):
        x = x.reshape(-1, dimension)
    if x.ndim != 2 or x.shape[1] != dimension:
        raise OptionError(f"points must have shape (n, {dimension}), or ({dimension},) for a single point, got {shape}")
    return x.to(device), single
