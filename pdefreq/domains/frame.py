"""Units of numbers and of coordinates: powers of ten of the size of what is measured."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pdefreq.core.shapes import Points
    from pdefreq.domains.domain import Domain

_WHOLE = 2.0**52  # all floating-point numbers from here on are whole


def power_of_ten_near(size: float) -> float:
    """The power of ten that is nearest to a positive size on a logarithmic scale; 1 for a size of zero or one not finite.

    A size between 0.32 and 3.2 has the unit 1. A size that is multiplied by a power of ten has a unit multiplied by the same
    power.

    Example:
        >>> power_of_ten_near(0.5), power_of_ten_near(300.0), power_of_ten_near(0.0)
        (1.0, 100.0, 1.0)
    """
    if not 0 < size < math.inf:
        return 1.0
    return float(f"1e{math.floor(math.log10(size) + 0.5)}")


def origin_of(value: float, unit: float) -> float:
    """The multiple of ten units that is nearest to a value: 0 for a value below five units."""
    multiple = value / (10 * unit)
    return 10 * unit * round(multiple) if abs(multiple) < _WHOLE else value


@dataclass(frozen=True)
class Frame:
    """Coordinates in which a domain has about unit size: ``y_k = (x_k - origin_k) / units_k``.

    Args:
        origin: The point y = 0.
        units: The unit of length along each axis.
    """

    origin: tuple[float, ...]
    units: tuple[float, ...]

    @classmethod
    def identity(cls, dimension: int) -> Frame:
        """The frame y = x."""
        return cls((0.0,) * dimension, (1.0,) * dimension)

    @classmethod
    def of(cls, domain: Domain) -> Frame:
        """The frame of a domain: along each axis, the unit of half the side of the bounding box, and the rounded center."""
        lower, upper = domain.bounds
        units = tuple(power_of_ten_near((b - a) / 2) for a, b in zip(lower, upper, strict=True))
        origin = tuple(origin_of((a + b) / 2, unit) for a, b, unit in zip(lower, upper, units, strict=True))
        return cls(origin, units)

    @property
    def is_identity(self) -> bool:
        """Whether y = x."""
        return not any(self.origin) and all(unit == 1 for unit in self.units)

    def coordinates(self, x: Points) -> Points:
        """The points ``(n, d)`` in these coordinates."""
        return x if self.is_identity else (x - x.new_tensor(self.origin)) / x.new_tensor(self.units)

    @property
    def length(self) -> float:
        """The smallest unit of length."""
        return min(self.units)

    @property
    def volume(self) -> float:
        """The product of the units."""
        return math.prod(self.units)

    def per_unit(self, wavevectors: Sequence[Sequence[float]]) -> tuple[tuple[float, ...], ...]:
        """Wavevectors in radians per unit of the frame, converted to radians per length."""
        return tuple(tuple(omega / unit for omega, unit in zip(row, self.units, strict=True)) for row in wavevectors)
