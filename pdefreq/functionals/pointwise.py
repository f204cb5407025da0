"""Functionals given by a function of the point, of u and of its derivatives there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch

from pdefreq.core.errors import OptionError
from pdefreq.functionals.block import ChannelBlock, ChannelLeastSquares
from pdefreq.spaces.channels import Channels

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Points, Values
    from pdefreq.spaces.trial_space import Evaluator

ARGUMENTS = ("u", "gradient", "second", "x")
"""The parameters that such a function may have: the values, gradients ``(n, d)`` and Laplacians of u, and points ``(n, d)``."""


class _OfPoints:
    """A function of `ARGUMENTS`, some of which it may leave out, at fixed points."""

    def __init__(self, function: Callable[..., Tensor], names: Sequence[str], x: Points) -> None:
        self._function, self._names, self._x = function, names, x

    def __call__(self, u: Channels) -> Tensor:
        gradient = None if u.gradient is None else u.gradient.T
        known: dict[str, Any] = dict(zip(ARGUMENTS, (u.value, gradient, u.second, self._x), strict=True))
        values = self._function(**{name: known[name] for name in self._names})
        if not isinstance(values, torch.Tensor) or values.ndim not in (1, 2) or len(values) != len(self._x):
            got = tuple(values.shape) if isinstance(values, torch.Tensor) else type(values).__name__
            raise OptionError(f"the function of the loss must return one number for each of {len(self._x)} points, got {got}")
        return values

    @property
    def order(self) -> int:
        return order_of(self._names)


def order_of(names: Sequence[str]) -> int:
    """The highest order of derivatives of u among arguments."""
    return 2 if "second" in names else 1 if "gradient" in names else 0


class PointwiseResidual(ChannelLeastSquares):
    """The integral of the squared values of a function, which may return several numbers at each point, ``(n, k)``."""

    def __init__(
        self, evaluator: Evaluator, function: Callable[..., Tensor], names: Sequence[str], x: Points, weights: Values
    ) -> None:
        super().__init__("residual", evaluator)
        self._function, self._scale = _OfPoints(function, names, x), (2 * weights).sqrt()
        with torch.no_grad():
            zero = Channels(torch.zeros_like(weights), torch.zeros_like(x).T, torch.zeros_like(weights))
            self._rows = self._function(zero).numel()

    @property
    def order(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]  # known when the function is
        return self._function.order

    @property
    def num_rows(self) -> int:
        return self._rows

    def residual_of(self, u: Channels) -> Tensor:
        return torch.cat(self._columns(u))

    def rows(self, u: Channels) -> list[Channels]:
        u = u.map(lambda t: t.detach().requires_grad_(True))
        with torch.enable_grad():
            return [_derivative(column.sum(), u) for column in self._columns(u)]

    def _columns(self, u: Channels) -> list[Tensor]:
        """The weighted residuals, one tensor ``(n,)`` for each number at a point."""
        values = self._function(u)
        return [self._scale * column for column in values.reshape(len(values), -1).unbind(1)]


class PointwiseDensity(ChannelBlock):
    """The integral of a function. The Gauss-Newton factor has the nonnegative part of its second derivatives at each point."""

    def __init__(
        self, evaluator: Evaluator, function: Callable[..., Tensor], names: Sequence[str], x: Points, weights: Values
    ) -> None:
        super().__init__("energy", evaluator)
        self._function, self._weights = _OfPoints(function, names, x), weights
        self._channels = 1 + (x.shape[1] if self.order >= 1 else 0) + (1 if self.order >= 2 else 0)

    @property
    def order(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]  # known when the function is
        return self._function.order

    @property
    def num_rows(self) -> int:
        return self._channels * len(self._weights)

    def integral(self, u: Channels) -> Tensor:
        return (self._weights * self._function(u)).sum()

    def slopes(self, u: Channels) -> Channels:
        u = u.map(lambda t: t.detach().requires_grad_(True))
        with torch.enable_grad():
            return _derivative(self.integral(u), u)

    def rows(self, u: Channels) -> list[Channels]:
        u = u.map(lambda t: t.detach().requires_grad_(True))
        with torch.enable_grad():
            slope = _derivative(self.integral(u), u, again=True).stacked()
            second = [_derivative(row.sum(), u).stacked() for row in slope.unbind(0)]
        values, vectors = torch.linalg.eigh(torch.stack(second).permute(2, 0, 1))  # (n, q, q)
        factor = (vectors * values.clamp_min(0).sqrt()[:, None, :]).permute(2, 1, 0)
        return [_unstacked(row, u.order) for row in factor]


def _derivative(total: Tensor, u: Channels, *, again: bool = False) -> Channels:
    """The derivatives of a number in the channels of u."""
    if not total.requires_grad:
        return u.map(torch.zeros_like)
    found = iter(torch.autograd.grad(total, u.present, create_graph=again, retain_graph=True, materialize_grads=True))
    return u.map(lambda _: next(found))


def _unstacked(row: Tensor, order: int) -> Channels:
    """The inverse of `Channels.stacked` for an array ``(q, n)``."""
    if order == 0:
        return Channels(row[0])
    return Channels(row[0], row[1:]) if order == 1 else Channels(row[0], row[1:-1], row[-1])
