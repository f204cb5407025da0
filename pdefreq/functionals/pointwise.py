"""Functionals given by a function of the point and of u and its derivatives at the point."""

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

_TESTED = 64  # number of points at which the form of a function is tested
_ROUNDING = 1e-5  # relative; functions with constants in single precision differ by 1e-7
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
    """The highest order of the derivatives of u among the arguments."""
    return 2 if "second" in names else 1 if "gradient" in names else 0


def require_form(form: str | None, function: Callable[..., Tensor], names: Sequence[str], x: Points) -> None:
    """Check that a function can have a form, or that its form is clear if none is stated.

    The integral of a function that is affine in u and its derivatives has no minimum. A function that is affine in the highest
    derivative of u is thus the residual of an equation; other functions may be residuals or integrands. Both properties are
    tested at the midpoints of random arguments.

    Args:
        form: ``"residual"``, ``"density"``, or None if it is not stated.
        function: The function.
        names: Its parameters.
        x: Points of the domain, of which up to 64 are used.

    Raises:
        OptionError: If the form is not stated and not clear, or is a density that is affine.
    """
    highest = [name for name in ARGUMENTS[:3] if name in names][-1:]
    if form is None and not _is_affine(function, names, x, highest):
        raise OptionError(
            f"the function of the loss is not linear in {highest[0]}, so it may be a residual or the integrand of an energy: use "
            "`--set form=density` for an energy, or `--set form=residual` for a residual, whose square is integrated"
        )
    if form == "density" and _is_affine(function, names, x, ARGUMENTS[:3]):
        raise OptionError(
            "the function of the loss is linear in u and its derivatives, so that its integral has no minimum: use "
            "`--set form=residual`, which integrates its square"
        )


def _is_affine(function: Callable[..., Tensor], names: Sequence[str], x: Points, varied: Sequence[str]) -> bool:
    """Whether a function is affine in some of its arguments, up to rounding, at random values of the others."""
    x = x[:_TESTED].double()
    draw = torch.Generator().manual_seed(0)

    def channels() -> Channels:
        return Channels(
            *(torch.randn(*shape, generator=draw, dtype=x.dtype).to(x) for shape in ((len(x),), x.T.shape, (len(x),)))
        )

    u, v = channels(), channels()
    kept = {name: name not in varied for name in ARGUMENTS[:3]}
    v = Channels(
        u.value if kept["u"] else v.value,
        u.gradient if kept["gradient"] else v.gradient,
        u.second if kept["second"] else v.second,
    )
    between = Channels(*((a + b) / 2 for a, b in zip(u.present, v.present, strict=True)))
    at = _OfPoints(function, names, x)
    with torch.no_grad():
        first, last, middle = at(u), at(v), at(between)
    size = float(torch.stack([first.abs().max(), last.abs().max(), middle.abs().max()]).max())
    return float((first + last - 2 * middle).abs().max()) <= _ROUNDING * size


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
    """The integral of a function, with a Gauss-Newton factor from the nonnegative part of its second derivatives."""

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
    """The derivatives of a scalar with respect to the channels of u."""
    if not total.requires_grad:
        return u.map(torch.zeros_like)
    found = iter(torch.autograd.grad(total, u.present, create_graph=again, retain_graph=True, materialize_grads=True))
    return u.map(lambda _: next(found))


def _unstacked(row: Tensor, order: int) -> Channels:
    """The inverse of `Channels.stacked` for an array ``(q, n)``."""
    if order == 0:
        return Channels(row[0])
    return Channels(row[0], row[1:]) if order == 1 else Channels(row[0], row[1:-1], row[-1])
