"""Layers of a stack of networks, and sweeps through them: back for sensitivities, and on to the gradient in the weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch

from pdefreq.spaces.channels import Channels, pull_back

if TYPE_CHECKING:
    from torch import Tensor


class Affine(NamedTuple):
    """``W h + b`` with everything that multiplies the parameters already in it."""

    weight: Tensor  # (S, out, in)
    bias: Tensor | None  # (S, out, 1)

    def __call__(self, h: Channels) -> Channels:
        def product(t: Tensor) -> Tensor:
            if t is h.value and self.bias is not None:
                return torch.baddbmm(self.bias, self.weight, t)
            return torch.bmm(self.weight, t)

        return h.map_rows(product)

    def pull_back(self, cotangent: Channels) -> Channels:
        return cotangent.map_rows(lambda t: torch.bmm(self.weight.mT, t))


class Step(NamedTuple):
    """What a sweep back needs of a hidden layer."""

    affine: Affine
    inputs: Channels  # h
    a: Channels  # W h + b
    jet: tuple[Tensor, ...]  # of sigma at a.value
    squared: Tensor | None  # |grad a|^2, where the Laplacian takes it
    skip: bool  # whether h was added to sigma(a)


class Slopes(NamedTuple):
    """The derivatives of some number in W and b of a layer."""

    weight: Tensor  # (S, out, in)
    bias: Tensor  # (S or 1, out, 1)


def backwards(tape: Sequence[Step], cotangent: Channels) -> Iterator[tuple[Step, Channels, Channels]]:
    """From the last hidden layer to the first: the layer, the cotangent of its output, and that of its ``W h + b``.

    Args:
        tape: The hidden layers, first to last.
        cotangent: That of the last one's output.
    """
    above: tuple[Step, Channels] | None = None
    for step in reversed(tape):
        if above is not None:
            below = above[0].affine.pull_back(above[1])
            cotangent = below.plus(cotangent) if above[0].skip else below
        at_a = pull_back(step.jet, step.a, cotangent, step.squared)
        yield step, cotangent, at_a
        above = step, at_a


def slopes_of_layers(last: Affine, tape: Sequence[Step], h: Channels, out: Channels) -> list[Slopes]:
    """The gradient in the weights of all layers, first to last, from the cotangents of what comes out.

    Args:
        last: The last layer, which is linear.
        tape: The hidden layers.
        h: The output of the last of these, without derivatives or with those that `out` has.
        out: The cotangents of the networks' outputs, ``(S or 1, 1, ..., n)``.
    """
    found = [_slopes(out.map(lambda t: t.expand(len(last.weight), *t.shape[1:])), h)]
    for step, _, at_a in backwards(tape, spread(last.weight, out)):
        found.append(_slopes(at_a, step.inputs))
    return found[::-1]


def spread(weight: Tensor, out: Channels) -> Channels:
    """The cotangents of the last hidden layer's units from those of one output."""
    column = weight.mT
    return out.map(lambda t: column.view(*column.shape[:2], *[1] * (t.dim() - 2)) * t)


def _slopes(cotangent: Channels, inputs: Channels) -> Slopes:
    """Cotangents times inputs, summed over points and channels."""
    total: Tensor | None = None
    for d, z in zip(cotangent.present, inputs.present, strict=True):
        d = d.sum(dim=-1, keepdim=True) if z.shape[-1] == 1 else d  # z is the same at all points
        d, z = d.flatten(2), z.flatten(2).mT
        total = torch.bmm(d, z) if total is None else total.baddbmm_(d, z)
    assert total is not None
    return Slopes(total, cotangent.value.sum(dim=-1, keepdim=True))


class Tangents:
    """The energy's case: weights of u and grad u, where grad u itself came from a sweep back.

    The weights g of grad u are directions. What they make of it, D u along g, is the end of one tangent sweep forwards, whatever
    the dimension; its cotangents are those of the sweep that gave grad u, so only the values' are left to sweep back.

    Args:
        last: The last layer.
        tape: The hidden layers, values alone, jets to sigma''.
        h: The output of the last of these.
    """

    def __init__(self, last: Affine, tape: Sequence[Step], h: Tensor) -> None:
        self._last, self._h = last, h
        one = Channels(last.weight.new_ones(1, 1, 1))
        self._back = [(step, at_h.value, at_a.value) for step, at_h, at_a in backwards(tape, spread(last.weight, one))]

    @property
    def at_input(self) -> Tensor:
        """The derivative of each network in what the first layer meets, ``(S, in, n)``."""
        step, _, at_a = self._back[-1]
        return torch.bmm(step.affine.weight.mT, at_a)

    def slopes_of_layers(self, value: Tensor, tangent: Tensor) -> list[Slopes]:
        """The gradient in the weights of all layers of ``value_i N_i + D N_i . tangent_i``, summed over points and networks.

        Args:
            value: Weights of the networks, ``(S or 1, 1, n)``.
            tangent: Directions of what the first layer meets, ``(S, in, n)``.
        """
        bends, tangents = [], []
        for step, at_h, _ in reversed(self._back):
            tangents.append(tangent)
            along = torch.bmm(step.affine.weight, tangent)
            slope, bend = step.jet[1:3]
            tangent = along * slope if not step.skip else torch.addcmul(tangent, along, slope)
            bends.append(along.mul_(bend).mul_(at_h))
        value = value.expand(len(self._last.weight), *value.shape[1:])
        weight = torch.bmm(value, self._h.mT).add_(tangent.sum(dim=-1)[:, None])
        found = [Slopes(weight, value.sum(dim=-1, keepdim=True))]
        cotangent = self._last.weight.mT * value
        for (step, _, slope_at_a), bend, tangent in zip(self._back, reversed(bends), reversed(tangents), strict=True):
            at_a = bend.addcmul_(cotangent, step.jet[1])
            weight = torch.bmm(at_a, step.inputs.value.mT).baddbmm_(slope_at_a, tangent.mT)
            found.append(Slopes(weight, at_a.sum(dim=-1, keepdim=True)))
            if step is not self._back[-1][0]:
                below = torch.bmm(step.affine.weight.mT, at_a)
                cotangent = below.add_(cotangent) if step.skip else below
        return found[::-1]
