"""The conditions on the boundary of a domain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal, get_args

from pdefreq.core.content import Content
from pdefreq.core.errors import ProblemFileError
from pdefreq.core.fields import ConstantField, Field, as_field

if TYPE_CHECKING:
    from torch import Tensor

BoundaryKind = Literal["dirichlet", "robin", "periodic"]


@dataclass(frozen=True)
class BoundaryPart(Content):
    """A condition and the piece of boundary on which it holds; where pieces overlap the first part wins.

    Fields may be given as numbers, `Field` objects or functions of points ``(n, d)``.

    A periodic pair of sides has no data, and holds wherever it stands in the list.

    Args:
        kind: ``"dirichlet"`` (u = value), ``"robin"`` (A |grad u|^(p-2) grad u . n + alpha u = flux) or ``"periodic"``.
        name: A built-in name such as ``"x-min"``; None together with `where` None means all of the boundary. Of a periodic part
            the pair of sides, ``"x"``; either side, ``"x-min"`` or ``"x-max"``, names the same pair.
        where: Whether each boundary point belongs to the part, ``(n, d) -> (n,)`` bool.
        value: The Dirichlet data g.
        alpha: The Robin coefficient, >= 0; zero is a Neumann condition.
        flux: The Robin data.

    Raises:
        ProblemFileError: If the kind is another one, or a periodic part has no name, or data.
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
            raise ProblemFileError(f'a boundary part has kind = "dirichlet", "robin" or "periodic", got {self.kind!r}')
        for name in ("value", "alpha", "flux"):
            object.__setattr__(self, name, as_field(getattr(self, name)))
        if self.kind == "periodic":
            self._check_pair()

    def _check_pair(self) -> None:
        if self.name is None or self.where is not None:
            raise ProblemFileError(
                'a periodic boundary part is a pair of opposite sides of a box: name the pair, name = "x", and leave where out'
            )
        object.__setattr__(self, "name", self.name.removesuffix("-min").removesuffix("-max"))
        for name in ("value", "alpha", "flux"):
            if getattr(self, name).constant != 0:
                raise ProblemFileError(f'a boundary part with kind = "periodic" has no data: leave {name} out')
