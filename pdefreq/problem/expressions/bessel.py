"""Bessel functions of tensors, with derivatives of any order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import torch

if TYPE_CHECKING:
    from torch import Tensor


def _by_scipy(name: Literal["j0", "j1"], u: Tensor) -> Tensor:
    import scipy.special

    return torch.as_tensor(getattr(scipy.special, name)(u.detach().cpu().numpy()), dtype=u.dtype, device=u.device)


class J0(torch.autograd.Function):
    """J0 with values from scipy: torch has no derivatives of Bessel functions, and its values are off by 4e-7 just above 5."""

    @staticmethod
    def forward(ctx: Any, u: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx.save_for_backward(u)
        return _by_scipy("j0", u)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        (u,) = ctx.saved_tensors
        return -g * J1.apply(u)  # pyright: ignore[reportOperatorIssue]


class J1(torch.autograd.Function):
    """J1 with values from scipy, and the derivative J0(u) - J1(u) / u, which is 1/2 at zero."""

    @staticmethod
    def forward(ctx: Any, u: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx.save_for_backward(u)
        return _by_scipy("j1", u)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        (u,) = ctx.saved_tensors
        at_zero = u == 0
        ratio = J1.apply(u) / torch.where(at_zero, 1.0, u)  # pyright: ignore[reportOperatorIssue]
        return g * torch.where(at_zero, 0.5, J0.apply(u) - ratio)  # pyright: ignore[reportOperatorIssue]
