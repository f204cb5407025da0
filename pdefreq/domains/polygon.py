"""Polygons in the plane."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import torch

from pdefreq.core.errors import DomainError
from pdefreq.core.fields import ConstantField, Field
from pdefreq.core.number_kinds import PointList
from pdefreq.core.table_keys import Key
from pdefreq.domains.domain import Domain, dimension_key, only_one
from pdefreq.domains.geometry import rules
from pdefreq.domains.geometry.convex_polygon import ConvexPolygon
from pdefreq.domains.geometry.in_pieces import pieces
from pdefreq.domains.geometry.lifting import FromFacets
from pdefreq.domains.geometry.mean_value import OutsideDistance, SmoothedDistance
from pdefreq.domains.geometry.numbers import numbers, sequence
from pdefreq.domains.geometry.shells import joined
from pdefreq.domains.geometry.simple_polygon import check_simple, signed_area
from pdefreq.domains.meshes.polygon_mesh import Units, divided, triangulated
from pdefreq.domains.meshes.simplices import gauss, measures_of, quartered, random
from pdefreq.domains.samples import Samples

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Points
    from pdefreq.domains.geometry.strips import Outline
    from pdefreq.domains.meshes.planar_mesh import Loop
    from pdefreq.problem.toml_tables import DomainTable

_FEW = 8  # largest number of sides for which the product of their distances is large enough in the middle
_LEAST_TURN = 1e-3  # sine of the angle between sides at a corner; for collinear sides a product vanishes too fast
_COARSE = 4  # triangles along the side of a square of the same area, for sets of points
_POINTS = 6  # least number of points of a Gauss rule in a triangle
_ROUNDINGS = 64


_DIMENSION = dimension_key(2, 2, default=2)


@dataclass(frozen=True)
class Polygon(Domain):
    """The interior of a polygon whose sides meet only at their common corners.

    Its parts are the sides ``edge-1`` ... ``edge-n``: side k leads from point k to the next, and the last back to the first.

    Args:
        points: The corners in the order of the boundary, in either direction, shape ``(n, 2)``.

    Raises:
        DomainError: If there are fewer than three points, they are not finite points of the plane, two are the same, or
            sides cross or touch.
    """

    keys: ClassVar[tuple[str, ...]] = (
        Key(
            "points",
            PointList(),
            "the corners in the order of the boundary; side k, `edge-k`, begins at corner k",
            examples=([[0, 0], [2, 0], [2, 1], [1, 1], [1, 2], [0, 2]],),
        ),
    )
    example: ClassVar[Mapping[str, Any]] = {"points": [[0, 0], [2, 0], [2, 1], [1, 1], [1, 3], [0, 3]]}
    can_be_hole: ClassVar[bool] = True
    is_straight: ClassVar[bool] = True

    points: tuple[tuple[float, ...], ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "points", tuple(numbers(point, "points") for point in sequence(self.points, "points")))
        if any(len(point) != 2 for point in self.points):
            raise DomainError("[domain] points of a polygon must have two coordinates each, such as [[0, 0], [1, 0], [0, 1]]")
        check_simple(self._points)

    @classmethod
    def from_table(cls, table: DomainTable) -> Self:
        return cls(table.sized(_DIMENSION).read("points"))

    @property
    def dimension(self) -> int:
        return 2

    @property
    def measure(self) -> float:
        return abs(signed_area(self._points))

    @property
    def bounds(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        return tuple(self._points.min(axis=0).tolist()), tuple(self._points.max(axis=0).tolist())

    @property
    def title(self) -> str:
        count = len(self.points)
        return {3: "triangle", 4: "quadrilateral"}.get(count, f"polygon with {count} sides")

    @property
    def part_names(self) -> tuple[str, ...]:
        return tuple(f"edge-{k + 1}" for k in range(len(self.points)))

    @property
    def corners(self) -> tuple[tuple[float, ...], ...]:
        return self.points

    def contains(self, x: Points) -> Tensor:
        """Tested by the parity of the number of sides to the right of a point; the domain includes its sides."""
        a, b = (ends.to(x) for ends in self._sides.unbind(dim=1))
        size = float(np.abs(self._points).max())
        slack = _ROUNDINGS * torch.finfo(x.dtype).eps * size

        def inside(x: Points) -> Tensor:
            offset, along = x[:, None] - a, b - a
            above = (a[:, 1] > x[:, None, 1]) != (b[:, 1] > x[:, None, 1])
            share = offset[..., 1] / torch.where(above, along[:, 1], 1.0)
            right = offset[..., 0] < share * along[:, 0]
            return ((above & right).sum(dim=1) % 2 == 1) | (self._gaps(x) <= slack).any(dim=1)

        return torch.cat([inside(piece) for piece in pieces(x, len(self.points))])

    def quadrature(self, n: int) -> Samples:
        """The same Gauss rule on every triangle of a coarse mesh, whose triangles are quartered as `n` grows."""
        corners = self._triangles
        while 4 * len(corners) * _POINTS <= n:
            corners = quartered(corners)
        return Samples(*gauss(corners, measures_of(corners), n))

    def interior(self, n: int, stream: torch.Generator, *, sobol: bool = False) -> Samples:
        x, _ = random(self._triangles, measures_of(self._triangles), rules.unit_cube(n, 3, stream, sobol=sobol).numpy())
        return Samples(x, torch.full((n,), self.measure / n, dtype=torch.float64))

    def boundary(self, n: int, stream: torch.Generator | None = None) -> Samples:
        """Points with equal numbers on all sides, so that short sides are represented."""
        share = max(1, n // len(self.points))
        samples = []
        for (a, b), normal in zip(self._sides, self._normals, strict=True):
            if stream is None:
                place, weights = (torch.from_numpy(column) for column in rules.gauss(0.0, 1.0, max(2, share)))
            else:
                place = torch.rand(share, generator=stream, dtype=torch.float64)
                weights = torch.full((share,), 1 / share, dtype=torch.float64)
            samples.append(Samples(a + place[:, None] * (b - a), weights * (b - a).norm(), normal.expand(len(place), 2)))
        return joined(samples)

    def distance(self) -> Field:
        return self.distance_from(self.part_names)

    def distance_from(self, parts: Collection[str]) -> Field:
        """For a convex polygon with at most eight sides, a polynomial that is 1 at the mean of its corners; see `ConvexPolygon`.

        Otherwise the mean value distance, smoothed at the corners, with a maximum of about 1; see `SmoothedDistance`.
        """
        if self._convex_polygon is not None:
            return self._convex_polygon.distance([self.part_names.index(name) for name in parts])
        largest = float(SmoothedDistance(self._sides, self._normals)(self._middles).max())
        return SmoothedDistance(self._sides, self._normals, 1 / largest)

    def lifting(self, g: Field) -> Field:
        return self.lifting_from(dict.fromkeys(self.part_names, g))

    def lifting_from(self, values: Mapping[str, Field]) -> Field:
        """For a convex polygon with at most eight sides, a smooth lifting; see `ConvexPolygon`.

        Otherwise a weighted mean of the values at the nearest point of each side; see `FromFacets`.
        """
        one = only_one(values)
        if one is not None and one.constant is not None:
            return ConstantField(one.constant)
        if self._convex_polygon is not None:
            return self._convex_polygon.lifting([values.get(name) for name in self.part_names])
        return FromFacets([values[name] for name in self.part_names] if one is None else one, self._sides)

    def can_lift(self, values: Mapping[str, Field]) -> bool:
        """Whether values are given on all sides, or on some sides of a convex polygon with at most eight."""
        return bool(values) and (self._convex_polygon is not None or {*values} == {*self.part_names})

    def loops(self, h: float) -> list[Loop]:
        from pdefreq.domains.meshes.planar_mesh import Loop

        return [Loop(self._points, self.part_names)]

    def cad(self, occ: Any) -> list[tuple[int, int]]:
        corners = [occ.addPoint(*point, 0) for point in self.points]
        lines = [occ.addLine(a, b) for a, b in zip(corners, corners[1:] + corners[:1], strict=True)]
        return [(2, occ.addPlaneSurface([occ.addCurveLoop(lines)]))]

    def outside(self) -> Field:
        return OutsideDistance(self._sides, self._normals)

    def nearest(self, x: Points) -> Points:
        return self._feet(x)[torch.arange(len(x), device=x.device), self._gaps(x).argmin(dim=1)]

    @property
    def straight_sides(self) -> Tensor:
        return self._sides

    def outline(self) -> Outline:
        from pdefreq.domains.geometry.strips import Arc, Outline

        xs = sorted({x for x, _ in self.points})

        def arcs(a: tuple[float, ...], b: tuple[float, ...]) -> Iterable[Arc]:
            slope = (b[1] - a[1]) / (b[0] - a[0])
            ends = [x for x in xs if min(a[0], b[0]) <= x <= max(a[0], b[0])]
            return (Arc(left, right, lambda x: a[1] + slope * (x - a[0])) for left, right in zip(ends, ends[1:], strict=False))

        sides = zip(self.points, self.points[1:] + self.points[:1], strict=True)
        return Outline(tuple(arc for a, b in sides if a[0] != b[0] for arc in arcs(a, b)))

    @cached_property
    def _points(self) -> np.ndarray:
        return np.array(self.points).reshape(-1, 2)

    @cached_property
    def _sides(self) -> Tensor:
        """The ends of the sides, shape ``(n, 2, 2)``: side, end, coordinate."""
        return torch.from_numpy(np.stack([self._points, np.roll(self._points, -1, axis=0)], axis=1))

    @cached_property
    def _normals(self) -> Tensor:
        """The outward unit normals of the sides, shape ``(n, 2)``."""
        along = self._sides[:, 1] - self._sides[:, 0]
        right = torch.stack([along[:, 1], -along[:, 0]], dim=1)
        return math.copysign(1, signed_area(self._points)) * right / right.norm(dim=1, keepdim=True)

    @cached_property
    def _convex_polygon(self) -> ConvexPolygon | None:
        """The polygon as a `ConvexPolygon`; None if it is not convex, has too many sides, or has collinear sides at a corner."""
        before, after = self._normals.roll(1, dims=0), self._normals
        turns = math.copysign(1, signed_area(self._points)) * (before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0])
        if len(self.points) > _FEW or float(turns.min()) < _LEAST_TURN:
            return None
        return ConvexPolygon(self._sides[:, 0], self._normals)

    @cached_property
    def _triangles(self) -> np.ndarray:
        """The vertices of the triangles of a coarse mesh, shape ``(triangles, 3, 2)``."""
        h = math.sqrt(self.measure) / _COARSE
        units = Units.of(self._points)
        p, t = triangulated([divided(self._points, h, units)[0]], h, units)
        return p.T[t.T]

    @property
    def _middles(self) -> Points:
        """Points distributed over the polygon."""
        return torch.from_numpy(self._triangles.mean(axis=1))

    def _feet(self, x: Points) -> Tensor:
        """The nearest point on each side, shape ``(n, sides, 2)``."""
        a, b = (ends.to(x) for ends in self._sides.unbind(dim=1))
        along = b - a
        place = ((x[:, None] - a) * along).sum(dim=2) / along.square().sum(dim=1)
        return a + place.clamp(0, 1)[..., None] * along

    def _gaps(self, x: Points) -> Tensor:
        """The distance from each side, shape ``(n, sides)``."""
        return (x[:, None] - self._feet(x)).norm(dim=2)
