"""Initializations of network parameters by name. Importing this module does not load torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pdefreq.core.registry import Registry

if TYPE_CHECKING:
    from pdefreq.spaces.networks.initializations.initialization import Initialization

INITIALIZATIONS = Registry(
    "initialization",
    "pdefreq.initializations",
    {
        "tiled": "pdefreq.spaces.networks.initializations.tiled:TILED",
        "glorot": "pdefreq.spaces.networks.initializations.variance_scaling:GLOROT",
        "he": "pdefreq.spaces.networks.initializations.variance_scaling:HE",
        "lecun": "pdefreq.spaces.networks.initializations.variance_scaling:LECUN",
        "torch": "pdefreq.spaces.networks.initializations.variance_scaling:TORCH",
        "mscale": "pdefreq.spaces.networks.initializations.mscale:MSCALE",
        "ntk": "pdefreq.spaces.networks.initializations.phase:NTK",
        "mean-field": "pdefreq.spaces.networks.initializations.phase:MEAN_FIELD",
        "phase": "pdefreq.spaces.networks.initializations.phase:phase",
        "siren": "pdefreq.spaces.networks.initializations.siren:siren",
        "spectrum": "pdefreq.spaces.networks.initializations.spectrum:SPECTRUM",
        "normal": "pdefreq.spaces.networks.initializations.normal:normal",
        "uniform": "pdefreq.spaces.networks.initializations.uniform:uniform",
    },
)
"""Names and their `Initialization`, or a function of numbers that returns one: ``normal(0.1)``, ``phase(1.5, 0)``."""


def initialization_named(name: str) -> Initialization:
    """The initialization of a given name, such as ``"glorot"``, ``"normal(0.1)"`` or ``"path/to/file.py:ORTHOGONAL"``.

    Raises:
        UnknownNameError: If the name is unknown.
        OptionError: If numbers are missing or invalid, or the object of that name is not an `Initialization`.
    """
    from pdefreq.spaces.networks.initializations.initialization import Initialization

    return INITIALIZATIONS.named(name, Initialization)
