"""Whether a closed set lies in a domain, or apart from another: exact for ellipsoids and boxes, else tested at many points."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from pdefreq.domains.geometry import convex

if TYPE_CHECKING:
    from pdefreq.core.shapes import Points
    from pdefreq.domains.domain import Domain

_POINTS = 2000  # of the boundary of each set
_TOUCH = 1e-9  # of a distance function: nearer points touch, as far as rounding can tell


def holds(domain: Domain, hole: Domain) -> bool:
    """Whether the closed set `hole` lies in the interior of the domain.

    Sets other than ellipsoids and boxes count as inside if their corners and 2000 points of their boundary are, and no such
    point of the boundary of the domain lies in them.
    """
    if domain.convex is not None and hole.convex is not None:
        return convex.inside(hole.convex, domain.convex)
    x = _edge(hole)
    inside = domain.contains(x) & (domain.distance()(x) > _TOUCH)
    return bool(inside.all()) and not bool(hole.contains(_edge(domain)).any())


def apart(first: Domain, second: Domain) -> bool:
    """Whether two closed sets have no point in common; sets other than ellipsoids and boxes are tested as by `holds`."""
    if first.convex is not None and second.convex is not None:
        return convex.apart(first.convex, second.convex)
    return not any(bool(one.contains(_edge(other)).any()) for one, other in ((first, second), (second, first)))


def _edge(domain: Domain) -> Points:
    corners = torch.tensor(domain.corners, dtype=torch.float64).reshape(-1, domain.dimension)
    return torch.cat([corners, domain.boundary(_POINTS).x])
