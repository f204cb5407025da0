"""The smallest distance between separate pieces of the boundary of a domain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pdefreq.domains.holes import WithHoles
from pdefreq.domains.ring import Ring

if TYPE_CHECKING:
    from pdefreq.domains.domain import Domain

_POINTS = 4000  # on the boundary


def smallest_gap(domain: Domain) -> float:
    """The smallest distance between two holes, between a hole and the boundary around it, or across a domain.

    It is found with 4000 points of the boundary, which may overestimate it. Holes of a mesh are not considered.

    Args:
        domain: The domain.
    """
    across = min(b - a for a, b in zip(*domain.bounds, strict=True))
    if isinstance(domain, Ring):
        return min(across, domain.outer - domain.inner)
    if not (isinstance(domain, WithHoles) and domain.holes):
        return across
    from scipy.spatial import KDTree

    edge = domain.boundary(_POINTS)
    assert edge.parts is not None
    x, outer = edge.x.numpy(), len(domain.base.part_names)
    piece = np.maximum(edge.parts.numpy() - outer + 1, 0)  # 0 around, then one for each hole
    distance, index = KDTree(x).query(x, k=1 + int(np.bincount(piece).max()))  # at least one neighbor is on another piece
    return min(smallest_gap(domain.base), float(distance[piece[index] != piece[:, None]].min()))
