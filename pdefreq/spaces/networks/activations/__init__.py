"""Activation functions by name. Importing this loads no torch."""

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
"""Name -> an `Activation`, or a function of numbers that returns one: ``ricker(0.3)``."""


def activation_named(name: str) -> Activation:
    """An activation by name, ``"tanh"``, ``"ricker(0.3)"`` or ``"path/to/file.py:SWISH"``.

    Raises:
        UnknownNameError: If there is none of this name.
        OptionError: If its numbers are missing or wrong, or what the name stands for is no `Activation`.
    """
    from pdefreq.spaces.networks.activations.activation import Activation

    return ACTIVATIONS.named(name, Activation)
