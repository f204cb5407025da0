"""The conditions on the boundary of a domain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal, get_args

from pdefreq.core.content import Content
from pdefreq.core.errors import DomainError
from pdefreq.core.fields import ConstantField, Field, as_field

if TYPE_CHECKING:
    from torch import Tensor

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
