"""Tests whether points are the corners of a simple polygon."""

from __future__ import annotations

import numpy as np

from pdefreq.core.errors import DomainError

_TOUCH = 1e-12  # distance, relative to the polygon, below which a corner is considered to be on a side
_SHARPEST = 1e-4  # radians: around a sharper corner a mesh would need too many triangles


def signed_area(points: np.ndarray) -> float:
    """The area of a polygon with corners ``(n, 2)``, positive if they run counterclockwise (the shoelace formula)."""
    x, y = (points - points[0]).T
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2)


def check_simple(points: np.ndarray) -> None:
    """Check that the corners ``(n, 2)`` form a simple polygon.

    Raises:
        DomainError: If there are fewer than three, two are the same, or two sides meet other than at a common corner.
    """
    n = len(points)
    if n < 3:
        raise DomainError(f"[domain] points must be at least three corners of a polygon, got {n}: add corners")
    if not np.isfinite(points).all():
        raise DomainError("[domain] points must have finite coordinates")
    size = np.ptp(points, axis=0).max()
    gaps = np.abs(points[:, None] - points).max(axis=2) + size * np.tri(n)
    if gaps.min() <= _TOUCH * size:
        i, j = np.unravel_index(gaps.argmin(), gaps.shape)
        raise DomainError(f"[domain] points {i + 1} and {j + 1} are the same, {_at(points[i])}: leave one of them out")
    meeting = _first_meeting(points, size)
    if meeting is not None:
        i, j = meeting
        raise DomainError(
            f"[domain] the sides edge-{i + 1} and edge-{j + 1} of the polygon cross or touch: list the corners in the order in "
            "which the boundary visits them"
        )
    corner, angle = _sharpest(points)
    if angle < _SHARPEST:
        raise DomainError(
            f"[domain] points: the angle at corner {corner + 1}, {_at(points[corner])}, is {angle:.1g} radians, but must be at "
            f"least {_SHARPEST:g}: move a corner"
        )


def _sharpest(points: np.ndarray) -> tuple[int, float]:
    """The corner with the smallest angle between its sides, in radians, and that angle."""
    ahead, behind = np.roll(points, -1, axis=0) - points, np.roll(points, 1, axis=0) - points
    cross = np.abs(ahead[:, 0] * behind[:, 1] - ahead[:, 1] * behind[:, 0])
    angles = np.arctan2(cross, (ahead * behind).sum(axis=1))
    return int(angles.argmin()), float(angles.min())


def _first_meeting(points: np.ndarray, size: float) -> tuple[int, int] | None:
    """The first two sides that meet other than at a common corner; None if there are none."""
    n, ends = len(points), np.roll(points, -1, axis=0)
    along, order = ends - points, np.arange(n)
    # position of corner j (column) relative to side i (row): half plane and distance
    offset = points[None] - points[:, None]
    cross = along[:, None, 0] * offset[..., 1] - along[:, None, 1] * offset[..., 0]
    place = (offset * along[:, None]).sum(axis=2) / (along**2).sum(axis=1)[:, None]
    off = offset - place.clip(0, 1)[..., None] * along[:, None]
    touches = np.linalg.norm(off, axis=2) <= _TOUCH * size
    touches[order, order] = touches[order, (order + 1) % n] = False
    splits = cross * np.roll(cross, -1, axis=1) < 0  # side i separates the ends of side j
    crosses = splits & splits.T
    neighbors = (order[:, None] - order) % n
    crosses &= (neighbors > 1) & (neighbors < n - 1)
    found = np.argwhere(np.triu(crosses | touches | touches.T, 1))
    return None if not len(found) else (int(found[0, 0]), int(found[0, 1]))


def _at(point: np.ndarray) -> str:
    return f"({', '.join(f'{v:g}' for v in point)})"
