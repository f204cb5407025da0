"""Points at which fields are drawn: on a line in 1-D, a plane in 2-D, and the plane through the center in higher dimensions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import Colormap, Normalize

from pdefreq.core.shapes import axis_names
from pdefreq.domains.domain import Domain

if TYPE_CHECKING:
    import torch

_LINE = 2001  # points on a line: 30 for each period of the highest tone of the shipped problems
_SIDE = 301  # points along each side of a plane, enough for a smooth curved outline
_OUTLINE = 4000  # points of the boundary of a plane domain


@dataclass(frozen=True)
class Slice:
    """Points of a domain on which a field becomes a curve or a map.

    Args:
        points: The points of a grid that lie in the domain, shape ``(n, d)``.
        inside: Whether each point of the grid lies in the domain, in the shape of the grid.
        outline: Points along the boundary of a plane domain, shape ``(m, 2)``; None for others.
        axes: Coordinates along the line, or along both sides of the plane.
        names: Names of these coordinates.
        note: The position of the plane, for a title; empty in one and two dimensions.
    """

    points: torch.Tensor
    inside: np.ndarray
    outline: np.ndarray | None
    axes: tuple[np.ndarray, ...]
    names: tuple[str, ...]
    note: str

    @classmethod
    def of(cls, domain: Domain) -> Slice:
        """The slice of a domain along its first one or two coordinates, through the middle of the others."""
        import torch

        count = min(domain.dimension, 2)
        sides = list(zip(*domain.bounds, strict=True))
        axes = tuple(np.linspace(a, b, _LINE if count == 1 else _SIDE) for a, b in sides[:count])
        middle = [(a + b) / 2 for a, b in sides[count:]]
        grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, count)
        points = torch.from_numpy(np.concatenate([grid, np.broadcast_to(middle, (len(grid), len(middle)))], axis=1))
        inside = domain.contains(points)
        outline = domain.boundary(_OUTLINE).x.numpy() if domain.dimension == 2 else None
        names = axis_names(domain.dimension)
        where = ", ".join(f"{name} = {value:g}" for name, value in zip(names[count:], middle, strict=True))
        if len(middle) > 2:
            where = "other coordinates at their midpoints"
        note = f"slice: {where}" if middle else ""
        shape = [len(axis) for axis in axes]
        return cls(points[inside], inside.numpy().reshape(shape), outline, axes, tuple(names[:count]), note)

    @property
    def is_plane(self) -> bool:
        """Whether fields are drawn as maps instead of curves."""
        return len(self.axes) == 2

    def values(self, field: Callable[[torch.Tensor], torch.Tensor]) -> np.ndarray:
        """The field on the grid, shape ``(n,)`` or ``(n, m)``; nan outside the domain and at non-finite values."""
        import torch

        with torch.no_grad():
            found = field(self.points).detach().cpu().numpy().astype(float)
        values = np.full(self.inside.shape, np.nan)
        values[self.inside] = np.where(np.isfinite(found), found, np.nan)
        return values

    def draw_map(self, axes: Axes, values: np.ndarray, norm: Normalize, cmap: Colormap) -> QuadMesh:
        """Draw values on the plane, with equal units along both sides, and the outline of a domain that does not fill it."""
        axes.grid(False)
        if self.inside.all():
            axes.set_facecolor("0.88")  # shows where the field is not finite
        elif self.outline is not None:
            axes.plot(*self.outline.T, ",", color="0.35", gid="outline")
        axes.set(aspect="equal", xlabel=self.names[0], ylabel=self.names[1])
        axes.locator_params(nbins=5, steps=[1, 2, 5, 10])  # labels with few digits
        return axes.pcolormesh(
            *self.axes, np.ma.masked_invalid(values.T), norm=norm, cmap=cmap, shading="nearest", rasterized=True
        )


def value_range(*fields: np.ndarray, symmetric: bool = False) -> Normalize:
    """A linear scale over the finite values of all fields; around zero if symmetric."""
    values = np.concatenate([field.ravel() for field in fields])
    values = values[np.isfinite(values)]
    low, high = (values.min(), values.max()) if len(values) else (-1.0, 1.0)
    if symmetric:
        low, high = -max(abs(low), abs(high)), max(abs(low), abs(high))
    if low == high:
        low, high = low - 1.0, high + 1.0
    return Normalize(float(low), float(high))
