"""Normal weights and biases of a given standard deviation."""

from __future__ import annotations

import math

from pdefreq.core.errors import OptionError
from pdefreq.spaces.networks.initializations.initialization import Initialization


def normal(std: float) -> Initialization:
    """Weights and biases from N(0, std^2)."""
    if not 0 < std < math.inf:
        raise OptionError(f"the std of normal(std) must be positive and finite, got {std:g}")
    return Initialization(lambda layer, stream: (layer.normal(layer.fan_in, std, stream), layer.normal(1, std, stream)))
