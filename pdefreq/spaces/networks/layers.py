"""From a coefficient vector to the layers of a stack of networks, and back for gradients."""

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
    """The layers of the S networks, and what is added to their sum."""

    affine: list[Affine]
    shift: Tensor | None  # (1,)

    @property
    def hidden(self) -> list[Affine]:
        """All but the last, after which there is no activation."""
        return self.affine[:-1]

    @property
    def last(self) -> Affine:
        """The one that gives the networks' outputs."""
        return self.affine[-1]


class LayerParameters:
    """Parameters ``weight1, bias1, slope1, weight2, ...`` and the fixed scales of each.

    Args:
        network: Names and shapes of the parameters in c.
        weight_scales: The fixed scales of the weights and biases of each layer, as of `FeedForward.weight_scales`.
        adaptive: n, if there are slopes a: layers then are ``n a (W h + b)``.
        like: A tensor whose dtype and device the scales take.
    """

    def __init__(
        self, network: Network, weight_scales: Sequence[tuple[Tensor, float]], adaptive: float | None, like: Tensor
    ) -> None:
        self._network, self._adaptive = network, adaptive or 1.0
        self._weight_scales = [(None if (w == 1).all() else w.to(like), None if b == 1 else b) for w, b in weight_scales]

    def named(self, c: Coefficients) -> dict[str, Tensor]:
        """Views of c as parameters by name, in their order."""
        return self._network.unflatten(c)

    def weight_scales(self, p: Mapping[str, Tensor], k: int) -> tuple[Tensor | None, Tensor | float | None]:
        """What multiplies the weights and biases of layer k, its slope included; None is 1."""
        w, b = self._weight_scales[k - 1]
        if f"slope{k}" not in p:
            return w, b
        slope = self._adaptive * p[f"slope{k}"]
        return slope if w is None else slope * w, slope if b is None else slope * b

    def layers(self, p: Mapping[str, Tensor]) -> Layers:
        """The layers of named parameters, differentiable in them."""
        affine, shift = [], None
        for k in range(1, len(self._weight_scales) + 1):
            w, b = self.weight_scales(p, k)
            weight, bias = p[f"weight{k}"], p.get(f"bias{k}")
            weight = weight if w is None else weight * w
            bias = bias if bias is None or b is None else bias * b
            if bias is not None and bias.dim() == 1:  # one for the sum
                bias, shift = None, bias
            affine.append(Affine(weight, bias))
        return Layers(affine, shift)

    def gradient(self, p: Mapping[str, Tensor], found: Sequence[LayerGradient]) -> Coefficients:
        """The derivative in c, ``(P,)``, from those in the weights and biases of the layers."""
        assert len(found) == len(self._weight_scales), "a product can be asked for once"
        pieces: dict[str, Tensor] = {}
        for k, (at_weight, at_bias) in enumerate(found, start=1):
            if f"slope{k}" in p:  # the layer is n a times what does not depend on a
                (w, b), weight, bias = self._weight_scales[k - 1], p[f"weight{k}"], p.get(f"bias{k}")
                total = (at_weight * (weight if w is None else weight * w)).sum(dim=(1, 2))
                total = total if bias is None else total + (at_bias * bias).sum(dim=(1, 2)) * (b or 1.0)
                pieces[f"slope{k}"] = self._adaptive * total
            w, b = self.weight_scales(p, k)
            pieces[f"weight{k}"] = at_weight if w is None else at_weight * w
            pieces[f"bias{k}"] = at_bias if b is None else at_bias * b
        # Where the S networks share one bias, all of them give its derivative: the first will do.
        return torch.cat([pieces[name].flatten() if t.dim() > 1 else pieces[name][0, 0] for name, t in p.items()])
