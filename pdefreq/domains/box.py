"""Boxes in any dimension."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pdefreq.core.errors import DomainError
from pdefreq.core.fields import CallableField, ConstantField, Field
from pdefreq.core.number_kinds import PerAxis
from pdefreq.core.shapes import axis_names
from pdefreq.core.table_keys import Key
from pdefreq.domains.domain import Domain, dimension_key, only_one
from pdefreq.domains.geometry.numbers import numbers
from pdefreq.domains.samples import Samples

if TYPE_CHECKING:
    import numpy as np
    import torch
    from skfem import Mesh
    from torch import Tensor

    from pdefreq.core.shapes import Points
    from pdefreq.domains.geometry.convex import Convex
    from pdefreq.domains.geometry.strips import Outline
    from pdefreq.domains.meshes.planar_mesh import Loop
    from pdefreq.problem.toml_tables import DomainTable


_DIMENSION = dimension_key(1, default=1)


@dataclass(frozen=True)
class Box(Domain):
    """The open box ``lower[k] < x[k] < upper[k]``.

    Args:
        lower: The lower bounds, one for each dimension; a number for an interval.
        upper: The upper bounds, each above its lower bound.

    Raises:
        DomainError: If the bounds are not finite, differ in number, or are not in order.
    """

    keys: ClassVar[tuple[str, ...]] = (
        _DIMENSION,
        Key("lower", PerAxis(), "lower ends of the sides", examples=([0, 0],)),
        Key("upper", PerAxis(), "upper ends of the sides, above the lower ones", examples=([1, 1],)),
    )
    example: ClassVar[Mapping[str, Any]] = {"lower": [0, -1], "upper": [2, 1]}
    can_be_hole: ClassVar[bool] = True
    is_straight: ClassVar[bool] = True
    lower: tuple[float, ...]
    upper: tuple[float, ...]

    if TYPE_CHECKING:

        def __init__(self, lower: float | Sequence[float], upper: float | Sequence[float]) -> None: ...

    def __post_init__(self) -> None:
        for name in ("lower", "upper"):  # in one dimension a number is accepted
            bounds = getattr(self, name)
            object.__setattr__(self, name, numbers((bounds,) if isinstance(bounds, (int, float)) else bounds, name))
        if len(self.lower) != len(self.upper) or not self.lower:
            raise DomainError(
                f"a box needs as many upper as lower bounds, at least one, got {len(self.lower)} lower, {len(self.upper)} upper"
            )
        for k, (a, b) in enumerate(zip(self.lower, self.upper, strict=True)):
            if not (math.isfinite(a) and math.isfinite(b) and a < b):
                raise DomainError(f"[domain] lower must be below upper in dimension {k + 1}, got lower = {a:g}, upper = {b:g}")

    @classmethod
    def from_table(cls, table: DomainTable) -> Self:
        table = table.sized(_DIMENSION)
        return cls(table.read("lower"), table.read("upper"))

    @property
    def dimension(self) -> int:
        return len(self.lower)

    @property
    def lengths(self) -> tuple[float, ...]:
        """The side lengths."""
        return tuple(b - a for a, b in zip(self.lower, self.upper, strict=True))

    @property
    def measure(self) -> float:
        return math.prod(self.lengths)

    @property
    def part_names(self) -> tuple[str, ...]:
        return tuple(f"{axis}-{end}" for axis in axis_names(self.dimension) for end in ("min", "max"))

    @property
    def opposite_sides(self) -> Mapping[str, tuple[int, int]]:
        return {axis: (2 * k, 2 * k + 1) for k, axis in enumerate(axis_names(self.dimension))}

    @property
    def bounds(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        return self.lower, self.upper

    @property
    def title(self) -> str:
        """The kind of box and its sides, as a power if all sides are equal."""
        d, sides = self.dimension, [f"({a:g}, {b:g})" for a, b in zip(self.lower, self.upper, strict=True)]
        if d == 1:
            return f"interval {sides[0]}"
        if len({*sides}) == 1:
            return f"{'square' if d == 2 else 'cube'} {sides[0]}^{d}"
        return f"{'rectangle' if d == 2 else 'box'} {' x '.join(sides)}"

    def contains(self, x: Points) -> Tensor:
        return ((x >= x.new_tensor(self.lower)) & (x <= x.new_tensor(self.upper))).all(dim=1)

    def opposite(self, x: Points) -> Points:
        """The opposite points of points on sides, ``(n, d)``."""
        import torch

        lower, upper = x.new_tensor(self.lower), x.new_tensor(self.upper)
        return torch.where(x == lower, upper, torch.where(x == upper, lower, x))

    def quadrature(self, n: int) -> Samples:
        from pdefreq.domains.geometry.tensor_rules import full_panels, tensor_product

        return Samples(
            *tensor_product([full_panels(a, b, self._per_axis(n)) for a, b in zip(self.lower, self.upper, strict=True)])
        )

    def trapezoidal(self, intervals: Sequence[int]) -> Samples:
        """The nodes of a uniform grid with these numbers of intervals, in C order, with the weights of the trapezoidal rule."""
        from pdefreq.domains.geometry.tensor_rules import tensor_product, trapezoidal

        sides = zip(self.lower, self.upper, intervals, strict=True)
        return Samples(*tensor_product([trapezoidal(a, b, n) for a, b, n in sides]))

    def interior(self, n: int, stream: torch.Generator, *, sobol: bool = False) -> Samples:
        from pdefreq.domains.geometry.rules import unit_cube

        unit = unit_cube(n, self.dimension, stream, sobol=sobol)
        x = unit.new_tensor(self.lower) + unit * unit.new_tensor(self.lengths)
        return Samples(x, unit.new_full((n,), self.measure / n))

    def boundary(self, n: int, stream: torch.Generator | None = None) -> Samples:
        import torch

        faces = [self._face(k, end, n, stream) for k in range(self.dimension) for end in (0, 1)]
        return Samples(
            torch.cat([f.x for f in faces]),
            torch.cat([f.weights for f in faces]),
            torch.cat([f.normals for f in faces if f.normals is not None]),
            torch.cat([f.parts for f in faces if f.parts is not None]),
        )

    def distance(self) -> Field:
        return self.distance_from(self.part_names)

    def distance_from(self, parts: Collection[str]) -> Field:
        """The product of the distances from sides, with a largest value of 1."""
        from pdefreq.domains.geometry.side_product import gradient_of_product, product

        ends = self._ends(parts)
        sides = [(k, self.lower[k] if 0 in of else None, self.upper[k] if 1 in of else None) for k, of in ends.items()]
        scale = math.prod((2 / self.lengths[k]) ** 2 if len(of) == 2 else 1 / self.lengths[k] for k, of in ends.items())
        return CallableField(functools.partial(product, sides, scale), functools.partial(gradient_of_product, sides, scale))

    def lifting(self, g: Field) -> Field:
        return self.lifting_from(dict.fromkeys(self.part_names, g))

    def lifting_from(self, values: Mapping[str, Field]) -> Field:
        """The transfinite interpolant of values g on faces (Gordon and Hall, 1973): 1 - prod_k (1 - P_k) applied to g.

        The projection P_k is linear along axis k between the values on two opposite sides, or the value on the only side with
        values, constant along axis k. At corners and edges the values of different sides must agree.

        Raises:
            IncompatibleError: If varying values are given on the sides across more than eight axes.
        """
        one = only_one(values)
        if one is not None and one.constant is not None:
            return ConstantField(one.constant)
        from pdefreq.domains.geometry.transfinite import transfinite

        names, ends = self.part_names, self._ends(values)
        return transfinite({(k, end): values[names[2 * k + end]] for k, of in ends.items() for end in of}, self.lower, self.upper)

    def can_lift(self, values: Mapping[str, Field]) -> bool:
        """Whether values are given on some of the sides."""
        return bool(values)

    def _ends(self, parts: Collection[str]) -> dict[int, tuple[int, ...]]:
        """The axes across which there are sides with one of the names, and the ends of these axes: 0 for lower, 1 for upper."""
        names = self.part_names
        ends = {k: tuple(end for end in (0, 1) if names[2 * k + end] in parts) for k in range(self.dimension)}
        return {k: of for k, of in ends.items() if of}

    def loops(self, h: float) -> list[Loop] | None:
        import numpy as np

        from pdefreq.domains.meshes.planar_mesh import Loop

        if self.dimension != 2:
            return None
        (left, bottom), (right, top) = self.lower, self.upper
        corners = np.array([[left, bottom], [right, bottom], [right, top], [left, top]])
        return [Loop(corners, ("y-min", "x-max", "y-max", "x-min"))]

    def meshed(self, h: float) -> Mesh:
        """Each side is divided uniformly; squares are cut into two triangles and cubes into six tetrahedra."""
        import numpy as np
        from skfem import MeshLine, MeshTet, MeshTri

        sides = zip(self.lower, self.upper, strict=True)
        ticks = [np.linspace(a, b, max(1, math.ceil((b - a) / h)) + 1) for a, b in sides]
        mesh = (MeshLine, MeshTri, MeshTet)[self.dimension - 1].init_tensor(*ticks)
        edge, part = mesh.boundary_facets().astype(np.int32), self.parts_of_facets(mesh)
        return mesh.with_boundaries({name: edge[part == k] for k, name in enumerate(self.part_names)})

    def divided(self, cells: int, *, simplices: bool = True) -> Mesh:
        """Each side is divided into the same number of intervals."""
        import numpy as np
        from skfem import MeshHex, MeshLine, MeshQuad, MeshTet, MeshTri

        kind = ((MeshLine, MeshTri, MeshTet) if simplices else (MeshLine, MeshQuad, MeshHex))[self.dimension - 1]
        sides = zip(self.lower, self.upper, strict=True)
        return kind.init_tensor(*(np.linspace(a, b, cells + 1) for a, b in sides))

    def parts_of_facets(self, mesh: Mesh) -> np.ndarray:
        """The face nearest to the midpoint of each facet, regardless of names in the mesh."""
        import numpy as np

        from pdefreq.domains.meshes.mesh_files import facets_of

        x = mesh.p[:, facets_of(mesh)[:, mesh.boundary_facets()]].mean(axis=1).T
        faces = np.stack([np.abs(x - self.lower), np.abs(x - self.upper)], axis=2)  # (n, d, 2), as `part_names`
        return (faces / np.array(self.lengths)[:, None]).reshape(len(x), -1).argmin(axis=1)

    def cad(self, occ: Any) -> list[tuple[int, int]]:
        match self.dimension:
            case 2:
                return [(2, occ.addRectangle(*self.lower, 0, *self.lengths))]
            case 3:
                return [(3, occ.addBox(*self.lower, *self.lengths))]
            case _:
                return super().cad(occ)

    @property
    def convex(self) -> Convex:
        import numpy as np

        from pdefreq.domains.geometry.convex import Convex

        lower, upper = np.array(self.lower), np.array(self.upper)
        return Convex((lower + upper) / 2, (upper - lower) / 2, round=False)

    @property
    def corners(self) -> tuple[tuple[float, ...], ...]:
        return tuple(itertools.product(*zip(self.lower, self.upper, strict=True)))

    @property
    def straight_sides(self) -> Tensor | None:
        """For a rectangle, its sides in the order of `part_names`."""
        import torch

        if self.dimension != 2:
            return None
        (left, bottom), (right, top) = self.lower, self.upper
        vertical = [[[x, bottom], [x, top]] for x in (left, right)]
        return torch.tensor(vertical + [[[left, y], [right, y]] for y in (bottom, top)], dtype=torch.float64)

    def outline(self) -> Outline:
        import numpy as np

        from pdefreq.domains.geometry.strips import Outline

        (left, bottom), (right, top) = self.lower, self.upper
        return Outline.between(left, right, lambda x: np.full_like(x, bottom), lambda x: np.full_like(x, top))

    def _per_axis(self, n: int) -> int:
        return max(2, round(n ** (1 / self.dimension)))

    def _face(self, k: int, end: int, n: int, stream: torch.Generator | None) -> Samples:
        """Points on one face. Each face gets 1 / (2 d) of the points, so that small faces are represented."""
        import torch

        from pdefreq.domains.geometry.tensor_rules import full_panels, tensor_product

        d = self.dimension
        others = [j for j in range(d) if j != k]
        area = math.prod(self.lengths[j] for j in others)
        share = 1 if d == 1 else max(1, n // (2 * d))
        if d == 1:
            x, weights = torch.empty(1, 0, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
        elif stream is None:
            per_axis = max(2, round(share ** (1 / (d - 1))))
            x, weights = tensor_product([full_panels(self.lower[j], self.upper[j], per_axis) for j in others])
        else:
            unit = torch.rand(share, d - 1, generator=stream, dtype=torch.float64)
            x = unit.new_tensor([self.lower[j] for j in others]) + unit * unit.new_tensor([self.lengths[j] for j in others])
            weights = torch.full((share,), area / share, dtype=torch.float64)
        fixed = x.new_full((x.shape[0], 1), self.upper[k] if end else self.lower[k])
        normals = x.new_zeros(x.shape[0], d)
        normals[:, k] = 1.0 if end else -1.0
        parts = torch.full((x.shape[0],), 2 * k + end, dtype=torch.long)
        return Samples(torch.cat([x[:, :k], fixed, x[:, k:]], dim=1), weights, normals, parts)
