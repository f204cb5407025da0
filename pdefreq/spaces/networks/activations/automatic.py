"""Activations given by a function of a tensor alone, whose derivatives are computed by automatic differentiation."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import torch
from torch import Tensor

from pdefreq.core.errors import OptionError
from pdefreq.spaces.networks.activations.activation import Activation

_REACH = 8.0  # jumps of derivatives are looked for in [-8, 8]
_POINTS = 4001
_HIGHEST = 4  # derivatives beyond this order count as continuous
_HALVINGS = 40
_JUMP = 1e-4  # relative to the largest value of the derivative; a smooth one changes by less than 1e-10 in the last interval


@functools.cache
def automatic(function: Callable[[Tensor], Tensor]) -> Activation:
    """The activation of a function that is applied to each entry of a tensor, such as ``torch.nn.functional.gelu``.

    Derivatives are computed by repeated reverse passes, which takes longer than derivatives that are coded by hand. The
    smoothness is the order of the first derivative that jumps in [-8, 8], and infinite if none of the first four jumps.

    Raises:
        OptionError: If the function does not return finite values of the shape of its argument, or can't be differentiated.
    """
    name = getattr(function, "__name__", type(function).__name__)
    a = torch.linspace(-1, 1, 6, dtype=torch.float64).reshape(2, 3)
    try:
        with torch.no_grad():
            value = function(a)
            alone = function(a.flatten()[:2])
    except (TypeError, ValueError, RuntimeError, AttributeError) as error:
        raise OptionError(
            f"the activation '{name}' must be a function of one tensor, got {type(error).__name__}: {error}"
        ) from error
    if not isinstance(value, Tensor) or value.shape != a.shape or not torch.equal(value.flatten()[:2], alone):
        raise OptionError(
            f"the activation '{name}' must act on each entry of a tensor by itself: return a tensor of the same shape"
        )
    derivatives = functools.partial(_derivatives, function)
    try:
        return Activation(name, derivatives, _smoothness(derivatives))
    except RuntimeError as error:
        raise OptionError(f"the activation '{name}' can't be differentiated: {error}") from error


def _derivatives(function: Callable[[Tensor], Tensor], a: Tensor, order: int) -> list[Tensor]:
    with torch.enable_grad():
        a = a.detach().requires_grad_(order > 0)
        jet = [function(a)]
        while len(jet) <= order:
            last = jet[-1]
            slope = torch.autograd.grad(last.sum(), a, create_graph=True, allow_unused=True)[0] if last.requires_grad else None
            jet.append(torch.zeros_like(a) if slope is None else slope)
    return [each.detach() for each in jet]


def _smoothness(derivatives: Callable[[Tensor, int], list[Tensor]]) -> float:
    """The largest order of square-integrable derivatives: that of the first derivative with a jump."""
    a = torch.linspace(-_REACH, _REACH, _POINTS, dtype=torch.float64) + 1e-3 / math.pi  # no jump at a round number is a point
    for order, values in enumerate(derivatives(a, _HIGHEST)):
        start = int(values.diff().abs().argmax())
        low, high = a[start], a[start + 1]
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            below, at, above = derivatives(torch.stack([low, middle, high]), order)[order]
            low, high = (low, middle) if (at - below).abs() >= (above - at).abs() else (middle, high)
        below, above = derivatives(torch.stack([low, high]), order)[order]
        if float((above - below).abs()) > _JUMP * float(values.abs().max()):
            return order
    return math.inf
