"""Ellipses in the plane."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import torch

from pdefreq.core.errors import DomainError
from pdefreq.core.fields import CallableField, ConstantField, Field
from pdefreq.core.number_kinds import Number, PerAxis
from pdefreq.core.table_keys import Key
from pdefreq.domains.domain import Domain, dimension_key
from pdefreq.domains.geometry import rules
from pdefreq.domains.geometry.lifting import into_ellipsoid
from pdefreq.domains.geometry.numbers import numbers
from pdefreq.domains.geometry.shells import check_midpoint, onto_ellipsoid, place, rounding
from pdefreq.domains.samples import Samples

if TYPE_CHECKING:
    import numpy as np
    from skfem import Mesh
    from sympy import Expr
    from torch import Tensor

    from pdefreq.core.shapes import Points
    from pdefreq.domains.geometry.convex import Convex
    from pdefreq.domains.geometry.strips import Outline
    from pdefreq.domains.meshes.planar_mesh import Loop
    from pdefreq.problem.toml_tables import DomainTable


_DIMENSION = dimension_key(2, 2, default=2)


@dataclass(frozen=True)
class Ellipse(Domain):
    """The open ellipse ``((x - midpoint_x) / a)^2 + ((y - midpoint_y) / b)^2 < 1``, with axes along the coordinates.

    Args:
        midpoint: The center, two coordinates.
        half_axes: The half axes a and b, above zero.

    Raises:
        DomainError: If the midpoint does not have two finite coordinates, or a half axis is not finite and positive.
    """

    keys: ClassVar[tuple[str, ...]] = (
        _DIMENSION,
        Key("midpoint", PerAxis(), "the center", default=0, examples=([0, 0],)),
        Key("half_axes", PerAxis(Number(above=0)), "the half axes along x and y", examples=([2, 1],)),
    )
    example: ClassVar[Mapping[str, Any]] = {"midpoint": [1, 2], "half_axes": [0.25, 2]}
    can_be_hole: ClassVar[bool] = True
    midpoint: tuple[float, ...]
    half_axes: tuple[float, ...]

    def __post_init__(self) -> None:
        check_midpoint(self.midpoint, "ellipse")
        numbers(self.half_axes, "the half axes of an ellipse")
        if len(self.midpoint) != 2 or len(self.half_axes) != 2:
            raise DomainError(
                f"[domain] an ellipse has two coordinates and two half axes, got {len(self.midpoint)} and {len(self.half_axes)}"
            )
        if not all(0 < a < math.inf for a in self.half_axes):
            raise DomainError(f"[domain] the half axes of an ellipse must be above zero, got {self.half_axes}")

    @classmethod
    def from_table(cls, table: DomainTable) -> Self:
        table = table.sized(_DIMENSION)
        return cls(table.read("midpoint"), table.read("half_axes"))

    @property
    def dimension(self) -> int:
        return 2

    @property
    def measure(self) -> float:
        return math.pi * math.prod(self.half_axes)

    @property
    def perimeter(self) -> float:
        """The arc length 4 a E(1 - b^2 / a^2), with the complete elliptic integral E of the second kind."""
        from scipy.special import ellipe

        a, b = self.half_axes
        return 4 * a * float(ellipe(1 - (b / a) ** 2))

    @property
    def bounds(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        sides = list(zip(self.midpoint, self.half_axes, strict=True))
        return tuple(m - a for m, a in sides), tuple(m + a for m, a in sides)

    @property
    def title(self) -> str:
        return "ellipse with half axes {:g} and {:g}".format(*self.half_axes)

    @property
    def part_names(self) -> tuple[str, ...]:
        return ("outer",)

    def contains(self, x: Points) -> Tensor:
        return self._scaled(x).norm(dim=1) <= 1 + rounding(x, self.midpoint, min(self.half_axes))

    def quadrature(self, n: int) -> Samples:
        m = max(2, round((n / 2) ** 0.5))
        rule = rules.shell(2, 0.0, 1.0, 2 * m * m)
        assert rule is not None
        return Samples(self._stretched(torch.from_numpy(rule[0])), torch.from_numpy(rule[1]) * math.prod(self.half_axes))

    def interior(self, n: int, stream: torch.Generator, *, sobol: bool = False) -> Samples:
        x = rules.shell_points(2, 0.0, 1.0, n, stream, sobol=sobol)
        return Samples(self._stretched(x), torch.full((n,), self.measure / n, dtype=torch.float64))

    def boundary(self, n: int, stream: torch.Generator | None = None) -> Samples:
        """The trapezoidal rule in the eccentric angle, with geometric convergence; random points are uniform in arc length."""
        if stream is None:
            circle = torch.from_numpy(rules.sphere(2, max(2, round(n / 2)))[0])
            weights = self._speed(circle)
        else:
            circle = self._random_circle(n, stream)
            weights = torch.ones(n, dtype=torch.float64)
        normals = circle / circle.new_tensor(self.half_axes)
        return Samples(
            self._stretched(circle),
            weights * (self.perimeter / weights.sum()),
            normals / normals.norm(dim=1, keepdim=True),
            torch.zeros(len(circle), dtype=torch.long),
        )

    def distance(self) -> Field:
        """The function 1 - ((x - midpoint_x) / a)^2 - ((y - midpoint_y) / b)^2, which is negative outside."""
        return CallableField(self._level, self._level_gradient)

    def _level(self, x: Tensor) -> Tensor:
        return 1 - self._scaled(x).square().sum(dim=1)

    def _level_gradient(self, x: Tensor) -> Tensor:
        return -2 * self._scaled(x) / x.new_tensor(self.half_axes)

    def lifting(self, g: Field) -> Field:
        if g.constant is not None:
            return ConstantField(g.constant)
        return into_ellipsoid(g, self.midpoint, self.half_axes, self.boundary_mean(g))

    def loops(self, h: float) -> list[Loop]:
        from pdefreq.domains.meshes.planar_mesh import Loop

        return [Loop.of_ellipse(self.midpoint, self.half_axes, h, "outer")]

    def meshed(self, h: float) -> Mesh:
        """A mesh of six curved sectors."""
        from pdefreq.domains.meshes.disk_mesh import disk_mesh

        return disk_mesh(self.midpoint, self.half_axes, h)

    def onto_boundary(self, part: str, x: np.ndarray) -> np.ndarray:
        return onto_ellipsoid(x, self.midpoint, self.half_axes)

    def normal(self, part: str) -> list[Expr]:
        from pdefreq.domains.geometry.normals import radial

        return radial(self.midpoint, self.half_axes)

    def cad(self, occ: Any) -> list[tuple[int, int]]:
        a, b = self.half_axes  # gmsh requires the longer half axis first
        axis = {} if a >= b else {"zAxis": [0, 0, 1], "xAxis": [0, 1, 0]}
        return [(2, occ.addDisk(*self.midpoint, 0, max(a, b), min(a, b), **axis))]

    @property
    def convex(self) -> Convex:
        import numpy as np

        from pdefreq.domains.geometry.convex import Convex

        return Convex(np.array(self.midpoint), np.array(self.half_axes), round=True)

    def outline(self) -> Outline:
        from pdefreq.domains.geometry.strips import Outline

        return Outline.of_ellipse(self.midpoint, self.half_axes)

    def _scaled(self, x: Tensor) -> Tensor:
        """Points of the ellipse mapped to the unit disk."""
        return (x - x.new_tensor(self.midpoint)) / x.new_tensor(self.half_axes)

    def _stretched(self, x: Tensor) -> Tensor:
        """Points of the unit disk mapped to the ellipse."""
        return place(self.midpoint, x * x.new_tensor(self.half_axes))

    def _speed(self, circle: Tensor) -> Tensor:
        """The ratio of the arc length of the ellipse to that of the unit circle."""
        a, b = self.half_axes
        return (circle * circle.new_tensor((b, a))).norm(dim=1)

    def _random_circle(self, n: int, stream: torch.Generator) -> Tensor:
        """Points of the unit circle that are uniform in arc length on the ellipse, by rejection of at most 36 %."""
        kept = torch.empty(0, 2, dtype=torch.float64)
        while len(kept) < n:
            unit = rules.unit_cube(2 * n, 3, stream)
            circle = rules.directions(unit[:, :2])
            kept = torch.cat([kept, circle[unit[:, 2] * max(self.half_axes) <= self._speed(circle)]])
        return kept[:n]
