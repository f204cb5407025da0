"""The interface of domains."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pdefreq.core.content import Content
from pdefreq.core.errors import DomainError, IncompatibleError
from pdefreq.core.number_kinds import Whole
from pdefreq.core.table_keys import Key

if TYPE_CHECKING:
    import numpy as np
    import torch
    from skfem import Mesh
    from sympy import Expr
    from torch import Tensor

    from pdefreq.core.fields import Field
    from pdefreq.core.shapes import Points
    from pdefreq.domains.geometry.convex import Convex
    from pdefreq.domains.geometry.strips import Outline
    from pdefreq.domains.meshes.planar_mesh import Loop
    from pdefreq.domains.samples import Samples
    from pdefreq.problem.toml_tables import DomainTable

_ROUNDINGS = 64  # tolerance, in units of the rounding error of a coordinate
_MEAN = 64  # points for the mean of boundary values, which need not be accurate
_NORMALS = 100  # points on each part at which normals are compared
_EDGE = 2000  # number of boundary points in tests of one set against another
MAX_DIMENSION = 21_201  # of a domain that is described by a file: that of the Sobol sets of torch
_TOUCH = 1e-9  # value of a distance function below which points are considered to touch, because of rounding errors


def dimension_key(least: int, most: int = MAX_DIMENSION, *, default: int) -> Key:
    """The definition of the key `dimension` of a kind of domain.

    Args:
        least: The smallest dimension.
        most: The largest dimension.
        default: The dimension if neither the key nor a list determines it.
    """
    return Key("dimension", Whole(least, most), "number of coordinates", default=default, otherwise="the length of the lists")


def only_one(values: Mapping[str, Field]) -> Field | None:
    """The values on parts of the boundary if they are given by one function; None if parts have different functions."""
    first = next(iter(values.values()))
    return first if all(each is first or each == first for each in values.values()) else None


class Domain(Content, ABC):
    """A bounded open set. Domains are frozen and hashable.

    A subclass contains everything that depends on the shape. It must define the abstract methods, and may override the others.
    By default a plane domain with `loops` is triangulated, gmsh meshes the CAD form of others, all parts of the boundary are
    flat, and the domain cannot be used as a hole.
    """

    keys: ClassVar[tuple[str, ...]] = ()
    """The keys of a [domain] table for this kind of domain: names, or definitions `Key`, by which the table is read."""

    example: ClassVar[Mapping[str, Any]] = {}
    """Values of these keys that describe an example domain, for the tests of all domains."""

    can_be_hole: ClassVar[bool] = False
    """Whether other domains can have holes of this shape, by `convex`, or by `outside` and `nearest`."""

    brings_mesh: ClassVar[bool] = False
    """Whether the domain is given as a mesh and can't have holes other than those of the mesh."""

    is_straight: ClassVar[bool] = False
    """Whether the boundary consists of points, segments and flat polygons, so that straight cells fill the domain exactly."""

    @classmethod
    def from_table(cls, table: DomainTable) -> Self:  # noqa: ARG003
        """The domain that a [domain] table of a problem file describes.

        Args:
            table: The values of the table, which are read according to `keys`.

        Raises:
            DomainError: If a value is missing or malformed, or domains of this kind can't be given in a problem file.
        """
        raise DomainError(f"a {cls.__name__} can't be given in a problem file: build the problem in Python")

    @property
    @abstractmethod
    def dimension(self) -> int:
        """The space dimension d."""

    @property
    @abstractmethod
    def measure(self) -> float:
        """The length, area or volume."""

    @property
    @abstractmethod
    def bounds(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """The lower and upper corner of the bounding box."""

    @property
    @abstractmethod
    def title(self) -> str:
        """A short description, such as ``"disk of radius 1"`` or ``"square (-1, 1)^2 with 3 holes"``."""

    @property
    def remarks(self) -> tuple[str, ...]:
        """Sentences about the domain that the user should know before a run."""
        return ()

    @property
    @abstractmethod
    def part_names(self) -> tuple[str, ...]:
        """The names of the built-in boundary parts, in the order of `Samples.parts`."""

    @property
    def opposite_sides(self) -> Mapping[str, tuple[int, int]]:
        """Pairs of sides that a translation maps onto each other, for periodic functions; by default there are none.

        A mapping from the name of each pair, in the order of the axes, to the indices of its sides in `part_names`.
        """
        return {}

    @abstractmethod
    def contains(self, x: Points) -> Tensor:
        """Whether each point is in the closed domain, shape ``(n,)``, bool."""

    def contains_rounded(self, x: Points) -> Tensor:
        """Whether each point is in the closed domain, or outside its bounding box by at most rounding, shape ``(n,)``, bool."""
        import torch

        lower, upper = map(x.new_tensor, self.bounds)
        moved = x.clamp(lower, upper)
        slack = _ROUNDINGS * torch.finfo(x.dtype).eps * torch.maximum(lower.abs(), upper.abs())
        return self.contains(moved) & ((moved - x).abs() <= slack).all(dim=1)

    @abstractmethod
    def quadrature(self, n: int) -> Samples:
        """About `n` Gauss points in the interior (float64, CPU)."""

    @abstractmethod
    def interior(self, n: int, stream: torch.Generator, *, sobol: bool = False) -> Samples:
        """`n` random points, independent and uniform or a scrambled Sobol set (float64, CPU)."""

    @abstractmethod
    def boundary(self, n: int, stream: torch.Generator | None = None) -> Samples:
        """About `n` boundary points: Gauss points, or uniform random ones if a stream is given (float64, CPU)."""

    def boundary_mean(self, g: Field) -> float:
        """The mean of a field over the boundary, by a fixed quadrature rule."""
        edge = self.boundary(_MEAN)
        return float((edge.weights * g(edge.x)).sum() / edge.weights.sum())

    @abstractmethod
    def distance(self) -> Field:
        """A smooth distance function, positive in the domain and zero on the boundary only."""

    @abstractmethod
    def lifting(self, g: Field) -> Field:
        """A lifting of `g`, a function that equals `g` on the boundary and uses no values of `g` elsewhere."""

    def can_lift(self, values: Mapping[str, Field]) -> bool:
        """Whether `lifting_from` and `distance_from` exist for values on parts of the boundary.

        Args:
            values: The values by the names of the parts; by default, there must be one function for all parts.
        """
        return {*values} == {*self.part_names} and only_one(values) is not None

    def distance_from(self, parts: Collection[str]) -> Field:
        """A smooth function that is zero on some parts of the boundary, and positive in the domain and on the other parts.

        Args:
            parts: The names of the parts, such that `can_lift` values from them.
        """
        return self.distance()

    def lifting_from(self, values: Mapping[str, Field]) -> Field:
        """A function that equals given values on parts of the boundary, and uses them on these parts only.

        Args:
            values: The values by the names of the parts, such that `can_lift` them.
        """
        one = only_one(values)
        assert one is not None
        return self.lifting(one)

    # Meshes ---------------------------------------------------------------------------------------------------------------

    def loops(self, h: float) -> list[Loop] | None:
        """The closed curves of the boundary of a plane domain as polygons, the outer one first; None if they are not known.

        Args:
            h: The length of the sides on curved parts.
        """
        return None

    def meshed(self, h: float) -> Mesh:
        """A mesh with edges of about `h`, whose ``boundaries`` have the part names; `mesh_of` checks `h` first.

        By default the curves `loops` are filled with triangles, and other domains are meshed by gmsh.

        Raises:
            IncompatibleError: If gmsh, which meshes the CAD form, is not installed, or there is no CAD form.
        """
        if (loops := self.loops(h)) is not None:
            from pdefreq.domains.meshes.planar_mesh import planar_mesh

            return planar_mesh(self, loops, h)
        from pdefreq.domains.meshes.gmsh import gmsh_mesh

        return gmsh_mesh(self, h)

    def divided(self, cells: int, *, simplices: bool = True) -> Mesh | None:
        """A mesh with a number of cells along each axis; None if the shape has no axes, in which case `mesh_for` uses `meshed`.

        Args:
            cells: The number of cells.
            simplices: Whether boxes are cut into triangles and tetrahedra, or into quadrilaterals and hexahedra.

        Raises:
            OptionError: If there would be too many cells for a computer.
            IncompatibleError: As for `meshed`.
        """
        return None

    @property
    def own_mesh(self) -> Mesh | None:
        """The mesh that defines the domain, if there is one."""
        return None

    def onto_boundary(self, part: str, x: np.ndarray) -> np.ndarray:
        """Points near a part of the boundary, moved onto it; if the part is flat, the points themselves.

        Args:
            part: One of `part_names`.
            x: The points, shape ``(n, d)``.
        """
        return x

    def parts_of_facets(self, mesh: Mesh) -> np.ndarray:
        """The part of each boundary facet of a mesh, an index into `part_names`; by default according to names in the mesh.

        Facets without a name belong to the last part, such as ``rest``.
        """
        import numpy as np

        from pdefreq.domains.meshes.mesh_files import facets_of

        part = np.full(facets_of(mesh).shape[1], len(self.part_names) - 1)
        for k, name in reversed([*enumerate(self.part_names)]):
            part[(mesh.boundaries or {}).get(name, [])] = k
        return part[mesh.boundary_facets()]

    def cad(self, occ: Any) -> list[tuple[int, int]]:
        """Add the closed domain to a model of gmsh.

        Args:
            occ: ``gmsh.model.occ``.

        Returns:
            The (dimension, tag) pairs of the added entities.

        Raises:
            IncompatibleError: If there is no CAD form.
        """
        raise IncompatibleError(
            f"no mesh of a {type(self).__name__.lower()} of dimension {self.dimension} can be made here: give a mesh file"
        )

    # Formulas -------------------------------------------------------------------------------------------------------------

    def normal(self, part: str) -> list[Expr] | None:
        """The outward unit normal on a part of the boundary as formulas of the coordinates; None if the part has edges.

        Args:
            part: One of `part_names`; in the default implementation, the part must be flat.
        """
        from pdefreq.domains.geometry.normals import constant

        return constant(self.boundary(_NORMALS * len(self.part_names)), self.part_names.index(part))

    # Holes ----------------------------------------------------------------------------------------------------------------

    @property
    def convex(self) -> Convex | None:
        """The closed domain as an ellipsoid or box with axes along the coordinates, if it has this shape."""
        return None

    @property
    def corners(self) -> tuple[tuple[float, ...], ...]:
        """The corners of the boundary, which random and Gauss points do not include."""
        return ()

    def holds(self, hole: Domain) -> bool:
        """Whether a closed set is in the interior of this domain.

        The answer is exact for ellipsoids and boxes. Other sets are considered inside if their corners and 2000 points of their
        boundary are inside, and no such point of the boundary of this domain is in the set.
        """
        if self.convex is not None and hole.convex is not None:
            from pdefreq.domains.geometry import convex

            return convex.inside(hole.convex, self.convex)
        x = hole._edge()
        inside = self.contains(x) & (self.distance()(x) > _TOUCH)
        return bool(inside.all()) and not bool(hole.contains(self._edge()).any())

    def is_apart_from(self, other: Domain) -> bool:
        """Whether two closed sets are disjoint; sets other than ellipsoids and boxes are tested as in `holds`."""
        if self.convex is not None and other.convex is not None:
            from pdefreq.domains.geometry import convex

            return convex.are_disjoint(self.convex, other.convex)
        return not any(bool(one.contains(two._edge()).any()) for one, two in ((self, other), (other, self)))

    def _edge(self) -> Points:
        """The corners and many other points of the boundary."""
        import torch

        corners = torch.tensor(self.corners, dtype=torch.float64).reshape(-1, self.dimension)
        return torch.cat([corners, self.boundary(_EDGE).x])

    def outside(self) -> Field:
        """For a hole, a smooth function like the signed distance near the boundary: positive outside, negative inside."""
        raise IncompatibleError(f"a {type(self).__name__.lower()} can't be a hole")

    def nearest(self, x: Points) -> Points:
        """The nearest boundary point of a hole for each point outside."""
        raise IncompatibleError(f"a {type(self).__name__.lower()} can't be a hole")

    @property
    def straight_sides(self) -> Tensor | None:
        """The sides of a plane domain whose boundary consists of segments, ``(sides, 2, 2)``: side, end, coordinate."""
        return None

    def outline(self) -> Outline | None:
        """The boundary of a plane domain as curves over the x axis, for Gauss points around holes; None if unavailable."""
        return None
