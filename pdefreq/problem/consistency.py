"""Checks that the parts of a problem fit together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pdefreq.core.errors import DataError, DomainError, ProblemFileError

if TYPE_CHECKING:
    from pdefreq.domains.domain import Domain
    from pdefreq.problem.boundary_conditions import BoundaryPart
    from pdefreq.problem.data import Data

_LARGEST = 1e60  # of coordinates: squares and quotients of lengths stay floating-point numbers
_MAX_BYTES = 2**33  # of generated data


def require_consistent(
    domain: Domain,
    boundary: Sequence[BoundaryPart],
    direction: Sequence[float],
    singular: Sequence[Sequence[float]],
    data: Data | None,
    *,
    is_regression: bool,
) -> None:
    """Check that the parts of a problem are consistent.

    Args:
        domain: The domain.
        boundary: The boundary conditions.
        direction: The direction of waves; empty for the default.
        singular: The points at which fields may be infinite.
        data: The points at which the source is known.
        is_regression: Whether the equation has no derivatives.

    Raises:
        ProblemFileError: If they are not.
    """
    _check_size(domain)
    for part in boundary:
        _check_part(part, domain)
    d = domain.dimension
    if direction and not (len(direction) == d and any(direction)):
        raise ProblemFileError(f"[spectrum] direction must be {d} numbers that are not all zero, got {list(direction)}")
    for point in singular:
        if len(point) != d or not all(map(math.isfinite, point)):
            raise ProblemFileError(f"[equation] singular must be a list of points with {d} coordinates each, got {list(point)}")
    if data is not None:
        _check_points(data, domain)
        _check_holdout(data, d, is_regression)


def _check_size(domain: Domain) -> None:
    """Check that methods can compute with the coordinates and the volume of a domain."""
    lower, upper = domain.bounds
    sides = [b - a for a, b in zip(lower, upper, strict=True)]
    if max(map(abs, (*lower, *upper))) > _LARGEST or min(sides) < 1 / _LARGEST:
        raise DomainError(
            f"[domain] coordinates must lie between -{_LARGEST:g} and {_LARGEST:g} and sides must be at least {1 / _LARGEST:g}, "
            f"got a domain from {min(lower):g} to {max(upper):g} with a side of {min(sides):g}: choose another unit of length"
        )
    try:
        measure = domain.measure
    except OverflowError:
        measure = math.inf
    if not 0 < measure < math.inf:
        raise DomainError(
            f"[domain] the volume must be a positive floating-point number, got {measure:g} in dimension {domain.dimension}: "
            "choose another unit of length"
        )


def _check_part(part: BoundaryPart, domain: Domain) -> None:
    names = domain.opposite_sides if part.kind == "periodic" else domain.part_names
    if not names:
        raise DomainError(
            f"periodic boundary parts are pairs of opposite sides of a box, but the domain is a {domain.title}: "
            "prescribe a value or a flux instead"
        )
    if part.name is not None and part.name not in names:
        raise DomainError(f"[[boundary.part]] name must be one of {', '.join(names)}, got '{part.name}'")


def _check_points(data: Data, domain: Domain) -> None:
    d = domain.dimension
    if data.x is not None:
        if data.x.shape[1] != d:
            raise DataError(f"[data] x must have {d} coordinates like the domain, got {data.x.shape[1]}")
        outside = data.x[~domain.contains(data.x)]
        if len(outside):
            point = ", ".join(f"{v:g}" for v in outside[0].tolist())
            raise DataError(f"[data] the point ({point}) lies outside the {domain.title}: leave it out")
    elif (needed := 8.0 * (d + 1) * data.count(d)) > _MAX_BYTES:
        raise DataError(f"[data] number = {data.number} needs {needed / 2**30:.3g} GiB in dimension {d}; ask for fewer points")


def _check_holdout(data: Data, d: int, is_regression: bool) -> None:
    if not data.holdout:
        return
    if not is_regression:
        raise DataError(
            "[data] holdout compares u with values of f, which is possible only for a regression (diffusion = 0): leave it out"
        )
    kept, count = data.held_out(d), data.count(d)
    if data.holdout == "alternate" and d > 1:
        if data.x is not None:
            data.is_held_out(data.x)  # refuses points that are not those of a grid
        elif data.points == "random":
            raise DataError(
                '[data] holdout = "alternate" holds out every other point of a grid, and random points are no grid: use '
                'points = "uniform", or a fraction, such as holdout = 0.5'
            )
    if not 0 < kept < count:
        raise DataError(
            f"[data] holdout = {data.holdout} holds out {kept} of {count} points: choose a value that leaves "
            "at least one point on each side"
        )
