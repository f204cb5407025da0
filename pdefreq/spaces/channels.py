"""What a layer carries forward beside its values: gradients and second-order derivatives in x, and how sensitivities come back.

A quantity at n points is a `Channels`. Its second-order derivative is ``S : D^2 u = sum_ij S_ij d_i d_j u`` with a symmetric
matrix S at each point; for S = I it is the Laplacian. Layers push it forward, for S = I the forward Laplacian of Li et al.
(2023), arXiv 2307.08214. The derivative of ``value_i u + gradient_i . grad u + second_i S : D^2 u`` in whatever went into u is
pulled back through the same layers as another `Channels`, of cotangents. S may be indefinite and is held throughout.

Functions here take S as an array ``(d, d, n)``, and None for the identity, which costs no operation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Gradients, Points, Values


class Channels(NamedTuple):
    """A function at n points up to some order of derivative: 0, 1 or 2.

    Args:
        value: Shape ``(..., n)``.
        gradient: Shape ``(..., d, n)``, or ``(..., d, 1)`` where it is the same at all points; None for order 0.
        second: ``S : D^2 u``, shape ``(..., n)``, or ``(..., 1)`` likewise; None below order 2.
    """

    value: Tensor
    gradient: Tensor | None = None
    second: Tensor | None = None

    @property
    def order(self) -> int:
        return 0 if self.gradient is None else 1 if self.second is None else 2

    @staticmethod
    def weights(x: Points, value: Values | None, gradient: Gradients | None, second: Values | None) -> Channels:
        """Weights ``(n,)``, ``(n, d)``, ``(n,)`` as channels: zero where a lower one is missing, ``(1,)`` if all are."""
        if gradient is None and second is None:
            return Channels(x.new_ones(1) if value is None else value)
        value = x.new_zeros(len(x)) if value is None else value
        return Channels(value, x.new_zeros(x.shape).T if gradient is None else gradient.T, second)

    def by_point(self) -> tuple[Values, Gradients | None, Values | None]:
        """As arrays ``(n,)``, ``(n, d)``, ``(n,)``."""
        return self.value, None if self.gradient is None else self.gradient.T, self.second

    @property
    def present(self) -> list[Tensor]:
        """The channels that there are."""
        return [t for t in self if t is not None]

    def map(self, function: Callable[[Tensor], Tensor]) -> Channels:
        """A function applied to each channel there is."""
        gradient, second = self.gradient, self.second
        return Channels(
            function(self.value),
            None if gradient is None else function(gradient),
            None if second is None else function(second),
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

    def bend(self, matrix: Tensor | None) -> Bend | None:
        """What the chain rule of the second-order channel takes of the gradient; None below order 2."""
        if self.gradient is None or self.second is None:
            return None
        along = matrix_times(matrix, self.gradient)
        return Bend(along, dot(self.gradient, along))

    def times(self, factor: Tensor) -> Channels:
        """All of it times a number at each point, ``(n,)``."""
        return self.map(lambda t: factor * t)

    def stacked(self) -> Tensor:
        """All channels along one axis before n: shape ``(..., q, n)`` with q = 1, 1 + d or 2 + d."""
        parts = [self.value.unsqueeze(-2)]
        parts += [] if self.gradient is None else [self.gradient]
        parts += [] if self.second is None else [self.second.unsqueeze(-2)]
        return torch.cat(parts, dim=-2) if len(parts) > 1 else parts[0]


class Bend(NamedTuple):
    """S times a gradient, and the gradient's product with that."""

    along: Tensor
    """``S grad a``, shape ``(..., d, n)``."""

    squared: Tensor
    """``grad a . S grad a``, shape ``(..., n)``; ``|grad a|^2`` for S = I."""


def by_axes(matrix: Tensor) -> Tensor:
    """Matrices ``(n, d, d)`` as an array ``(d, d, n)``, whose rows of points the other channels run along."""
    return matrix.permute(1, 2, 0).contiguous()


def matrix_times(matrix: Tensor | None, vectors: Tensor) -> Tensor:
    """``S g`` of vectors ``(..., d, n)``; for S = I the vectors themselves."""
    if matrix is None:
        return vectors
    total = matrix[:, 0] * vectors[..., :1, :]
    for j in range(1, len(matrix)):
        total.addcmul_(matrix[:, j], vectors[..., j : j + 1, :])
    return total


def contraction(matrix: Tensor, derivatives: Tensor) -> Tensor:
    """``sum_ij S_ij H_ij`` over the last two axes but one of an array ``(..., d, d, n)``."""
    return (matrix * derivatives).sum(dim=(-3, -2))


def dot(a: Tensor, b: Tensor) -> Tensor:
    """The sum of a b over the axis d, the last but one: `torch.sum` over so few, so far apart, is slower."""
    pairs = zip(a.unbind(-2), b.unbind(-2), strict=True)
    p, q = next(pairs)
    total = p * q
    for p, q in pairs:
        total.addcmul_(p, q)
    return total


def push_forward(jet: Sequence[Tensor], a: Channels, bend: Bend | None) -> Channels:
    """``sigma(a)``: with order m it takes sigma ... sigma^(m) at ``a.value``.

    Args:
        jet: The derivatives of sigma.
        a: What it is applied to.
        bend: `Channels.bend` of a.
    """
    if a.gradient is None:
        return Channels(jet[0])
    gradient = a.gradient * jet[1].unsqueeze(-2)
    if a.second is None or bend is None:
        return Channels(jet[0], gradient)
    return Channels(jet[0], gradient, (a.second * jet[1]).addcmul_(bend.squared, jet[2]))


def pull_back(jet: Sequence[Tensor], a: Channels, cotangent: Channels, bend: Bend | None, *, overwrite: bool = False) -> Channels:
    """The cotangent of a from that of ``sigma(a)``, of the same order m: it takes sigma' ... sigma^(m + 1).

    It comes point by point, also where a channel of a is the same at all of them.

    Args:
        jet: The derivatives of sigma.
        a: What it was applied to.
        cotangent: That of ``sigma(a)``.
        bend: `Channels.bend` of a.
        overwrite: Whether the result may take the memory of `cotangent`, which must then be there for every point.
    """
    times: Callable[[Tensor, Tensor], Tensor] = torch.Tensor.mul_ if overwrite else torch.mul
    if a.gradient is None or cotangent.gradient is None:
        return Channels(times(cotangent.value, jet[1]))
    turn = dot(cotangent.gradient, a.gradient)
    value = times(cotangent.value, jet[1])
    gradient = times(cotangent.gradient, jet[1].unsqueeze(-2))
    if a.second is None or bend is None or cotangent.second is None:
        return Channels(value.addcmul_(turn, jet[2]), gradient)
    of_second = cotangent.second
    gradient.addcmul_((of_second * jet[2]).unsqueeze(-2), bend.along, value=2)
    value.addcmul_(turn.addcmul_(of_second, a.second), jet[2]).addcmul_(bend.squared * of_second, jet[3])
    return Channels(value, gradient, times(of_second, jet[1]))
