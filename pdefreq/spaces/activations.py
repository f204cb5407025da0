"""Activation functions: value and derivatives together, because most of the work is shared."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from pdefreq.errors import OptionError
from pdefreq.registry import named

if TYPE_CHECKING:
    from torch import Tensor


_LEAST_WIDTH = 1e-10  # of a wavelet: its derivatives carry powers of the inverse, which must be numbers


@dataclass(frozen=True)
class Activation:
    """A function of one variable, applied to each entry of a tensor.

    Args:
        name: As users write it.
        derivatives: ``(a, order)`` to the list of sigma(a), sigma'(a), ..., up to that order; where a derivative jumps,
            either one-sided limit.
        smoothness: Largest order of derivative that is square integrable.
        support: The interval outside which it vanishes, if there is one.
    """

    name: str
    derivatives: Callable[[Tensor, int], list[Tensor]]
    smoothness: float
    support: tuple[float, float] | None = None

    def __call__(self, a: Tensor) -> Tensor:
        """sigma(a)."""
        return self.jet(a, 0)[0]

    def jet(self, a: Tensor, order: int) -> tuple[Tensor, ...]:
        """sigma(a) and its derivatives up to `order`, each differentiable with respect to `a`, any number of times."""
        if not (a.requires_grad and torch.is_grad_enabled()):
            return tuple(self.derivatives(a, order))
        return _Jet.apply(a, self.derivatives, order)  # pyright: ignore[reportReturnType]


class _Jet(torch.autograd.Function):
    """The backward pass multiplies by stored derivatives, where autograd would go through every kernel again."""

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


def _sin(a: Tensor, order: int) -> list[Tensor]:
    jet = [torch.sin(a)]
    if order >= 1:
        jet.append(torch.cos(a))
    while len(jet) <= order:
        jet.append(-jet[-2])
    return jet


def _tanh(a: Tensor, order: int) -> list[Tensor]:
    """T' = 1 - t^2; s = t' has s' = -2 t s and s'' = 4 s - 6 s^2; beyond, Leibniz' rule for the derivatives of t^2."""
    t = torch.tanh(a)
    jet = [t]
    if order >= 1:
        jet.append(torch.addcmul(t.new_ones(()), t, t, value=-1))
    if order >= 2:
        jet.append(torch.addcmul(t.new_zeros(()), t, jet[1], value=-2))
    if order >= 3:
        jet.append(torch.rsub(jet[1], 4, alpha=6).mul_(jet[1]))
    for n in range(3, order):
        value = torch.mul(jet[0], jet[n])
        for k in range(1, n + 1):
            value.addcmul_(jet[k], jet[n - k], value=math.comb(n, k))
        jet.append(value.neg_())
    return jet


def _srelu(a: Tensor, order: int) -> list[Tensor]:
    t = a.clamp(0, 1)
    jet = [torch.addcmul(t, t, t, value=-1)]
    if order >= 1:
        jet.append(torch.rsub(t, 1, alpha=2).mul_(t == a))
    if order >= 2:
        jet.append((t == a).to(a).mul_(-2))
    return jet + [torch.zeros_like(a)] * (order - 2)


def _phi(a: Tensor, order: int) -> list[Tensor]:
    """Twice the quadratic B-spline: with s = a - 3/2 it is (3/2 - |s|)+^2 - 3 (1/2 - |s|)+^2."""
    s = a - 1.5
    outer, inner = s.clamp(-1.5, 1.5), s.clamp(-0.5, 0.5)
    jet = [torch.rsub(outer.abs(), 1.5).square_()]
    distance = torch.rsub(inner.abs(), 0.5)
    jet[0].addcmul_(distance, distance, value=-3)
    if order >= 1:  # 2 outer - 6 inner: the signs of s cancel
        jet.append(torch.sub(outer, inner, alpha=3).mul_(2))
    if order >= 2:
        jet.append((outer == s).to(a).mul_(2).masked_fill_(inner == s, -4))
    return jet + [torch.zeros_like(a)] * (order - 2)


def _sin_srelu(a: Tensor, order: int) -> list[Tensor]:
    """sin(w t) times the bump t (1 - t), with t = a clamped to [0, 1] and w = 2 pi; the bump's slope is 1 - 2 t."""
    w = 2 * math.pi
    t = a.clamp(0, 1)
    bump, slope = torch.addcmul(t, t, t, value=-1), torch.rsub(t, 1, alpha=2)
    angle = slope * math.pi  # sin(w t) = sin(angle), cos(w t) = -cos(angle): zero at t = 1 to one rounding
    sine, cosine = torch.sin(angle), angle.cos_()
    jet = [sine * bump]
    if order >= 1:
        jet.append((sine * slope).addcmul_(cosine, bump, value=-w))
    for n in range(2, order + 1):  # Leibniz' rule, with the derivatives of sin(w t) over w^n
        waves = [(sine, 1), (cosine, -1), (sine, -1), (cosine, 1)]
        (x, p), (y, q), (z, r) = (waves[k % 4] for k in (n, n - 1, n - 2))
        value = (x * bump).mul_(p * w**n).addcmul_(y, slope, value=q * n * w ** (n - 1))
        jet.append(value.sub_(z, alpha=r * n * (n - 1) * w ** (n - 2)).mul_(t == a))
    return jet


