"""Balls in any dimension, including intervals and disks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
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
from pdefreq.domains.geometry.shells import check_midpoint, onto_ellipsoid, place, rounding, shell_samples, sphere_samples
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


_DIMENSION = dimension_key(1, default=2)


@dataclass(frozen=True)
class Ball(Domain):
    """The open ball ``|x - midpoint| < radius``.

    Args:
        midpoint: The center, one coordinate for each dimension.
        radius: The radius, above zero.

    Raises:
        DomainError: If the midpoint is not finite, or the radius not finite and positive.
    """

    keys: ClassVar[tuple[str, ...]] = (
        _DIMENSION,
        Key("midpoint", PerAxis(), "the center", default=0, examples=([0, 0],)),
        Key("radius", Number(above=0), "the radius", examples=(1,)),
    )
    example: ClassVar[Mapping[str, Any]] = {"midpoint": [3, -1], "radius": 0.5}
    can_be_hole: ClassVar[bool] = True
    midpoint: tuple[float, ...]
    radius: float

    def __post_init__(self) -> None:
        check_midpoint(self.midpoint, "ball")
        numbers((self.radius,), "the radius of a ball")
        if not 0 < self.radius < math.inf:
            raise DomainError(f"[domain] the radius of a ball must be above zero, got {self.radius:g}")

    @classmethod
    def from_table(cls, table: DomainTable) -> Self:
        table = table.sized(_DIMENSION)
        return cls(table.read("midpoint"), table.read("radius"))

    @property
    def dimension(self) -> int:
        return len(self.midpoint)

    @property
    def measure(self) -> float:
        return rules.ball_volume(self.dimension) * self.radius**self.dimension

    @property
    def bounds(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        return tuple(m - self.radius for m in self.midpoint), tuple(m + self.radius for m in self.midpoint)

    @property
    def title(self) -> str:
        kind = {1: "interval", 2: "disk"}.get(self.dimension, "ball")
        return f"{kind} of radius {self.radius:g}"

    @property
    def part_names(self) -> tuple[str, ...]:
        return ("outer",)

    def contains(self, x: Points) -> Tensor:
        return (x - x.new_tensor(self.midpoint)).norm(dim=1) <= self.radius * (1 + rounding(x, self.midpoint, self.radius))

    def quadrature(self, n: int) -> Samples:
        return shell_samples(self.midpoint, 0.0, self.radius, n, self.measure)

    def interior(self, n: int, stream: torch.Generator, *, sobol: bool = False) -> Samples:
        x = rules.shell_points(self.dimension, 0.0, self.radius, n, stream, sobol=sobol)
        return Samples(place(self.midpoint, x), torch.full((n,), self.measure / n, dtype=torch.float64))

    def boundary(self, n: int, stream: torch.Generator | None = None) -> Samples:
        return sphere_samples(self.midpoint, self.radius, n, stream)

    def distance(self) -> Field:
        """The function 1 - |x - midpoint|^2 / radius^2, which is negative outside."""
        return CallableField(self._level, self._level_gradient)

    def _level(self, x: Tensor) -> Tensor:
        return 1 - (x - x.new_tensor(self.midpoint)).square().sum(dim=1) / self.radius**2

    def _level_gradient(self, x: Tensor) -> Tensor:
        return -2 / self.radius**2 * (x - x.new_tensor(self.midpoint))

    def lifting(self, g: Field) -> Field:
        if g.constant is not None:
            return ConstantField(g.constant)
        return into_ellipsoid(g, self.midpoint, (self.radius,) * self.dimension, self.boundary_mean(g))

    def loops(self, h: float) -> list[Loop] | None:
        from pdefreq.domains.meshes.planar_mesh import Loop

        return [Loop.of_ellipse(self.midpoint, (self.radius, self.radius), h, "outer")] if self.dimension == 2 else None

    def meshed(self, h: float) -> Mesh:
        """In the plane, a mesh of six sectors; in space, a refined octahedron mapped to the ball."""
        match self.dimension:
            case 1:
                from pdefreq.domains.box import Box

                mesh = replace(Box(*self.bounds).meshed(h), _boundaries=None)
                return mesh.with_boundaries({"outer": mesh.boundary_facets()})
            case 2:
                from pdefreq.domains.meshes.disk_mesh import disk_mesh

                return disk_mesh(self.midpoint, (self.radius, self.radius), h)
            case 3:
                return self._solid(h)
            case _:
                return super().meshed(h)

    def _solid(self, h: float) -> Mesh:
        """The mesh of a 3-D ball, from an octahedron whose surfaces |x|_1 = s are mapped to the spheres |x|_2 = s."""
        import numpy as np
        from skfem import MeshTet

        corners = np.concatenate([np.zeros((3, 1)), np.eye(3), -np.eye(3)], axis=1)
        t = np.array([[0, x, y, z] for x in (1, 4) for y in (2, 5) for z in (3, 6)]).T
        levels = max(0, math.ceil(math.log2(math.pi / 2 * self.radius / h)))  # a quarter of a great circle: 2^levels edges
        mesh = MeshTet(corners, t).refined(levels)
        scale = abs(mesh.p).sum(axis=0) / np.maximum(np.linalg.norm(mesh.p, axis=0), 1e-300)
        mesh = replace(mesh, doflocs=np.array(self.midpoint)[:, None] + self.radius * scale * mesh.p)
        return mesh.with_boundaries({"outer": mesh.boundary_facets()})

    def onto_boundary(self, part: str, x: np.ndarray) -> np.ndarray:
        return onto_ellipsoid(x, self.midpoint, (self.radius,) * self.dimension)

    def normal(self, part: str) -> list[Expr]:
        from pdefreq.domains.geometry.normals import radial

        return radial(self.midpoint, (1.0,) * self.dimension)

    def cad(self, occ: Any) -> list[tuple[int, int]]:
        match self.dimension:
            case 2:
                return [(2, occ.addDisk(*self.midpoint, 0, self.radius, self.radius))]
            case 3:
                return [(3, occ.addSphere(*self.midpoint, self.radius))]
            case _:
                return super().cad(occ)

    @property
    def convex(self) -> Convex:
        import numpy as np

        from pdefreq.domains.geometry.convex import Convex

        return Convex(np.array(self.midpoint), np.array([self.radius] * self.dimension), round=True)

    def outline(self) -> Outline:
        from pdefreq.domains.geometry.strips import Outline

        return Outline.of_ellipse(self.midpoint, (self.radius, self.radius))
