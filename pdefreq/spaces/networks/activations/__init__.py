"""Activation functions by name. Importing this module does not load torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pdefreq.core.registry import Registry

if TYPE_CHECKING:
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
    },
)
"""Names and their `Activation`, or a function of numbers that returns one, such as ``ricker(0.3)``."""


def activation_named(name: str) -> Activation:
    """The activation of a given name, such as ``"tanh"``, ``"ricker(0.3)"`` or ``"path/to/file.py:SWISH"``.

    Raises:
        UnknownNameError: If the name is unknown.
        OptionError: If numbers are missing or invalid, or the object of that name is not an `Activation`.
    """
    from pdefreq.spaces.networks.activations.activation import Activation

    return ACTIVATIONS.named(name, Activation)
