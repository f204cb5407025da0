"""The layers of a stack of networks, and the reverse pass through them, for sensitivities and for the gradient in the weights."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import torch

from pdefreq.spaces.channels import Bend, Channels, pull_back

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
    """What the reverse pass needs of a hidden layer."""

    affine: Affine
    inputs: Channels  # h
    a: Channels  # W h + b
    jet: tuple[Tensor, ...]  # of sigma at a.value
    bend: Bend | None  # of a, where there is a second-order channel
    skip: bool  # whether h was added to sigma(a)


class LayerGradient(NamedTuple):
    """The derivatives of some number in W and b of a layer."""

    weight: Tensor  # (S, out, in)
    bias: Tensor  # (S or 1, out, 1)


def reverse_pass(
    steps: Iterable[Step], cotangent: Channels, *, overwrite: bool = False
) -> Iterator[tuple[Step, Channels, Channels]]:
    """From the last hidden layer to the first: the layer, the cotangent of its output, and that of its ``W h + b``.

    Args:
        steps: The hidden layers, last to first.
        cotangent: That of the last one's output.
        overwrite: Whether the second cotangent may take the memory of the first.
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
    """The layers, last to first, taken off the tape: what is not needed any more makes room near the processor."""
    while tape:
        yield tape.pop()


def layer_gradients(last: Affine, tape: list[Step], h: Channels, out: Channels) -> list[LayerGradient]:
    """The gradient in the weights of all layers, first to last, from the cotangents of what comes out; it empties the tape.

    Args:
        last: The last layer, which is linear.
        tape: The hidden layers.
        h: The output of the last of these.
        out: The cotangents of the networks' outputs, ``(S or 1, 1, ..., n)``.
    """
    found = [_layer_gradient(out.map(lambda t: t.expand(len(last.weight), *t.shape[1:])), h)]
    for step, _, at_a in reverse_pass(emptied(tape), spread(last.weight, out), overwrite=True):
        found.append(_layer_gradient(at_a, step.inputs))
    return found[::-1]


def spread(weight: Tensor, out: Channels) -> Channels:
    """The cotangents of the last hidden layer's units from those of one output."""
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
    """What `Tangents` keeps of a hidden layer after the reverse pass for grad u."""

    affine: Affine
    inputs: Tensor
    slope: Tensor  # sigma'(a)
    bend: Tensor  # sigma''(a) times the cotangent of sigma(a)
    at_a: Tensor
    skip: bool


class Tangents:
    """The energy's case: weights of u and grad u, where grad u itself came from a reverse pass.

    The weights g of grad u are directions. D u along g is the end of one forward tangent pass, whatever the dimension; its
    cotangents are those of the pass that gave grad u, so only the values' are left for a reverse pass.

    Args:
        last: The last layer.
        tape: The hidden layers, values alone, jets to sigma''; it is emptied.
        h: The output of the last of these.
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
        """The derivative of each network in what the first layer meets, ``(S, in, n)``."""

    def layer_gradients(self, value: Tensor, tangent: Tensor) -> list[LayerGradient]:
        """The gradient in the weights of all layers of ``value_i N_i + D N_i . tangent_i``, summed over points and networks.

        Args:
            value: Weights of the networks, ``(S or 1, 1, n)``.
            tangent: Directions of what the first layer meets, ``(S, in, n)``.
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
