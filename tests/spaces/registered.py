"""All registered activations and initializations; families with suitable parameters."""

from collections.abc import Iterable

from pdefreq.spaces.networks.activations import ACTIVATIONS, activation_named
from pdefreq.spaces.networks.initializations import INITIALIZATIONS

NUMBERS = {
    "ricker": "ricker(0.8)",
    "gabor": "gabor(2)",
    "normal": "normal(0.5)",
    "phase": "phase(0.7, 0.2)",
    "uniform": "uniform(3, 2, 0.1)",
}


def written(names: Iterable[str]) -> list[str]:
    return [NUMBERS.get(name, name) for name in names]


ACTIVATION_NAMES = written(ACTIVATIONS)
INITIALIZATION_NAMES = written(INITIALIZATIONS)
COMPACT = [name for name in ACTIVATION_NAMES if activation_named(name).support]

BASIC = ("tanh", "sin", "srelu", "phi")
"""Activations of each order of smoothness, and with compact support."""


def pairs(kinds: Iterable[str], activations: Iterable[str] = ACTIVATION_NAMES) -> list[tuple[str, str]]:
    """Every activation in a plain network, and every kind of network with the basic activations.

    A network uses its activation only through the derivatives of it, which have their own tests.
    """
    return [(kind, activation) for kind in kinds for activation in activations if kind == "mlp" or activation in BASIC]
