"""All registered activations and initializations; families with suitable parameters."""

from collections.abc import Iterable

from pdefreq.spaces.networks.activations import ACTIVATIONS, activation_named
from pdefreq.spaces.networks.initializations import INITIALIZATIONS

NUMBERS = {"ricker": "ricker(0.8)", "normal": "normal(0.5)", "phase": "phase(0.7, 0.2)"}


def written(names: Iterable[str]) -> list[str]:
    return [NUMBERS.get(name, name) for name in names]


ACTIVATION_NAMES = written(ACTIVATIONS)
INITIALIZATION_NAMES = written(INITIALIZATIONS)
COMPACT = [name for name in ACTIVATION_NAMES if activation_named(name).support]
