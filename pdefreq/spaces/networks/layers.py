"""Conversion of a coefficient vector to the layers of a stack of networks, and of layer gradients to a gradient in c."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch

from pdefreq.spaces.networks.layer_passes import Affine, LayerGradient

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Coefficients
    from pdefreq.spaces.trial_space import Network


class Layers(NamedTuple):
    """The layers of the S networks, and the bias of their sum."""

    affine: list[Affine]
    shift: Tensor | None  # (1,)

    @property
    def hidden(self) -> list[Affine]:
        """All layers but the last, which has no activation."""
        return self.affine[:-1]

    @property
    def last(self) -> Affine:
        """The last layer, which returns the outputs of the networks."""
        return self.affine[-1]


class LayerParameters:
    """The parameters ``weight1, bias1, slope1, weight2, ...`` and their fixed scales.

    Args:
        network: Names and shapes of the parameters in c.
        weight_scales: The fixed scales of the weights and biases of each layer, as in `FeedForward.weight_scales`.
        adaptive: The number n if there are trainable slopes a, in layers ``n a (W h + b)``.
        like: A tensor that sets the dtype and device of the scales.
    """

    def __init__(
        self, network: Network, weight_scales: Sequence[tuple[Tensor, float]], adaptive: float | None, like: Tensor
    ) -> None:
        self._network, self._adaptive = network, adaptive or 1.0
        self._weight_scales = [(None if (w == 1).all() else w.to(like), None if b == 1 else b) for w, b in weight_scales]

    def named(self, c: Coefficients) -> dict[str, Tensor]:
        """Views of c as named parameters, in order."""
        return self._network.unflatten(c)

    def weight_scales(self, p: Mapping[str, Tensor], k: int) -> tuple[Tensor | None, Tensor | float | None]:
        """The factors of the weights and biases of layer k, including its slope; None stands for 1."""
        w, b = self._weight_scales[k - 1]
        if f"slope{k}" not in p:
            return w, b
        slope = self._adaptive * p[f"slope{k}"]
        return slope if w is None else slope * w, slope if b is None else slope * b

    def layers(self, p: Mapping[str, Tensor]) -> Layers:
        """The layers with the given parameters, differentiable in them."""
        affine, shift = [], None
        for k in range(1, len(self._weight_scales) + 1):
            w, b = self.weight_scales(p, k)
            weight, bias = p[f"weight{k}"], p.get(f"bias{k}")
            weight = weight if w is None else weight * w
            bias = bias if bias is None or b is None else bias * b
            if bias is not None and bias.dim() == 1:  # a single bias for the sum of the networks
                bias, shift = None, bias
            affine.append(Affine(weight, bias))
        return Layers(affine, shift)

    def gradient(self, p: Mapping[str, Tensor], found: Sequence[LayerGradient]) -> Coefficients:
        """The derivative in c, ``(P,)``, from the derivatives in the weights and biases of the layers."""
        assert len(found) == len(self._weight_scales), "a vector-Jacobian product can be called only once"
        pieces: dict[str, Tensor] = {}
        for k, (at_weight, at_bias) in enumerate(found, start=1):
            if f"slope{k}" in p:  # the layer is linear in its slope: n a times a quantity independent of a
                (w, b), weight, bias = self._weight_scales[k - 1], p[f"weight{k}"], p.get(f"bias{k}")
                total = (at_weight * (weight if w is None else weight * w)).sum(dim=(1, 2))
                total = total if bias is None else total + (at_bias * bias).sum(dim=(1, 2)) * (b or 1.0)
                pieces[f"slope{k}"] = self._adaptive * total
            w, b = self.weight_scales(p, k)
            pieces[f"weight{k}"] = at_weight if w is None else at_weight * w
            pieces[f"bias{k}"] = at_bias if b is None else at_bias * b
        # If the S networks share one bias, each of them gives the same derivative; the first is used.
        return torch.cat([pieces[name].flatten() if t.dim() > 1 else pieces[name][0, 0] for name, t in p.items()])