def _relu(a: Tensor, order: int) -> list[Tensor]:
    jet = [a.relu()]
    if order >= 1:
        jet.append((a > 0).to(a))
    return jet + [torch.zeros_like(a)] * (order - 1)


def ricker(a: float) -> Activation:
    """``pi^(1/4) / (15 a) (1 - (x/a)^2) exp(-(x/a)^2 / 2)``: its transform rises to the wavenumber sqrt(2) / a, then falls.

    Args:
        a: Its width: zero at x = a and -a.

    Raises:
        OptionError: If `a` is not finite, or below 1e-10.
    """
    if not _LEAST_WIDTH <= a < math.inf:
        raise OptionError(f"the width a of ricker(a) must be at least {_LEAST_WIDTH:g} and finite, got {a:g}")
    return Activation(f"ricker({a:g})", functools.partial(_ricker, a), math.inf)


def _ricker(width: float, a: Tensor, order: int) -> list[Tensor]:
    """-c (exp(-s^2 / 2))'' with s = x / a; the n-th derivative of the Gaussian is (-1)^n He_n(s) times it."""
    s = a / width
    bell = torch.exp(-s.square() / 2).mul_(-(math.pi**0.25) / (15 * width))
    hermite = [torch.ones_like(s), s]
    for n in range(1, order + 2):
        hermite.append(torch.addcmul(-n * hermite[n - 1], s, hermite[n]))
    return [(bell * hermite[n + 2]).mul_((-1 / width) ** n) for n in range(order + 1)]


ACTIVATIONS = {
    entry.name: entry
    for entry in (
        Activation("sin", _sin, math.inf),
        Activation("tanh", _tanh, math.inf),
        Activation("srelu", _srelu, 1, (0.0, 1.0)),
        Activation("phi", _phi, 2, (0.0, 3.0)),
        Activation("sin-srelu", _sin_srelu, 2, (0.0, 1.0)),
        Activation("relu", _relu, 1),
    )
}
"""sReLU (x)+(1-x)+, phi (x)+^2 - 3(x-1)+^2 + 3(x-2)+^2 - (x-3)+^2, sin-sReLU sin(2 pi x)(x)+(1-x)+.

Source: Liu, Cai, Xu (2020), arXiv 2007.11207, section 4; sin-sReLU: Li, Xu, Zhang (2020), arXiv 2009.14597.
"""

FAMILIES = {"ricker": ricker}
"""Activations with a number: ``ricker(0.3)``. Source: Xu (2023), the lecture notes on deep learning, equation 1.8."""


def activation_named(name: str) -> Activation:
    """An activation by name.

    Raises:
        UnknownNameError: If there is none of this name.
        OptionError: If its number is missing or wrong.
    """
    return named("activation", name, ACTIVATIONS, FAMILIES)
