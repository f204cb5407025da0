"""Larger networks that contain the function of a smaller one: additional sub-networks, or additional Fourier features."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from pdefreq.spaces.networks.stacked import Stacked

if TYPE_CHECKING:
    from pdefreq.core.shapes import Coefficients
    from pdefreq.spaces.networks.embedding import FourierFeatures
    from pdefreq.spaces.trial_space import Network


def enlarged(c: Coefficients, small: Network, large: Network, draw: torch.Generator) -> Coefficients:
    """Coefficients of the larger network with the function of the smaller one.

    The new sub-networks have initial parameters and output weights of zero. New input features have weights of zero in the first
    layer. The gradients in these weights are not zero in general, so that training changes them.

    Args:
        c: Coefficients of the smaller network.
        small: A stack of feed-forward networks, possibly within other networks (boundary values, units, a start).
        large: The same network with more sub-networks or more features.
        draw: The random stream of the initial parameters.
    """
    inner, outer = _stack_of(small), _stack_of(large)
    old, vector = small.unflatten(c), large.initialize(draw).to(c)
    columns = _places(inner.embedding, outer.embedding)
    (inner_scale, _), (outer_scale, _) = inner.weight_scales()[0], outer.weight_scales()[0]
    factor = (inner_scale / outer_scale[: len(inner_scale)]).to(c)  # the fixed scale of a first layer may depend on its inputs
    output = max(int(name.rpartition("weight")[2]) for name in old if "weight" in name)
    for name, entries in large.unflatten(vector).items():  # views of the vector
        given, kind = old[name], name.rpartition(".")[2]
        if kind == f"weight{output}":
            entries[inner.stack :] = 0
        if kind == "weight1" and columns is not None:
            entries[: inner.stack] = 0
            entries[: inner.stack, :, columns] = factor * given
        else:
            entries[: len(given)] = given
    return vector


def _stack_of(network: Network) -> Stacked:
    """The stack of feed-forward networks within a network."""
    while not isinstance(network, Stacked):
        network = network.network  # type: ignore[attr-defined]
    return network


def _places(small: FourierFeatures | None, large: FourierFeatures | None) -> torch.Tensor | None:
    """The positions of the features of the smaller map among those of the larger one; None if both maps are the same."""
    if small is None or large is None or small == large:
        return None
    waves, more = len(small.frequencies), len(large.frequencies)
    cosines = torch.arange(waves)
    return torch.cat([cosines, cosines + more, 2 * more + torch.arange(len(small.passed))])
