"""Propagation of values, gradients and second-order terms in x through the layers of a network, forward and in reverse.

A `Channels` holds a function at n points with its derivatives. Its second-order term is
``S : D^2 u = sum_ij S_ij d_i d_j u`` with a symmetric matrix S at each point; for S = I it is the Laplacian. The layers push
channels forward; for S = I this is the forward Laplacian of Li et al. (2023), arXiv 2307.08214. In the reverse direction,
another `Channels` of cotangents carries the derivative of ``value_i u + gradient_i . grad u + second_i S : D^2 u`` back to
the inputs. S may be indefinite and is held constant throughout.

The functions of this module take S as an array ``(d, d, n)``, or None for the identity, which costs no operation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Gradients, Points, Values


class Channels(NamedTuple):
    """A function at n points with its derivatives up to order 0, 1 or 2.

    Args:
        value: Shape ``(..., n)``.
        gradient: Shape ``(..., d, n)``, or ``(..., d, 1)`` if it is the same at all points; None for order 0.
        second: ``S : D^2 u``, shape ``(..., n)``, or ``(..., 1)`` if it is the same at all points; None below order 2.
    """

    value: Tensor
    gradient: Tensor | None = None
    second: Tensor | None = None

    @property
    def order(self) -> int:
        return 0 if self.gradient is None else 1 if self.second is None else 2

    @staticmethod
    def weights(x: Points, value: Values | None, gradient: Gradients | None, second: Values | None) -> Channels:
        """Weights ``(n,)``, ``(n, d)``, ``(n,)`` as channels; missing lower orders are zero, and by default u has weight 1."""
        if gradient is None and second is None:
            return Channels(x.new_ones(1) if value is None else value)
        value = x.new_zeros(len(x)) if value is None else value
        return Channels(value, x.new_zeros(x.shape).T if gradient is None else gradient.T, second)

    def by_point(self) -> tuple[Values, Gradients | None, Values | None]:
        """The channels as arrays ``(n,)``, ``(n, d)``, ``(n,)``."""
        return self.value, None if self.gradient is None else self.gradient.T, self.second

    @property
    def present(self) -> list[Tensor]:
        """The channels that are not None."""
        return [t for t in self if t is not None]

    def map(self, function: Callable[[Tensor], Tensor]) -> Channels:
        """The result of a function applied to each channel that is not None."""
        gradient, second = self.gradient, self.second
        return Channels(
            function(self.value),
            None if gradient is None else function(gradient),
            None if second is None else function(second),
        )

    def map_rows(self, function: Callable[[Tensor], Tensor]) -> Channels:
        """The result of a function applied to each channel, with the axes d and n merged so that rows are the last axis."""
        found = self.map(lambda t: function(t.flatten(-2) if t is self.gradient else t))
        if self.gradient is None or found.gradient is None:
            return found
        return found._replace(gradient=found.gradient.unflatten(-1, self.gradient.shape[-2:]))

    def plus(self, other: Channels) -> Channels:
        """The sum, channel by channel."""
        return Channels(*(None if a is None or b is None else a + b for a, b in zip(self, other, strict=True)))  # pyright: ignore[reportArgumentType]

    def bend(self, matrix: Tensor | None) -> Bend | None:
        """The products of S and the gradient that the chain rule of the second-order channel needs; None below order 2."""
        if self.gradient is None or self.second is None:
            return None
        along = matrix_times(matrix, self.gradient)
        return Bend(along, dot(self.gradient, along))

    def times(self, factor: Tensor) -> Channels:
        """All channels multiplied by a number at each point, ``(n,)``."""
        return self.map(lambda t: factor * t)

    def stacked(self) -> Tensor:
        """All channels along one axis before n: shape ``(..., q, n)`` with q = 1, 1 + d or 2 + d."""
        parts = [self.value.unsqueeze(-2)]
        parts += [] if self.gradient is None else [self.gradient]
        parts += [] if self.second is None else [self.second.unsqueeze(-2)]
        return torch.cat(parts, dim=-2) if len(parts) > 1 else parts[0]


class Bend(NamedTuple):
    """The product S grad a, and the scalar product of grad a with it."""

    along: Tensor
    """``S grad a``, shape ``(..., d, n)``."""

    squared: Tensor
    """``grad a . S grad a``, shape ``(..., n)``; ``|grad a|^2`` for S = I."""


def by_axes(matrix: Tensor) -> Tensor:
    """Matrices ``(n, d, d)`` as an array ``(d, d, n)``, with the points along the last axis as in the other channels."""
    return matrix.permute(1, 2, 0).contiguous()


def matrix_times(matrix: Tensor | None, vectors: Tensor) -> Tensor:
    """The products ``S g`` for vectors g, ``(..., d, n)``; for S = I the vectors themselves."""
    if matrix is None:
        return vectors
    total = matrix[:, 0] * vectors[..., :1, :]
    for j in range(1, len(matrix)):
        total.addcmul_(matrix[:, j], vectors[..., j : j + 1, :])
    return total


def contraction(matrix: Tensor, derivatives: Tensor) -> Tensor:
    """The sum ``sum_ij S_ij H_ij`` for an array H of shape ``(..., d, d, n)``."""
    return (matrix * derivatives).sum(dim=(-3, -2))


def dot(a: Tensor, b: Tensor) -> Tensor:
    """The scalar product over the axis d, the last but one. `torch.sum` over a short axis with a long stride is slower."""
    pairs = zip(a.unbind(-2), b.unbind(-2), strict=True)
    p, q = next(pairs)
    total = p * q
    for p, q in pairs:
        total.addcmul_(p, q)
    return total


def push_forward(jet: Sequence[Tensor], a: Channels, bend: Bend | None) -> Channels:
    """The channels of ``sigma(a)``. Order m requires sigma ... sigma^(m) at ``a.value``.

    Args:
        jet: The derivatives of sigma.
        a: The argument of sigma.
        bend: `Channels.bend` of a.
    """
    if a.gradient is None:
        return Channels(jet[0])
    gradient = a.gradient * jet[1].unsqueeze(-2)
    if a.second is None or bend is None:
        return Channels(jet[0], gradient)
    return Channels(jet[0], gradient, (a.second * jet[1]).addcmul_(bend.squared, jet[2]))


def pull_back(jet: Sequence[Tensor], a: Channels, cotangent: Channels, bend: Bend | None, *, overwrite: bool = False) -> Channels:
    """The cotangent of a, given the cotangent of ``sigma(a)`` of the same order m. It requires sigma' ... sigma^(m + 1).

    The result has an entry for every point, even if a channel of a is the same at all points.

    Args:
        jet: The derivatives of sigma.
        a: The argument of sigma.
        cotangent: The cotangent of ``sigma(a)``.
        bend: `Channels.bend` of a.
        overwrite: Whether the result may reuse the memory of `cotangent`, which must then have an entry for every point.
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
