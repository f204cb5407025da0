"""Domains with holes."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch

from pdefreq.core.errors import DomainError, ProblemFileError
from pdefreq.core.fields import ConstantField, Field
from pdefreq.core.file_io import csv_rows, is_number
from pdefreq.core.streams import stream as named_stream
from pdefreq.domains.ball import Ball
from pdefreq.domains.domain import Domain, only_one
from pdefreq.domains.geometry import strips
from pdefreq.domains.geometry.shells import joined
from pdefreq.domains.geometry.solids import DistanceWithHoles, Holes, LiftingWithHoles, holes_of
from pdefreq.domains.mesh_domain import MeshDomain
from pdefreq.domains.samples import Samples

if TYPE_CHECKING:
    from skfem import Mesh
    from sympy import Expr
    from torch import Tensor

    from pdefreq.core.shapes import Points
    from pdefreq.domains.geometry.strips import Outline
    from pdefreq.domains.meshes.planar_mesh import Loop

_MOST = 100_000  # largest number of holes in a file
_ROUNDING = 1e-12  # relative size of rounding errors
_FITS = 1e-6  # tolerance for a distance function that is about 1 in the middle: mesh files have seven digits or more


@dataclass(frozen=True)
class WithHoles(Domain):
    """A domain from which closed sets are removed; the parts are those of the base, then ``hole-1``, ``hole-2``, ...

    Args:
        base: The domain without holes.
        holes: Disjoint shapes inside it that are allowed as holes.
        triangulation: A mesh of the domain for finite elements, with boundaries named as the parts. By default one is generated,
            in space by gmsh.

    Raises:
        DomainError: If a shape can't be a hole, has another dimension, reaches the boundary of the base, or touches another
            hole; or if the triangulation is not a mesh of this domain.
    """

    content_type: ClassVar[str] = "with-holes"
    base: Domain
    holes: tuple[Domain, ...]
    triangulation: MeshDomain | None = None

    def __post_init__(self) -> None:
        for k, hole in enumerate(self.holes):
            if not hole.can_be_hole:
                raise DomainError(f"{self._named(k)} has a shape that can't be a hole; give a mesh of the domain instead")
            if hole.dimension != self.dimension:
                raise DomainError(f"{self._named(k)} has dimension {hole.dimension}, but the domain has {self.dimension}")
            if not self.base.holds(hole):
                raise DomainError(f"{self._named(k)} leaves the domain or touches its boundary; move or shrink it")
        for i, j in _close_pairs(self.holes):
            if not self.holes[i].is_apart_from(self.holes[j]):
                raise DomainError(f"{self._named(i)} and {self._named(j)} touch; move one, or shrink it")
        if self.triangulation is not None:
            self._check_triangulation(self.triangulation)

    @property
    def dimension(self) -> int:
        return self.base.dimension

    @property
    def measure(self) -> float:
        return self.base.measure - math.fsum(hole.measure for hole in self.holes)

    @property
    def bounds(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        return self.base.bounds

    @property
    def title(self) -> str:
        return f"{self.base.title} with {len(self.holes)} hole{'s' * (len(self.holes) != 1)}"

    @property
    def part_names(self) -> tuple[str, ...]:
        return (*self.base.part_names, *(f"hole-{k + 1}" for k in range(len(self.holes))))

    def contains(self, x: Points) -> Tensor:
        return self.base.contains(x) & self._solids.leave_out(x)

    def quadrature(self, n: int) -> Samples:
        """In the plane, Gauss points on curved strips between the holes, many for many holes; otherwise a fixed Sobol set."""
        if (outline := self.outline()) is not None:
            return strips.quadrature(outline, self.measure, n)
        return self.interior(n, named_stream(0, "quadrature"), sobol=True)

    def interior(self, n: int, stream: torch.Generator, *, sobol: bool = False) -> Samples:
        """Points of the base, except those in holes."""
        tries, x = n, torch.empty(0, self.dimension, dtype=torch.float64)
        while len(x) < n:
            tries = math.ceil(1.1 * tries * self.base.measure / self.measure)
            x = self.base.interior(tries, stream, sobol=sobol).x
            x = x[self.contains(x)]
        return Samples(x[:n], torch.full((n,), self.measure / n, dtype=torch.float64))

    def boundary(self, n: int, stream: torch.Generator | None = None) -> Samples:
        """Points with equal numbers on all parts, so that small holes are represented."""
        share, faces = max(1, n // len(self.part_names)), len(self.base.part_names)
        outer = self.base.boundary(share * faces, stream)
        assert outer.normals is not None and outer.parts is not None
        if not self.holes:
            return outer
        edges = [hole.boundary(share, stream) for hole in self.holes]
        holes = joined([replace(edge, normals=-edge.normals) for edge in edges if edge.normals is not None])
        assert holes.normals is not None and holes.parts is not None
        return Samples(
            torch.cat([outer.x, holes.x]),
            torch.cat([outer.weights, holes.weights]),
            torch.cat([outer.normals, holes.normals]),
            torch.cat([outer.parts, faces + holes.parts]),
        )

    def distance(self) -> Field:
        return self.distance_from(self.part_names)

    def distance_from(self, parts: Collection[str]) -> Field:
        """The combination of the base's distance function and those of the holes; see `DistanceWithHoles`.

        Where the function vanishes on no part of the base, the distance function of the base is replaced by 1.
        """
        outer, holes = self._separated(parts)
        base = self.base.distance_from(outer) if outer else ConstantField(1.0)
        return DistanceWithHoles(base, self._size, self._solids_of(holes)) if holes else base

    def lifting(self, g: Field) -> Field:
        return self.lifting_from(dict.fromkeys(self.part_names, g))

    def lifting_from(self, values: Mapping[str, Field]) -> Field:
        """The base's lifting, blended with the values at nearby boundary points of the holes; see `LiftingWithHoles`.

        Where no values are given on the base, its lifting is replaced by the mean of the values on the holes.
        """
        one = only_one(values)
        if one is not None and one.constant is not None:
            return ConstantField(one.constant)
        outer, holes = self._separated(values)
        base = (
            self.base.lifting_from({name: values[name] for name in outer})
            if outer
            else ConstantField(self._mean_on(holes, values))
        )
        if not holes:
            return base
        level = self.base.distance_from(outer) if outer else ConstantField(1.0)
        on_holes = [values[f"hole-{k + 1}"] for k in holes] if one is None else one
        reach = (self.measure / len(self.holes)) ** (1 / self.dimension)
        return LiftingWithHoles(on_holes, base, level, self._size, self._solids_of(holes), reach)

    def can_lift(self, values: Mapping[str, Field]) -> bool:
        """Whether the base has a lifting of the values on its parts, or there are values on holes only."""
        outer, holes = self._separated(values)
        return self.base.can_lift({name: values[name] for name in outer}) if outer else bool(holes)

    def _separated(self, parts: Collection[str]) -> tuple[list[str], list[int]]:
        """The named parts of the base, and the indices of the holes among the parts."""
        named = {*parts}
        holes = [k for k in range(len(self.holes)) if f"hole-{k + 1}" in named]
        return [name for name in self.base.part_names if name in named], holes

    def _solids_of(self, holes: Sequence[int]) -> Holes:
        if len(holes) == len(self.holes):
            return self._solids
        return holes_of([self.holes[k] for k in holes], self.dimension)

    def _mean_on(self, holes: Sequence[int], values: Mapping[str, Field]) -> float:
        """The mean over some holes of the mean of the values on each."""
        return math.fsum(self.holes[k].boundary_mean(values[f"hole-{k + 1}"]) for k in holes) / len(holes)

    @property
    def is_straight(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Whether the base and all holes are straight."""
        return self.base.is_straight and all(hole.is_straight for hole in self.holes)

    @property
    def own_mesh(self) -> Mesh | None:
        return None if self.triangulation is None else self.triangulation.mesh

    def loops(self, h: float) -> list[Loop] | None:
        """The curves of the base and those of the holes in the plane, if all of them are known."""
        from pdefreq.domains.meshes.planar_mesh import Loop

        found = self.base.loops(h)
        for k, hole in enumerate(self.holes):
            own = hole.loops(h)
            if found is None or own is None:
                return None
            found = [*found, *(Loop(loop.corners, (f"hole-{k + 1}",) * len(loop.parts)) for loop in own)]
        return found

    def onto_boundary(self, part: str, x: np.ndarray) -> np.ndarray:
        hole = self._hole(part)
        return self.base.onto_boundary(part, x) if hole is None else hole.onto_boundary(part, x)

    def normal(self, part: str) -> list[Expr] | None:
        from pdefreq.domains.geometry.normals import opposite

        hole = self._hole(part)
        if hole is None:
            return self.base.normal(part)
        return opposite(hole.normal(hole.part_names[0])) if len(hole.part_names) == 1 else None

    def cad(self, occ: Any) -> list[tuple[int, int]]:
        solid = self.base.cad(occ)
        return occ.cut(solid, [tag for hole in self.holes for tag in hole.cad(occ)])[0] if self.holes else solid

    def outline(self) -> Outline | None:
        if self.dimension != 2:
            return None
        outlines = [shape.outline() for shape in (self.base, *self.holes)]
        known = [outline for outline in outlines if outline is not None]
        return sum(known[1:], start=known[0]) if len(known) == len(outlines) else None

    def _hole(self, part: str) -> Domain | None:
        """The hole of a part; None for a part of the base."""
        return self.holes[int(part.removeprefix("hole-")) - 1] if part.startswith("hole-") else None

    @property
    def _size(self) -> float:
        """The factor, a length, that converts the base's distance function, about 1 in the middle, to a distance."""
        return min(b - a for a, b in zip(*self.bounds, strict=True)) / 4

    @cached_property
    def _solids(self) -> Holes:
        return holes_of(self.holes, self.dimension)

    def _check_triangulation(self, mesh: MeshDomain) -> None:
        if mesh.dimension != self.dimension or {*mesh.part_names} != {*self.part_names}:
            raise DomainError(
                f"the mesh of a {self.title} must name its boundaries {', '.join(self.part_names)}, "
                f"got {', '.join(mesh.part_names)} in dimension {mesh.dimension}"
            )
        for k, name in enumerate(self.part_names, -len(self.base.part_names)):
            x = torch.from_numpy(mesh.vertices(name))
            level = self.base.distance()(x) if k < 0 else self._solids.levels(x)[:, k]
            off = x[level.abs() > _FITS]
            if len(off):
                at = ", ".join(f"{v:g}" for v in off[0].tolist())
                raise DomainError(f"the mesh does not fit the {self.title}: ({at}) is not on the boundary, but on its '{name}'")

    def _named(self, k: int) -> str:
        hole = self.holes[k]
        at = ", ".join(f"{(a + b) / 2:g}" for a, b in zip(*hole.bounds, strict=True))
        return f"hole-{k + 1} ({type(hole).__name__.lower()} at {at})"


