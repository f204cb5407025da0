"""The layers of a stack of networks, and reverse passes through them for derivatives in x and in the weights."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import torch

from pdefreq.spaces.channels import Bend, Channels, pull_back

if TYPE_CHECKING:
    from torch import Tensor


class Affine(NamedTuple):
    """The affine map ``W h + b``; W and b include all fixed and trainable factors."""

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
    """The quantities of a hidden layer that the reverse pass needs."""

    affine: Affine
    inputs: Channels  # h
    a: Channels  # W h + b
    jet: tuple[Tensor, ...]  # derivatives of sigma at a.value
    bend: Bend | None  # of a, if there is a second-order channel
    skip: bool  # whether h was added to sigma(a), a residual connection


class LayerGradient(NamedTuple):
    """The derivatives of a scalar in W and b of a layer."""

    weight: Tensor  # (S, out, in)
    bias: Tensor  # (S or 1, out, 1)


def reverse_pass(
    steps: Iterable[Step], cotangent: Channels, *, overwrite: bool = False
) -> Iterator[tuple[Step, Channels, Channels]]:
    """The reverse pass from the last hidden layer to the first: each layer, and the cotangents of its output and ``W h + b``.

    Args:
        steps: The hidden layers, last to first.
        cotangent: The cotangent of the output of the last hidden layer.
        overwrite: Whether the cotangent of ``W h + b`` may reuse the memory of the cotangent of the output.
    """
    above: tuple[Affine, bool] | None = None
    at_a = cotangent
    for step in steps:
        if above is not None:
            affine, skip = above
            below = affine.pull_back(at_a)
            cotangent = below.plus(cotangent) if skip else below
        at_a = pull_back(step.jet, step.a, cotangent, step.bend, overwrite=overwrite and not step.skip)
        yield step, cotangent, at_a
        above = step.affine, step.skip


def emptied(tape: list[Step]) -> Iterator[Step]:
    """The layers, last to first, removed from the tape one by one so that their memory can be reused while it is in cache."""
    while tape:
        yield tape.pop()


def layer_gradients(last: Affine, tape: list[Step], h: Channels, out: Channels) -> list[LayerGradient]:
    """The gradient in the weights of all layers, first to last, from the cotangents of the outputs. The tape is emptied.

    Args:
        last: The last, linear layer.
        tape: The hidden layers.
        h: The output of the last hidden layer.
        out: The cotangents of the outputs of the networks, ``(S or 1, 1, ..., n)``.
    """
    found = [_layer_gradient(out.map(lambda t: t.expand(len(last.weight), *t.shape[1:])), h)]
    for step, _, at_a in reverse_pass(emptied(tape), spread(last.weight, out), overwrite=True):
        found.append(_layer_gradient(at_a, step.inputs))
    return found[::-1]


def spread(weight: Tensor, out: Channels) -> Channels:
    """The cotangents of the units of the last hidden layer, from the cotangent of the output."""
    column = weight.mT
    return out.map(lambda t: column.view(*column.shape[:2], *[1] * (t.dim() - 2)) * t)


def _layer_gradient(cotangent: Channels, inputs: Channels) -> LayerGradient:
    """Cotangents times inputs, summed over points and channels."""
    total: Tensor | None = None
    for d, z in zip(cotangent.present, inputs.present, strict=True):
        d = d.sum(dim=-1, keepdim=True) if z.shape[-1] == 1 else d  # z is the same at all points
        d, z = d.flatten(2), z.flatten(2).mT
        total = torch.bmm(d, z) if total is None else total.baddbmm_(d, z)
    assert total is not None
    return LayerGradient(total, cotangent.value.sum(dim=-1, keepdim=True))


class _Turned(NamedTuple):
    """The quantities of a hidden layer that `Tangents` keeps after the reverse pass for grad u."""

    affine: Affine
    inputs: Tensor
    slope: Tensor  # sigma'(a)
    bend: Tensor  # sigma''(a) times the cotangent of sigma(a)
    at_a: Tensor
    skip: bool


class Tangents:
    """The reverse pass for weights of u and grad u if grad u itself was computed by a reverse pass, as for an energy.

    The weights g of grad u are directions. The derivative of u along g is the result of one forward tangent pass, in any
    dimension. Its cotangents are those of the pass that computed grad u, so that only the values need a reverse pass.

    Args:
        last: The last layer.
        tape: The hidden layers, with values only and derivatives of sigma up to sigma''. The tape is emptied.
        h: The output of the last hidden layer.
    """

    def __init__(self, last: Affine, tape: list[Step], h: Tensor) -> None:
        self._last, self._h = last, h
        self._turned: list[_Turned] = []  # last to first
        cotangent = last.weight.mT  # the same at all points
        for affine, inputs, _, jet, _, skip in emptied(tape):
            at_a = cotangent * jet[1]
            below = torch.bmm(affine.weight.mT, at_a)
            below = below.add_(cotangent) if skip else below
            bend = cotangent * jet[2] if not self._turned else cotangent.mul_(jet[2])
            self._turned.append(_Turned(affine, inputs.value, jet[1], bend, at_a, skip))
            cotangent = below
        self.at_input = cotangent
        """The derivative of each network in the input of the first layer, ``(S, in, n)``."""

    def layer_gradients(self, value: Tensor, tangent: Tensor) -> list[LayerGradient]:
        """The gradient in the weights of all layers of the sum of ``value_i N_i + D N_i . tangent_i`` over points and networks.

        Args:
            value: Weights of the networks, ``(S or 1, 1, n)``.
            tangent: Directions at the input of the first layer, ``(S, in, n)``.
        """
        forward = []
        for layer in reversed(self._turned):
            weight = torch.bmm(layer.at_a, tangent.mT)
            along = torch.bmm(layer.affine.weight, tangent)
            tangent = torch.addcmul(tangent, along, layer.slope) if layer.skip else along * layer.slope
            forward.append((weight, along.mul_(layer.bend)))
        value = value.expand(len(self._last.weight), *value.shape[1:])
        weight = torch.bmm(value, self._h.mT).add_(tangent.sum(dim=-1)[:, None])
        found = [LayerGradient(weight, value.sum(dim=-1, keepdim=True))]
        cotangent = self._last.weight.mT * value
        while self._turned:
            layer = self._turned.pop(0)
            weight, at_a = forward.pop()
            at_a.addcmul_(cotangent, layer.slope)
            found.append(LayerGradient(weight.baddbmm_(at_a, layer.inputs.mT), at_a.sum(dim=-1, keepdim=True)))
            if self._turned:
                below = torch.bmm(layer.affine.weight.mT, at_a)
                cotangent = below.add_(cotangent) if layer.skip else below
        return found[::-1]
