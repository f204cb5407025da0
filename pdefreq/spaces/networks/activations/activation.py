"""Activation functions, which compute value and derivatives together because most of the work is shared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from pdefreq.core.errors import OptionError

if TYPE_CHECKING:
    from torch import Tensor


_DERIVATIVES = "must be a function (a, order) that returns the list of sigma(a), sigma'(a), ... up to that order"


@dataclass(frozen=True)
class Activation:
    """A function of one variable, applied to each entry of a tensor.

    Args:
        name: The name on the command line and in files.
        derivatives: A function of ``(a, order)`` that returns the list of sigma(a), sigma'(a), ..., up to that order. Where a
            derivative jumps, it may return either one-sided limit.
        smoothness: The largest order of square-integrable derivatives.
        support: The interval outside which sigma vanishes; None if there is no such interval.

    Raises:
        OptionError: If `derivatives` can't be called with these arguments, or returns other shapes.
    """

    name: str
    derivatives: Callable[[Tensor, int], list[Tensor]]
    smoothness: float
    support: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        a = torch.tensor([0.25, 0.5], dtype=torch.float64)
        try:
            jets = [self.derivatives(a, order) for order in range(3)]
            sizes = [[tuple(each.shape) for each in jet] for jet in jets]
        except (TypeError, AttributeError) as error:
            raise OptionError(f"the derivatives of activation '{self.name}' {_DERIVATIVES}, got {error}") from error
        if sizes != [[(2,)] * (order + 1) for order in range(3)]:
            raise OptionError(
                f"the derivatives of activation '{self.name}' {_DERIVATIVES}, got the shapes {sizes[-1]} for order 2"
            )

    def __call__(self, a: Tensor) -> Tensor:
        """sigma(a)."""
        return self.jet(a, 0)[0]

    def jet(self, a: Tensor, order: int) -> tuple[Tensor, ...]:
        """sigma(a) and its derivatives up to `order`, each differentiable with respect to `a`, any number of times."""
        if not (a.requires_grad and torch.is_grad_enabled()):
            return tuple(self.derivatives(a, order))
        return _Jet.apply(a, self.derivatives, order)  # pyright: ignore[reportReturnType]


class _Jet(torch.autograd.Function):
    """The jet of an activation; its backward pass uses stored derivatives and does not differentiate each operation."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, derivatives: Callable[[Tensor, int], list[Tensor]], order: int) -> tuple[Tensor, ...]:
        jet = derivatives(a, order + 1)
        ctx.save_for_backward(a, *jet[1:])
        ctx.set_materialize_grads(False)
        ctx.derivatives, ctx.order = derivatives, order
        return tuple(jet[:-1])

    @staticmethod
    def backward(ctx: Any, *cotangents: Tensor | None) -> tuple[Tensor | None, None, None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        a, *slopes = ctx.saved_tensors
        if torch.is_grad_enabled():  # the result will be differentiated again
            slopes = _Jet.apply(a, ctx.derivatives, ctx.order + 1)[1:]  # pyright: ignore[reportOptionalSubscript]
        total: Tensor | None = None
        for cotangent, slope in zip(cotangents, slopes, strict=True):
            if cotangent is not None:
                total = cotangent * slope if total is None else total.addcmul_(cotangent, slope)
        return total, None, None
