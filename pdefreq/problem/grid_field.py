"""Fields defined by values on a rectilinear grid, such as measured permeabilities or pictures."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, get_args

from pdefreq.core.content import digest
from pdefreq.core.errors import DataError
from pdefreq.core.fields import Field

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch import Tensor

    from pdefreq.core.shapes import Points, Values

Interpolation = Literal["constant", "linear"]
_MOST = 2**24  # largest number of values
_ROUNDING = 1e-9  # relative to the size of the grid: tolerance for domains that extend beyond it


@dataclass(frozen=True, eq=False)
class GridField(Field):
    """A field that interpolates values at the points of a rectilinear grid.

    Each point has a cell, whose faces lie halfway to the neighboring points; an outermost cell is symmetric about its point.
    A piecewise constant field takes the value of the cell; on a face, it takes the value of the cell with the lower coordinate.
    A piecewise linear field is multilinear between the points and constant beyond the outermost points.

    Args:
        values: Values at the points, shape ``(n_1, ..., n_d)``. The k-th axis of the array is the k-th coordinate, ascending.
        axes: The coordinates of the points along each axis, in increasing order: d arrays of shapes ``(n_k,)``.
        interpolation: ``"constant"`` or ``"linear"``.
        name: Origin of the values, for display.

    Raises:
        DataError: If the shapes do not agree, coordinates do not increase, a number is not finite, or the grid has more
            than 2^24 points.

    Example:
        >>> field = GridField.on_box([[1.0, 1.0], [10.0, 1.0]], (0, 0), (1, 1))
        >>> field.text
        'piecewise constant on 2 x 2 cells'
    """

    content_type: ClassVar[str] = "grid"
    has_kinks = True

    values: np.ndarray
    axes: tuple[np.ndarray, ...]
    interpolation: Interpolation = "constant"
    name: str = ""

    def __post_init__(self) -> None:
        import numpy as np

        try:
            values, axes = _array(self.values), tuple(map(_array, self.axes))
        except (TypeError, ValueError):
            raise DataError("a grid needs arrays of numbers: values (n_1, ..., n_d) and axes (n_k,)") from None
        if self.interpolation not in get_args(Interpolation):
            raise DataError(f'interpolation must be "constant" or "linear", got {str(self.interpolation)[:60]!r}')
        if not axes or any(axis.ndim != 1 for axis in axes) or values.shape != tuple(map(len, axes)) or not values.size:
            shapes = " x ".join(str(axis.size) for axis in axes)
            raise DataError(f"a grid of {shapes or 'no'} points needs as many values, got values of shape {values.shape}")
        if values.size > _MOST:
            raise DataError(f"a grid may have at most {_MOST:,} values, got {values.size:,}: use a coarser grid")
        if any(not np.isfinite(axis).all() or (np.diff(axis) <= 0).any() for axis in axes):
            raise DataError("the coordinates of a grid must be finite and increase along each axis")
        if not np.isfinite(values).all():
            at = tuple(int(i) for i in np.argwhere(~np.isfinite(values))[0])
            raise DataError(f"the values of a grid must be finite, but the value at index {at} is {values[at]:g}")
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "axes", axes)

    @classmethod
    def on_box(
        cls,
        values: Any,
        lower: float | Sequence[float],
        upper: float | Sequence[float],
        interpolation: Interpolation = "constant",
        name: str = "",
    ) -> Self:
        """The field with given values at the midpoints of equal cells of a box.

        Args:
            values: Values at the midpoints, shape ``(n_1, ..., n_d)``, ordered as in the class.
            lower: Lower bounds of the box; in one dimension, a number is accepted.
            upper: Upper bounds of the box.
            interpolation: ``"constant"`` or ``"linear"``.
            name: Origin of the values, for display.

        Raises:
            DataError: In the cases of the class, or if the dimensions of the box and the array differ.
        """
        import numpy as np

        shape = np.shape(values)
        low, high = np.atleast_1d(np.asarray(lower, dtype=float)), np.atleast_1d(np.asarray(upper, dtype=float))
        if not len(shape) == len(low) == len(high):
            raise DataError(f"an array on a domain of dimension {len(low)} must have {len(low)} axes, got shape {shape}")
        axes = tuple(a + (b - a) * (np.arange(n) + 0.5) / n for a, b, n in zip(low, high, shape, strict=True))
        return cls(values, axes, interpolation, name)

    def content(self) -> Any:
        """The values, the points and the interpolation. The name is for display only."""
        own = {"values": self.values, "axes": list(self.axes), "interpolation": self.interpolation}
        return {"type": self.content_type, "title": self.name} | own

    @classmethod
    def from_content(cls, arguments: dict[str, Any]) -> Self:
        return cls(arguments["values"], arguments["axes"], arguments["interpolation"], str(arguments.get("title", "")))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GridField) and self._digest == other._digest

    def __hash__(self) -> int:
        return hash(self._digest)

    @functools.cached_property
    def _digest(self) -> str:
        return digest(self.content())

    @functools.cached_property
    def constant(self) -> float | None:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The common value if all values are equal, otherwise None."""
        first = float(self.values.flat[0])
        return first if (self.values == first).all() else None

    @property
    def smoothness(self) -> float:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Zero if the field jumps, one if it is continuous with kinks, and infinity if it is constant."""
        return math.inf if self.constant is not None else 0 if self.interpolation == "constant" else 1

    def __call__(self, x: Points) -> Values:
        values, axes = self._on(x)
        places = [(_nearest if self.interpolation == "constant" else _between)(*each) for each in zip(axes, x.T, strict=True)]
        total = x.new_zeros(len(x))
        for corner in itertools.product(*places):
            index, weights = tuple(i for i, _ in corner), [weight for _, weight in corner if weight is not None]
            total = total + functools.reduce(lambda u, weight: u * weight, weights, values[index])
        return total

    def points(self) -> Points:
        """The points of the grid in the order of ``values.flatten()``, shape ``(n, d)``."""
        import torch

        return torch.cartesian_prod(*map(torch.tensor, self.axes)).reshape(-1, len(self.axes))

    def require_cover(self, lower: Sequence[float], upper: Sequence[float]) -> None:
        """Check that the cells cover a domain. The cell of an axis with a single point is unbounded.

        Args:
            lower: Lower bounds of the domain.
            upper: Upper bounds of the domain.

        Raises:
            DataError: If the domain extends beyond the cells along an axis.
        """
        from pdefreq.core.shapes import axis_names

        for axis, name, a, b in zip(self.axes, axis_names(len(self.axes)), lower, upper, strict=True):
            if len(axis) == 1:
                continue
            first, last = float(1.5 * axis[0] - 0.5 * axis[1]), float(1.5 * axis[-1] - 0.5 * axis[-2])
            slack = _ROUNDING * (last - first)
            if a < first - slack or b > last + slack:
                raise DataError(
                    f"the cells of the grid extend from {name} = {first:g} to {last:g}, "
                    f"but the domain extends from {a:g} to {b:g}: add points that cover it"
                )

    @property
    def text(self) -> str:
        cells = " x ".join(str(n) for n in self.values.shape)
        how = f"constant on {cells} cells" if self.interpolation == "constant" else f"linear between {cells} points"
        return f"piecewise {how}{f' from {self.name}' if self.name else ''}"

    @functools.cached_property
    def _copies(self) -> dict[tuple[torch.dtype, torch.device], tuple[Tensor, tuple[Tensor, ...]]]:
        return {}

    def _on(self, x: Points) -> tuple[Tensor, tuple[Tensor, ...]]:
        """The values and the axes in the dtype and on the device of the points."""
        import torch

        key = x.dtype, x.device
        if key not in self._copies:
            self._copies[key] = torch.tensor(self.values).to(x), tuple(torch.tensor(axis).to(x) for axis in self.axes)
        return self._copies[key]


def _array(values: Any) -> np.ndarray:
    import numpy as np

    array = np.array(values.detach().cpu().numpy() if hasattr(values, "detach") else values, dtype=np.float64, order="C")
    array.flags.writeable = False
    return array


def _nearest(axis: Tensor, x: Tensor) -> list[tuple[Tensor, None]]:
    """The index of the cell that contains each x; on a face, the index of the lower cell."""
    import torch

    return [(torch.searchsorted((axis[1:] + axis[:-1]) / 2, x.detach().contiguous()), None)]


def _between(axis: Tensor, x: Tensor) -> list[tuple[Tensor, Tensor | None]]:
    """The indices of the two neighboring points of each x, and their weights."""
    import torch

    if len(axis) == 1:
        return [(torch.zeros_like(x, dtype=torch.long), None)]
    above = torch.searchsorted(axis, x.detach().contiguous()).clamp(1, len(axis) - 1)
    t = ((x - axis[above - 1]) / (axis[above] - axis[above - 1])).clamp(0, 1)
    return [(above - 1, 1 - t), (above, t)]
