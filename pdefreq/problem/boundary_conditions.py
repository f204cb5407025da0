"""The conditions on the boundary of a domain."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Literal, get_args

from pdefreq.core.content import Content
from pdefreq.core.errors import DomainError
from pdefreq.core.fields import ConstantField, Field, as_field

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Points
    from pdefreq.domains.domain import Domain
    from pdefreq.domains.samples import Samples

BoundaryKind = Literal["dirichlet", "robin", "periodic"]


@dataclass(frozen=True)
class BoundaryPart(Content):
    """A boundary condition and the part of the boundary on which it holds. Where parts overlap, the first one applies.

    Fields may be given as numbers, `Field` objects or functions of points ``(n, d)``. A periodic pair of sides has no data, and
    its position in the list does not matter.

    Args:
        kind: ``"dirichlet"`` (u = value), ``"robin"`` (A |grad u|^(p-2) grad u . n + alpha u = flux) or ``"periodic"``.
        name: A built-in name such as ``"x-min"``. If `name` and `where` are None, the part is the whole boundary. The name of a
            periodic part is that of its axis, ``"x"``, or of either side, ``"x-min"`` or ``"x-max"``.
        where: A function from boundary points ``(n, d)`` to ``(n,)`` bool: whether each point belongs to the part.
        value: The Dirichlet data g.
        alpha: The Robin coefficient, nonnegative; zero for a Neumann condition.
        flux: The Robin data.

    Raises:
        DomainError: If the kind is unknown, or a periodic part has no name or has data.
    """

    content_type: ClassVar[str] = "boundary-part"
    kind: BoundaryKind
    name: str | None = None
    where: Callable[[Tensor], Tensor] | None = None
    value: Field = field(default_factory=lambda: ConstantField(0.0))
    alpha: Field = field(default_factory=lambda: ConstantField(0.0))
    flux: Field = field(default_factory=lambda: ConstantField(0.0))

    def __post_init__(self) -> None:
        if self.kind not in get_args(BoundaryKind):
            raise DomainError(f'a boundary part must have kind = "dirichlet", "robin" or "periodic", got {self.kind!r}')
        for name in ("value", "alpha", "flux"):
            object.__setattr__(self, name, as_field(getattr(self, name)))
        if self.kind == "periodic":
            self._check_pair()

    def _check_pair(self) -> None:
        if self.name is None or self.where is not None:
            raise DomainError(
                'a periodic boundary part is a pair of opposite sides of a box: name the pair, name = "x", and leave where out'
            )
        object.__setattr__(self, "name", self.name.removesuffix("-min").removesuffix("-max"))
        for name in ("value", "alpha", "flux"):
            if getattr(self, name).constant != 0:
                raise DomainError(f'a boundary part with kind = "periodic" has no data: leave {name} out')


@dataclass(frozen=True, kw_only=True)
class BoundaryConditions:
    """A domain and the conditions on its boundary.

    Args:
        domain: The domain.
        boundary: The conditions. Where parts overlap, the first one applies, but periodic pairs precede the other parts.
    """

    domain: Domain
    boundary: tuple[BoundaryPart, ...] = ()

    def part_of(self, samples: Samples) -> Tensor:
        """The index in `boundary` of the part that contains each boundary point, shape ``(n,)``.

        Raises:
            DomainError: If no part contains a point.
        """
        return self.part_at(samples.x, samples.parts)

    def part_at(self, x: Points, sides: Tensor | int | None) -> Tensor:
        """The same for points ``(n, d)`` on sides that are given by the indices of the domain's built-in parts, ``(n,)`` or one.

        Raises:
            ProblemFileError: If no part contains a point.
        """
        index = x.new_full((x.shape[0],), -1).long()
        for i, part in sorted(enumerate(self.boundary), key=lambda pair: pair[1].kind != "periodic"):  # pairs come first
            index[(index < 0) & self.holds_at(part, x, sides)] = i
        if bool((index < 0).any()):
            at = ", ".join(f"{v:g}" for v in x[index < 0][0].tolist())
            raise DomainError(f"[boundary] no part covers the boundary point ({at}); add a part for the rest")
        return index

    def holds_at(self, part: BoundaryPart, x: Points, sides: Tensor | int | None) -> Tensor:
        """Whether each boundary point satisfies the name and the condition of a part, also if an earlier part contains it.

        Args:
            part: The part.
            x: The points, ``(n, d)``.
            sides: The index of the domain's built-in part for each point, ``(n,)`` or one; None on a domain without names.
        """
        import torch

        mine = torch.ones(len(x), dtype=torch.bool)
        if part.name is not None:
            assert sides is not None
            named = self.domain.opposite_sides[part.name] if part.kind == "periodic" else (self._side(part.name),)
            mine &= functools.reduce(operator.or_, [torch.as_tensor(sides) == side for side in named])
        return mine if part.where is None else mine & part.where(x)

    def _side(self, name: str) -> int:
        return self.domain.part_names.index(name)

    @cached_property
    def periodic_axes(self) -> tuple[int, ...]:
        """The axes along which u is periodic, in ascending order."""
        named = {part.name for part in self.boundary if part.kind == "periodic"}
        return tuple(axis for axis, name in enumerate(self.domain.opposite_sides) if name in named)

    @property
    def is_periodic(self) -> bool:
        """Whether u is periodic along all axes, so that the domain has no boundary."""
        return len(self.periodic_axes) == self.domain.dimension

    @property
    def has_regions(self) -> bool:
        """Whether a boundary part is defined by a condition, so that it may end inside a side."""
        return any(part.where is not None for part in self.boundary)

    @property
    def has_fluxes(self) -> bool:
        """Whether there is a boundary condition on the flux."""
        return any(part.kind == "robin" for part in self.boundary)

    @property
    def dirichlet(self) -> Field | None:
        """The boundary values if a single Dirichlet condition holds on all sides that are not periodic, otherwise None."""
        parts = [part for part in self.boundary if part.kind != "periodic"]
        whole = (
            not self.is_periodic
            and len(parts) == 1
            and parts[0].kind == "dirichlet"
            and parts[0].name is None
            and parts[0].where is None
        )
        return parts[0].value if whole else None
