"""Whether networks are periodic where a problem is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from pdefreq.core.errors import IncompatibleError
from pdefreq.core.streams import stream

if TYPE_CHECKING:
    from pdefreq.domains.domain import Domain
    from pdefreq.spaces.trial_space import Network

_POINTS = 16
_TOLERANCE = 1e-9  # relative to the size of the values


def require_periodic(network: Network, domain: Domain, axes: Sequence[int]) -> None:
    """Check that a network has equal values at opposite points of the sides across some axes, for random parameters.

    Raises:
        IncompatibleError: If it has not.
    """
    (lower, upper), names = domain.bounds, [*domain.opposite_sides]
    draw = stream(0, "periodicity")
    for axis in axes:
        c = network.initialize(draw)
        c = c + 0.1 * torch.randn(c.shape, generator=draw, dtype=c.dtype)  # a start may be zero everywhere
        below = domain.interior(_POINTS, draw).x
        above = below.clone()
        below[:, axis], above[:, axis] = lower[axis], upper[axis]
        with torch.no_grad():
            low, high = (network.at(x).value(c) for x in (below, above))
        if not float((low - high).abs().max()) <= _TOLERANCE * float(low.abs().max()):
            raise IncompatibleError(
                f"the problem is periodic along {names[axis]} and this network is not: use an mlp or mscale network with "
                "input=periodic, or `fem`"
            )
