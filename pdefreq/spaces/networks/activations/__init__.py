"""Activation functions by name. Importing this module does not load torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pdefreq.core.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from pdefreq.spaces.networks.activations.activation import Activation

ACTIVATIONS = Registry(
    "activation",
    "pdefreq.activations",
    {
        "sin": "pdefreq.spaces.networks.activations.sin:SIN",
        "tanh": "pdefreq.spaces.networks.activations.tanh:TANH",
        "srelu": "pdefreq.spaces.networks.activations.srelu:SRELU",
        "phi": "pdefreq.spaces.networks.activations.phi:PHI",
        "sin-srelu": "pdefreq.spaces.networks.activations.sin_srelu:SIN_SRELU",
        "relu": "pdefreq.spaces.networks.activations.relu:RELU",
        "ricker": "pdefreq.spaces.networks.activations.ricker:ricker",
        "gelu": "pdefreq.spaces.networks.activations.gelu:GELU",
        "silu": "pdefreq.spaces.networks.activations.sigmoids:SILU",
        "softplus": "pdefreq.spaces.networks.activations.sigmoids:SOFTPLUS",
        "elu": "pdefreq.spaces.networks.activations.elu:ELU",
        "gaussian": "pdefreq.spaces.networks.activations.gaussian:GAUSSIAN",
        "gabor": "pdefreq.spaces.networks.activations.gaussian:gabor",
        "sinc": "pdefreq.spaces.networks.activations.sinc:SINC",
    },
    unlisted={"wavelet": "pdefreq.spaces.networks.activations.gaussian:gabor"},  # another usual name of gabor
)
"""Names and their `Activation`, or a function of numbers that returns one, such as ``ricker(0.3)``."""


def activation_named(activation: str | Callable[[Tensor], Tensor]) -> Activation:
    """The activation of a given name, such as ``"tanh"``, ``"ricker(0.3)"`` or ``"path/to/file.py:swish"``, or of a function.

    Args:
        activation: A name, an `Activation`, or a function that is applied to each entry of a tensor (see `automatic`).

    Raises:
        UnknownNameError: If the name is unknown.
        OptionError: If numbers are missing or invalid, or the object is neither an `Activation` nor a function of a tensor.
    """
    from pdefreq.spaces.networks.activations.activation import Activation
    from pdefreq.spaces.networks.activations.automatic import automatic

    if isinstance(activation, Activation):
        return activation
    return ACTIVATIONS.named(activation, Activation, automatic) if isinstance(activation, str) else automatic(activation)
