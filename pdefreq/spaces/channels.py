"""What a layer carries forward beside its values: their gradients and Laplacians in x. And how sensitivities come back.

A quantity at n points is a `Channels`. Layers push it forward (forward Laplacian: Li et al., 2023, arXiv 2307.08214); the
derivative of ``value_i u + gradient_i . grad u + laplacian_i lap u`` in whatever went into u is pulled back through the same
layers as another `Channels`, of cotangents.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.shapes import Gradients, Points, Values


class Channels(NamedTuple):
    """A function at n points up to some order of derivative: 0, 1 or 2.

    Args:
        value: Shape ``(..., n)``.
        gradient: Shape ``(..., d, n)``, or ``(..., d, 1)`` where it is the same at all points; None for order 0.
        laplacian: Shape ``(..., n)``, or ``(..., 1)`` likewise; None below order 2.
    """

    value: Tensor
    gradient: Tensor | None = None
    laplacian: Tensor | None = None

    @property
    def order(self) -> int:
        return 0 if self.gradient is None else 1 if self.laplacian is None else 2

    @staticmethod
    def weights(x: Points, value: Values | None, gradient: Gradients | None, laplacian: Values | None) -> Channels:
        """Weights ``(n,)``, ``(n, d)``, ``(n,)`` as channels: zero where a lower one is missing, ``(1,)`` if all are."""
        if gradient is None and laplacian is None:
            return Channels(x.new_ones(1) if value is None else value)
        value = x.new_zeros(len(x)) if value is None else value
        return Channels(value, x.new_zeros(x.shape).T if gradient is None else gradient.T, laplacian)

    def by_point(self) -> tuple[Values, Gradients | None, Values | None]:
        """As arrays ``(n,)``, ``(n, d)``, ``(n,)``."""
        return self.value, None if self.gradient is None else self.gradient.T, self.laplacian

    @property
    def present(self) -> list[Tensor]:
        """The channels that there are."""
        return [t for t in self if t is not None]

    def map(self, function: Callable[[Tensor], Tensor]) -> Channels:
        """A function applied to each channel there is."""
        gradient, laplacian = self.gradient, self.laplacian
        return Channels(
            function(self.value),
            None if gradient is None else function(gradient),
            None if laplacian is None else function(laplacian),
        )

    def map_rows(self, function: Callable[[Tensor], Tensor]) -> Channels:
        """The same with the axes d and n seen as one: all channels then have rows as their last axis."""
        found = self.map(lambda t: function(t.flatten(-2) if t is self.gradient else t))
        if self.gradient is None or found.gradient is None:
            return found
        return found._replace(gradient=found.gradient.unflatten(-1, self.gradient.shape[-2:]))

    def plus(self, other: Channels) -> Channels:
        """The sum, channel by channel."""
        return Channels(*(None if a is None or b is None else a + b for a, b in zip(self, other, strict=True)))  # pyright: ignore[reportArgumentType]

    def squared(self) -> Tensor | None:
        """``|gradient|^2`` where there is a Laplacian, whose chain rule takes it."""
        return None if self.gradient is None or self.laplacian is None else dot(self.gradient, self.gradient)

    def times(self, factor: Tensor) -> Channels:
        """All of it times a number at each point, ``(n,)``."""
        return self.map(lambda t: factor * t)

    def stacked(self) -> Tensor:
        """All channels along one axis before n: shape ``(..., q, n)`` with q = 1, 1 + d or 2 + d."""
        parts = [self.value.unsqueeze(-2)]
        parts += [] if self.gradient is None else [self.gradient]
        parts += [] if self.laplacian is None else [self.laplacian.unsqueeze(-2)]
        return torch.cat(parts, dim=-2) if len(parts) > 1 else parts[0]


def dot(a: Tensor, b: Tensor) -> Tensor:
    """The sum of a b over the axis d, the last but one: `torch.sum` over so few, so far apart, is slower."""
    pairs = zip(a.unbind(-2), b.unbind(-2), strict=True)
    p, q = next(pairs)
    total = p * q
    for p, q in pairs:
        total.addcmul_(p, q)
    return total


def push_forward(jet: Sequence[Tensor], a: Channels, squared: Tensor | None = None) -> Channels:
    """``sigma(a)``: with order m it takes sigma ... sigma^(m) at ``a.value``.

    Args:
        jet: The derivatives of sigma.
        a: What it is applied to.
        squared: ``|grad a|^2``, if it is known.
    """
    if a.gradient is None:
        return Channels(jet[0])
    gradient = a.gradient * jet[1].unsqueeze(-2)
    squared = a.squared() if squared is None else squared
    if a.laplacian is None or squared is None:
        return Channels(jet[0], gradient)
    return Channels(jet[0], gradient, (a.laplacian * jet[1]).addcmul_(squared, jet[2]))


def pull_back(
    jet: Sequence[Tensor], a: Channels, cotangent: Channels, squared: Tensor | None = None, *, overwrite: bool = False
) -> Channels:
    """The cotangent of a from that of ``sigma(a)``, of the same order m: it takes sigma' ... sigma^(m + 1).

    It comes point by point, also where a channel of a is the same at all of them.

    Args:
        jet: The derivatives of sigma.
        a: What it was applied to.
        cotangent: That of ``sigma(a)``.
        squared: ``|grad a|^2``, if it is known.
        overwrite: Whether the result may take the memory of `cotangent`, which must then be there for every point.
    """
    times: Callable[[Tensor, Tensor], Tensor] = torch.Tensor.mul_ if overwrite else torch.mul
    if a.gradient is None or cotangent.gradient is None:
        return Channels(times(cotangent.value, jet[1]))
    bend = dot(cotangent.gradient, a.gradient)
    value = times(cotangent.value, jet[1])
    gradient = times(cotangent.gradient, jet[1].unsqueeze(-2))
    squared = a.squared() if squared is None else squared
    if a.laplacian is None or squared is None or cotangent.laplacian is None:
        return Channels(value.addcmul_(bend, jet[2]), gradient)
    of_laplacian = cotangent.laplacian
    gradient.addcmul_((of_laplacian * jet[2]).unsqueeze(-2), a.gradient, value=2)
    value.addcmul_(bend.addcmul_(of_laplacian, a.laplacian), jet[2]).addcmul_(squared * of_laplacian, jet[3])
    return Channels(value, gradient, times(of_laplacian, jet[1]))
