"""Rings in the plane, and spherical shells."""

from __future__ import annotations

import functools
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

import torch

from pdefreq.core.errors import DomainError
from pdefreq.core.fields import CallableField, ConstantField, Field
from pdefreq.core.number_kinds import Number, PerAxis
from pdefreq.core.table_keys import Key
from pdefreq.domains.ball import Ball
from pdefreq.domains.domain import Domain, dimension_key, only_one
from pdefreq.domains.geometry import rules
from pdefreq.domains.geometry.lifting import radial
from pdefreq.domains.geometry.numbers import numbers
from pdefreq.domains.geometry.shells import check_midpoint, joined, onto_ellipsoid, place, rounding, shell_samples, sphere_samples
from pdefreq.domains.samples import Samples

if TYPE_CHECKING:
    import numpy as np
    from skfem import Mesh
    from sympy import Expr
    from torch import Tensor

    from pdefreq.core.shapes import Points
    from pdefreq.domains.geometry.strips import Outline
    from pdefreq.domains.meshes.planar_mesh import Loop
    from pdefreq.problem.toml_tables import DomainTable


_DIMENSION = dimension_key(2, default=2)


@dataclass(frozen=True)
class Ring(Domain):
    """The open ring or shell ``inner < |x - midpoint| < outer``, in two or more dimensions.

    Args:
        midpoint: The center, one coordinate for each dimension.
        inner: The inner radius, above zero.
        outer: The outer radius, above the inner one.

    Raises:
        DomainError: If the midpoint has fewer than two coordinates or is not finite, or the radii are not in order.
    """

    keys: ClassVar[tuple[str, ...]] = (
        _DIMENSION,
        Key("midpoint", PerAxis(), "the center", default=0, examples=([0, 0],)),
        Key("inner", Number(above=0), "the inner radius", examples=(1,)),
        Key("outer", Number(above=0), "the outer radius, above the inner one", examples=(2,)),
    )
    example: ClassVar[Mapping[str, Any]] = {"midpoint": [0.5, 0], "inner": 1, "outer": 3}
    midpoint: tuple[float, ...]
    inner: float
    outer: float

    def __post_init__(self) -> None:
        check_midpoint(self.midpoint, "ring")
        if len(self.midpoint) < 2:
            raise DomainError("[domain] a ring must have at least two dimensions, got a midpoint with 1 number")
        numbers((self.inner, self.outer), "the radii of a ring")
        if not 0 < self.inner < self.outer < math.inf:
            raise DomainError(f"[domain] a ring needs 0 < inner < outer, got inner = {self.inner:g}, outer = {self.outer:g}")

    @classmethod
    def from_table(cls, table: DomainTable) -> Self:
        table = table.sized(_DIMENSION)
        return cls(table.read("midpoint"), table.read("inner"), table.read("outer"))

    @property
    def dimension(self) -> int:
        return len(self.midpoint)

    @property
    def measure(self) -> float:
        return rules.ball_volume(self.dimension) * (self.outer**self.dimension - self.inner**self.dimension)

    @property
    def bounds(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        return Ball(self.midpoint, self.outer).bounds

    @property
    def title(self) -> str:
        return f"{'ring' if self.dimension == 2 else 'shell'} between the radii {self.inner:g} and {self.outer:g}"

    @property
    def part_names(self) -> tuple[str, ...]:
        return ("inner", "outer")

    def contains(self, x: Points) -> Tensor:
        r, slack = (x - x.new_tensor(self.midpoint)).norm(dim=1), rounding(x, self.midpoint, self.inner)
        return (r >= self.inner * (1 - slack)) & (r <= self.outer * (1 + slack))

    def quadrature(self, n: int) -> Samples:
        return shell_samples(self.midpoint, self.inner, self.outer, n, self.measure)

    def interior(self, n: int, stream: torch.Generator, *, sobol: bool = False) -> Samples:
        x = rules.shell_points(self.dimension, self.inner, self.outer, n, stream, sobol=sobol)
        return Samples(place(self.midpoint, x), torch.full((n,), self.measure / n, dtype=torch.float64))

    def boundary(self, n: int, stream: torch.Generator | None = None) -> Samples:
        """Points with half of them on each circle or sphere, so that a small hole is represented."""
        inner = sphere_samples(self.midpoint, self.inner, max(1, n // 2), stream)
        assert inner.normals is not None
        outer = sphere_samples(self.midpoint, self.outer, max(1, n // 2), stream)
        return joined([replace(inner, normals=-inner.normals), outer])

    def distance(self) -> Field:
        """The smooth function (r^2 - inner^2)(outer^2 - r^2), scaled to a maximum of 1; it is negative outside."""
        return CallableField(self._level, self._level_gradient)

    def distance_from(self, parts: Collection[str]) -> Field:
        """The function `distance`, or a function that is linear in r^2."""
        if {*parts} == {*self.part_names}:
            return self.distance()
        return CallableField(functools.partial(self._one_sided, at_inner="inner" in parts))

    def _one_sided(self, x: Tensor, *, at_inner: bool) -> Tensor:
        a, b = self.inner**2, self.outer**2
        s = (x - x.new_tensor(self.midpoint)).square().sum(dim=1)
        return (s - a if at_inner else b - s) / (b - a)

    def _level(self, x: Tensor) -> Tensor:
        a, b = self.inner**2, self.outer**2
        s = (x - x.new_tensor(self.midpoint)).square().sum(dim=1)
        return (2 / (b - a)) ** 2 * (s - a) * (b - s)

    def _level_gradient(self, x: Tensor) -> Tensor:
        a, b = self.inner**2, self.outer**2
        y = x - x.new_tensor(self.midpoint)
        s = y.square().sum(dim=1, keepdim=True)
        return (2 / (b - a)) ** 2 * (a + b - 2 * s) * 2 * y

    def lifting(self, g: Field) -> Field:
        return self.lifting_from(dict.fromkeys(self.part_names, g))

    def lifting_from(self, values: Mapping[str, Field]) -> Field:
        """The interpolant along rays, linear in r^2, between the values on the inner and the outer boundary.

        From one of them alone, the values are constant along rays.
        """
        one = only_one(values)
        if one is not None and one.constant is not None:
            return ConstantField(one.constant)
        return CallableField(functools.partial(self._lifted, values.get("inner"), values.get("outer")))

    def can_lift(self, values: Mapping[str, Field]) -> bool:
        """Whether values are given on one of the parts, or on both."""
        return bool(values)

    def _lifted(self, inner: Field | None, outer: Field | None, x: Tensor) -> Tensor:
        near, r = radial(x, self.midpoint, (self.inner,) * self.dimension)
        far, _ = radial(x, self.midpoint, (self.outer,) * self.dimension)
        if inner is None or outer is None:
            return outer(far) if outer is not None else inner(near)  # pyright: ignore[reportOptionalCall]
        share = ((r * self.inner) ** 2 - self.inner**2) / (self.outer**2 - self.inner**2)
        return (1 - share) * inner(near) + share * outer(far)

    def loops(self, h: float) -> list[Loop] | None:
        from pdefreq.domains.meshes.planar_mesh import Loop

        if self.dimension != 2:
            return None
        parts = ((self.outer, "outer"), (self.inner, "inner"))
        return [Loop.of_ellipse(self.midpoint, (radius, radius), h, part) for radius, part in parts]

    def meshed(self, h: float) -> Mesh:
        """In the plane a structured mesh, see `ring_mesh`."""
        if self.dimension != 2:
            return super().meshed(h)
        from pdefreq.domains.meshes.ring_mesh import ring_mesh

        return ring_mesh(self.midpoint, self.inner, self.outer, h)

    def onto_boundary(self, part: str, x: np.ndarray) -> np.ndarray:
        return onto_ellipsoid(x, self.midpoint, (self.inner if part == "inner" else self.outer,) * self.dimension)

    def normal(self, part: str) -> list[Expr]:
        from pdefreq.domains.geometry.normals import radial

        return radial(self.midpoint, (1.0,) * self.dimension, -1 if part == "inner" else 1)

    def cad(self, occ: Any) -> list[tuple[int, int]]:
        around, middle = self._balls
        return occ.cut(around.cad(occ), middle.cad(occ))[0]

    def holds(self, hole: Domain) -> bool:
        """Whether the set is in the outer ball and disjoint from the inner one."""
        around, middle = self._balls
        return around.holds(hole) and hole.is_apart_from(middle)

    def outline(self) -> Outline:
        around, middle = self._balls
        return around.outline() + middle.outline()

    @property
    def _balls(self) -> tuple[Ball, Ball]:
        """The outer ball and the inner one, which is the hole."""
        return Ball(self.midpoint, self.outer), Ball(self.midpoint, self.inner)
