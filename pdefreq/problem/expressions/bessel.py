"""Bessel functions of tensors, with derivatives of any order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from torch import Tensor


class BesselJ(torch.autograd.Function):
    """J_n for integers n with values from scipy, and the derivative (J_(n-1) - J_(n+1)) / 2.

    torch has no derivatives of Bessel functions, and its values of J_0 are off by 4e-7 just above 5.
    """

    @staticmethod
    def forward(ctx: Any, u: Tensor, order: int) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        from scipy import special

        ctx.save_for_backward(u)
        ctx.order = order
        x = u.detach().cpu().numpy()
        values = special.j0(x) if order == 0 else special.j1(x) if order == 1 else special.jv(order, x)
        return torch.as_tensor(values, dtype=u.dtype, device=u.device)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        (u,) = ctx.saved_tensors
        return g * (bessel_j(u, ctx.order - 1) - bessel_j(u, ctx.order + 1)) / 2, None


def bessel_j(u: Tensor, order: int) -> Tensor:
    """The Bessel function of the first kind of an integer order, which may be negative."""
    return BesselJ.apply(u, order)  # pyright: ignore[reportReturnType]
