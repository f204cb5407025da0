"""Where fields are drawn: a line in one dimension, a plane in two, the plane through the middle in more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import Colormap, Normalize

from pdefreq.domains.box import Box, axis_names
from pdefreq.domains.domain import Domain

if TYPE_CHECKING:
    import torch

_LINE = 2001  # points on a line: 30 for each period of the highest tone of the shipped problems
_SIDE = 201  # points along each side of a plane


@dataclass(frozen=True)
class Slice:
    """Points of a box on which a field becomes a curve or a map.

    Args:
        points: Shape ``(n, d)``.
        axes: Coordinates along the line, or along both sides of the plane.
        names: Names of these coordinates.
        note: Where the plane lies, for a title; empty where nothing is cut away.
    """

    points: torch.Tensor
    axes: tuple[np.ndarray, ...]
    names: tuple[str, ...]
    note: str

    @classmethod
    def of(cls, domain: Domain) -> Slice:
        """The slice of a box along its first one or two coordinates, through the middle of the others."""
        import torch

        assert isinstance(domain, Box)
        count = min(domain.dimension, 2)
        sides = list(zip(domain.lower, domain.upper, strict=True))
        axes = tuple(np.linspace(a, b, _LINE if count == 1 else _SIDE) for a, b in sides[:count])
        middle = [(a + b) / 2 for a, b in sides[count:]]
        grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, count)
        points = np.concatenate([grid, np.broadcast_to(middle, (len(grid), len(middle)))], axis=1)
        names = axis_names(domain.dimension)
        where = ", ".join(f"{name} = {value:g}" for name, value in zip(names[count:], middle, strict=True))
        if len(middle) > 2:
            where = "the other coordinates in the middle"
        return cls(torch.from_numpy(points), axes, tuple(names[:count]), f"slice: {where}" if middle else "")

    @property
    def is_plane(self) -> bool:
        """Whether fields are maps here, not curves."""
        return len(self.axes) == 2

    def values(self, field: Callable[[torch.Tensor], torch.Tensor]) -> np.ndarray:
        """The field on the slice, shape ``(n,)`` or ``(n, m)``; where it is not finite, nan."""
        import torch

        with torch.no_grad():
            found = field(self.points).detach().cpu().numpy().astype(float)
        return np.where(np.isfinite(found), found, np.nan).reshape([len(axis) for axis in self.axes])

    def draw_map(self, axes: Axes, values: np.ndarray, norm: Normalize, cmap: Colormap) -> QuadMesh:
        """Draw values on the plane, with equal units along both sides."""
        axes.grid(False)
        axes.set_facecolor("0.88")  # shows where the field is not finite
        axes.set(aspect="equal", xlabel=self.names[0], ylabel=self.names[1])
        axes.locator_params(nbins=5)
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