def holes_from_csv(path: str | Path, dimension: int) -> tuple[Ball, ...]:
    """The balls listed in a file. Each row has the coordinates of the midpoint, then the radius.

    Args:
        path: A comma-separated file; lines that begin with ``#`` and a heading are skipped.
        dimension: The dimension of the domain.

    Raises:
        DomainError: If the file can't be read or has no rows, or a row is not coordinates and a positive radius.
    """
    _, rows = csv_rows(Path(path), "holes", _MOST)
    if not rows:
        raise DomainError(f"{path} lists no holes; give one per row, {dimension} coordinates and the radius")
    balls = []
    for line, row in rows:
        if len(row) != dimension + 1 or not all(map(is_number, row)):
            got = ",".join(row)[:80]
            raise DomainError(f"{path}, line {line}: expected {dimension} coordinates and a radius, got '{got}'")
        *midpoint, radius = map(float, row)
        try:
            balls.append(Ball(tuple(midpoint), radius))
        except ProblemFileError as error:
            raise DomainError(f"{path}, line {line}: {str(error).removeprefix('[domain] ')}") from None
    return tuple(balls)


def _close_pairs(holes: tuple[Domain, ...]) -> list[tuple[int, int]]:
    """The pairs whose bounding boxes meet, up to rounding; only these need an accurate test."""
    if len(holes) < 2:
        return []
    lower, upper = (np.array([hole.bounds[end] for hole in holes]) for end in (0, 1))
    slack = _ROUNDING * np.abs([lower, upper]).max()
    meet = (lower[:, None] <= upper + slack).all(axis=2)
    first, second = np.nonzero(np.triu(meet & meet.T, 1))
    return list(zip(first.tolist(), second.tolist(), strict=True))
