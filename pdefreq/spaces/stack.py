"""A stack of feed-forward networks at fixed points: values, derivatives and Jacobians from one sweep each way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch

from pdefreq.spaces.activations import ACTIVATIONS, activation_named
from pdefreq.spaces.channels import Channels, activated, pull_back, push_forward
from pdefreq.spaces.trial_space import Evaluator, Network

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.shapes import Coefficients, Gradients, Points, Values
    from pdefreq.spaces.feed_forward import FeedForward


class Affine(NamedTuple):
    """``W h + b`` with everything that multiplies the parameters already in it."""

    weight: Tensor  # (S, out, in)
    bias: Tensor | None  # (S, out, 1)
    slope: Tensor | None = None  # (S, 1, 1), n a

    def __call__(self, h: Channels) -> Channels:
        def product(t: Tensor) -> Tensor:
            if t is h.value and self.bias is not None:
                return torch.baddbmm(self.bias, self.weight, t)
            return torch.bmm(self.weight, t)

        return h.map_rows(product)

    def pull_back(self, cotangent: Channels) -> Channels:
        return cotangent.map_rows(lambda t: torch.bmm(self.weight.mT, t))


class Layers(NamedTuple):
    """The layers of the S networks, and what is added to their sum."""

    affine: list[Affine]
    shift: Tensor | None  # (1,)


class Step(NamedTuple):
    """What the reverse sweep needs of a layer."""

    affine: Affine
    inputs: Channels  # h
    a: Channels  # W h + b
    jet: tuple[Tensor, ...]  # of sigma at a.value
    skip: bool  # whether h was added to sigma(a)


class StackEvaluator(Evaluator):
    """Points run along the last axis, ``(S, width, n)``: products with long rows are 1.6 times faster than with short ones.

    Forwards go values alone, or with gradients and Laplacians beside them (`Channels`). One sweep backwards then gives the
    gradient in x of any combination of what came out, and its derivatives in all parameters for every point at once. Both
    sweeps are written out, so one reverse pass of autograd gives their derivatives in c. For grad u alone only values go
    forwards: its cost does not depend on d. Against tangents carried forward that was as fast for d = 1, and 1.5, 3 times
    faster for d = 2, 3; against ``autograd.grad(..., create_graph=True)`` 1.2 to 1.5 times.

    Args:
        design: How the layers are arranged.
        x: The points.
        parameters: Names and shapes of the parameters in c, where they are not the design's own.
        factors: Their fixed factors, likewise.
    """

    def __init__(
        self,
        design: FeedForward,
        x: Points,
        *,
        parameters: Network | None = None,
        factors: Sequence[tuple[Tensor, float]] | None = None,
    ) -> None:
        self._design = design
        self._parameters = design if parameters is None else parameters
        self._activation = activation_named(design.activation)
        factors = design.factors() if factors is None else factors
        self._scaling = [(None if (w == 1).all() else w.to(x), b) for w, b in factors]
        self._x = x.detach()
        self._modulation = design.modulation(self._x)
        self._embedded: dict[tuple[int, bool], tuple[Channels, Step | None]] = {}

    def value(self, c: Coefficients) -> Values:
        layers = self._layers(c)
        return self._sum(layers, self._hidden(layers, 0)).value

    def gradient(self, c: Coefficients) -> Gradients:
        return self.value_and_gradient(c)[1]

    def value_and_gradient(self, c: Coefficients) -> tuple[Values, Gradients]:
        layers, tape = self._layers(c), []
        value = self._sum(layers, self._hidden(layers, 0, tape)).value
        if self._modulation is None:
            return value, self._slope(layers, tape, Channels(self._x.new_ones(1)))
        return value, self.gradient_of(c)

    def second_order(self, c: Coefficients) -> tuple[Values, Gradients, Values]:
        layers = self._layers(c)
        u = self._sum(layers, self._hidden(layers, 2))
        assert u.gradient is not None and u.laplacian is not None
        return u.value, u.gradient.T, u.laplacian

    def gradient_of(
        self, c: Coefficients, value: Values | None = None, gradient: Gradients | None = None, laplacian: Values | None = None
    ) -> Gradients:
        weights = Channels.weights(self._x, value, gradient, laplacian)
        layers, tape = self._layers(c), []
        h = self._hidden(layers, weights.order, tape)
        slope = self._slope(layers, tape, weights)
        if self._modulation is None:
            return slope
        return slope + self._modulation.slope_of_weights(weights, layers.affine[-1](h)).sum(dim=(0, 1)).T

    def jacobian_factors(
        self, c: Coefficients, value: Values | None = None, gradient: Gradients | None = None, laplacian: Values | None = None
    ) -> list[tuple[Tensor, Tensor]]:
        layers, tape = self._layers(c), []
        weights = Channels.weights(self._x, value, gradient, laplacian)
        weights = weights._replace(value=weights.value.expand(len(self._x)))
        h = self._hidden(layers, weights.order, tape)
        out = self._weights_of_each(weights)
        cotangents = [*self._pulled_back(layers, tape, out)[0], out]
        inputs = [*(step.inputs for step in tape), h]
        one = self._x.new_ones(1, 1, 1, 1)
        blocks: dict[str, tuple[Tensor, Tensor]] = {}
        for k, (affine, (w, b), at_a, z) in enumerate(
            zip(layers.affine, self._scaling, cotangents, inputs, strict=True), start=1
        ):
            slope = 1.0 if affine.slope is None else affine.slope.unsqueeze(-1)
            d = at_a.stacked() if w is None else at_a.stacked() * w.unsqueeze(-1)
            blocks[f"weight{k}"] = _by_point(d * slope, z.stacked())
            blocks[f"bias{k}"] = _by_point(at_a.value.unsqueeze(-2) * b * slope, one)
            if affine.slope is not None:  # W h + b is n a_l times what does not depend on a_l
                total = (at_a.stacked() * tape[k - 1].a.stacked()).sum(dim=(1, 2), keepdim=True)
                blocks[f"slope{k}"] = _by_point(total * self._adaptive / slope, one)
        return [blocks[name] for name in self._parameters.shapes]

    @property
    def _adaptive(self) -> float:
        return self._design.adaptive or 1.0

    def _layers(self, c: Coefficients) -> Layers:
        p = self._parameters.unflatten(c)
        layers, shift = [], None
        for k, (w, b) in enumerate(self._scaling, start=1):
            weight, bias, slope = p[f"weight{k}"], p.get(f"bias{k}"), p.get(f"slope{k}")
            weight = weight if w is None else weight * w
            bias = bias if bias is None or b == 1 else bias * b
            if bias is not None and bias.dim() == 1:  # one for the sum
                bias, shift = None, bias
            if slope is not None:
                slope = self._adaptive * slope
                weight, bias = weight * slope, None if bias is None else bias * slope
            layers.append(Affine(weight, bias, slope))
        return Layers(layers, shift)

    def _input(self, order: int, by_point: bool = True) -> tuple[Channels, Step | None]:
        """What the first layer meets: points or their embedding, and the layer that this is, kept from the first call.

        Args:
            order: Of the channels.
            by_point: Whether the derivatives of x are repeated for every point, as sensitivities of each one need it. Else
                they stay one, and the first layer's gradients and Laplacians cost nothing.
        """
        if (order, by_point) not in self._embedded:
            n, d = self._x.shape
            h, step = Channels(self._x.T.contiguous()[None]), None
            number = n if by_point else 1
            if order >= 1:
                eye = torch.eye(d, dtype=self._x.dtype, device=self._x.device)
                h = h._replace(gradient=eye[:, :, None].repeat(1, 1, number)[None])
            if order >= 2:
                h = h._replace(laplacian=self._x.new_zeros(1, d, number))
            if self._design.embedding is not None:
                affine = Affine(*(t.to(self._x)[None] for t in self._design.embedding.layer))
                a = affine(h)
                step = Step(affine, h, a, ACTIVATIONS["sin"].jet(a.value, order + 1), False)
                h = push_forward(step.jet, a)
            stack = self._design.stack
            self._embedded[order, by_point] = h.map(lambda t: t.expand(stack, *t.shape[1:])), step
        return self._embedded[order, by_point]

    def _hidden(self, layers: Layers, order: int, tape: list[Step] | None = None) -> Channels:
        """Outputs of the last hidden layer; with a tape, what the sweep back needs is put on it."""
        h, _ = self._input(order, by_point=tape is not None)
        for affine in layers.affine[:-1]:
            a = affine(h)
            skip = self._design.residual and h.value.shape == a.value.shape and affine is not layers.affine[0]
            if tape is None:
                out = activated(self._activation, a)
            else:
                jet = self._activation.jet(a.value, order + 1)
                tape.append(Step(affine, h, a, jet, skip))
                out = push_forward(jet, a)
            h = out.plus(h) if skip else out
        return h

    def _sum(self, layers: Layers, h: Channels) -> Channels:
        """The S networks, each times its factor, summed."""
        out = layers.affine[-1](h)
        out = out if self._modulation is None else self._modulation.times(out)
        total = out.map(lambda t: t.sum(dim=(0, 1)))
        return total if layers.shift is None else total._replace(value=total.value + layers.shift)

    def _weights_of_each(self, weights: Channels) -> Channels:
        """Weights of u as those of each network, ``(S or 1, 1, ..., n)``."""
        if self._modulation is not None:
            return self._modulation.pull_back(weights)
        return weights.map(lambda t: t[None, None])

    def _pulled_back(self, layers: Layers, tape: list[Step], out: Channels) -> tuple[list[Channels], Channels]:
        """Cotangents of the hidden layers' ``W h + b``, and of the first one's h, from those of the networks' outputs."""
        weight = layers.affine[-1].weight.mT
        cotangent = out.map(lambda t: weight.view(*weight.shape[:2], *[1] * (t.dim() - 2)) * t)
        found = []
        for step in reversed(tape):
            at_a = pull_back(step.jet, step.a, cotangent)
            found.append(at_a)
            below = step.affine.pull_back(at_a)
            cotangent = below.plus(cotangent) if step.skip else below
        return found[::-1], cotangent

    def _slope(self, layers: Layers, tape: list[Step], weights: Channels) -> Gradients:
        """The gradient in x of weights applied to u, the weights of each network held."""
        _, at_input = self._pulled_back(layers, tape, self._weights_of_each(weights))
        _, step = self._input(weights.order)
        if step is not None:
            at_input = at_input.map(lambda t: t.sum(dim=0, keepdim=True))
            at_input = step.affine.pull_back(pull_back(step.jet, step.a, at_input))
        return at_input.value.sum(dim=0).T  # the other channels of x itself are constant


def _by_point(d: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
    """A pair of factors from ``(S, b, q, n)`` and ``(S, a, q, n)``, of which one may be the same for all S, q, n."""
    stack, points = max(len(d), len(z)), d.shape[-1]
    z = z.expand(stack, -1, -1, points)
    return d.expand(stack, -1, -1, -1).permute(0, 2, 3, 1), z.permute(0, 2, 3, 1)
