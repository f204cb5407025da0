"""The boundary value problem: what is solved, with no word of how.

    -div( a |grad u|^(p-2) grad u ) + c u = f   in Omega,
    u = g   on Dirichlet parts,      a |grad u|^(p-2) du/dn + alpha u = flux   on Robin parts,
    u and its flux equal at opposite points of periodic pairs of sides.

a = 0 everywhere is the problem of order zero, regression: u = f / c.
"""

from __future__ import annotations

import copy
import functools
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

from pdefreq.content import Content, digest, tree
from pdefreq.data import Data
from pdefreq.domains.domain import Domain, Samples
from pdefreq.errors import ProblemFileError
from pdefreq.fields import ConstantField, Field, as_field

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.shapes import Points

BoundaryKind = Literal["dirichlet", "robin", "periodic"]
ModeFamily = Literal["sine", "cosine", "fourier", "eigen", "neumann", "ray", "tones"]
_MAX_BYTES = 2**33  # of generated data
_NEAR = 1e-12  # relative to the domain: nearer than this a point is a singular one


@dataclass(frozen=True)
class BoundaryPart(Content):
    """A condition and the piece of boundary on which it holds; where pieces overlap the first part wins.

    Fields may be given as numbers, `Field` objects or functions of points ``(n, d)``.

    A periodic pair of sides has no data, and holds wherever it stands in the list.

    Args:
        kind: ``"dirichlet"`` (u = value), ``"robin"`` (a |grad u|^(p-2) du/dn + alpha u = flux) or ``"periodic"``.
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


@dataclass(frozen=True)
class Spectrum(Content):
    """What to watch.

    Args:
        modes: The family of modes; by default ``"sine"`` on a box, or ``"cosine"`` where no values are prescribed, ``"fourier"``
            where all sides are periodic, ``"eigen"`` elsewhere, ``"ray"`` beyond three dimensions.
        wavenumbers: Angular ones, whose rows a summary prints; ``"tones"`` consists of them.
        direction: Along which waves run in ``"ray"`` and ``"tones"``, of any length; by default the diagonal of the box.
    """

    content_type: ClassVar[str] = "spectrum"
    modes: ModeFamily | None = None
    wavenumbers: tuple[float, ...] = ()
    direction: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        for name in ("wavenumbers", "direction"):
            object.__setattr__(self, name, tuple(map(float, getattr(self, name))))


@dataclass(frozen=True)
class Origin:
    """The problem file from which a problem was read.

    Args:
        text: The file.
        files: The files that it names: name as written -> path.
        digest: The content of the problem that it describes.
    """

    text: str
    files: Mapping[str, Path]
    digest: str


_CONTENT = ("domain", "source", "boundary", "exponent", "diffusion", "reaction", "exact", "data", "spectrum", "singular")


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A boundary value problem. Fields may be given as numbers, `Field` objects or functions of points ``(n, d)``.

    Args:
        domain: Omega.
        source: f; with data that hold values it may be left out, and those stand for it.
        boundary: Conditions; a field or a number means Dirichlet data on all of the boundary.
        exponent: p > 1.
        diffusion: a >= 0.
        reaction: c >= 0.
        exact: The solution, where it is known: it serves errors and spectra, solvers never see it.
        title: One line for people.
        name: Short name for folders and tables.
        citation: Where the problem comes from.
        data: Points at which the source is known, where it is not known everywhere.
        spectrum: Modes and wavenumbers to watch.
        parameters: Values of the names used in the expressions of its file, for people: the fields hold the values themselves.
        singular: Points at which fields need not be finite; point sets leave them out (`regular`).
        origin: The file from which the problem was read, if it was; see `text`.

    Raises:
        ProblemFileError: If exponent <= 1, or a constant coefficient is negative, a boundary part is unknown,
            there is no source, or the data do not fit.
    """

    domain: Domain
    source: Field = None  # pyright: ignore[reportAssignmentType]  # None is replaced below
    boundary: tuple[BoundaryPart, ...] = ()
    exponent: float = 2.0
    diffusion: Field = field(default_factory=lambda: ConstantField(1.0))
    reaction: Field = field(default_factory=lambda: ConstantField(0.0))
    exact: Field | None = None
    title: str = ""
    name: str = "problem"
    citation: str = ""
    data: Data | None = None
    spectrum: Spectrum = field(default_factory=Spectrum)
    parameters: Mapping[str, float] = field(default_factory=dict)
    singular: tuple[tuple[float, ...], ...] = ()
    origin: Origin | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.source is None:
            object.__setattr__(self, "source", self.data and self.data.field)
        if self.source is None:
            raise ProblemFileError("a problem needs a source=..., or data that hold its values: data=Data(x=..., values=...)")
        for name in ("source", "diffusion", "reaction", "exact"):
            value: Any = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, as_field(value))
        if not isinstance(self.boundary, tuple):
            part = BoundaryPart("dirichlet", value=as_field(self.boundary))
            object.__setattr__(self, "boundary", (part,))
        object.__setattr__(self, "singular", tuple(tuple(map(float, point)) for point in self.singular))
        if not self.exponent > 1:
            raise ProblemFileError(f"[equation] exponent must be above 1, got {self.exponent:g}")
        for name in ("diffusion", "reaction"):
            constant = getattr(self, name).constant
            if constant is not None and not constant >= 0:
                raise ProblemFileError(f"[equation] {name} must not be negative, got {constant:g}")
        if self.diffusion.constant == 0 and self.reaction.constant == 0:
            raise ProblemFileError("[equation] diffusion and reaction are both zero: there is no equation; give one of them")
        for part in self.boundary:
            self._check_part(part)

        direction, d = self.spectrum.direction, self.domain.dimension
        if direction and not (len(direction) == d and any(direction)):
            raise ProblemFileError(f"[spectrum] direction must be {d} numbers that are not all zero, got {list(direction)}")
        if self.data is not None:
            self._check_data(self.data)

    def _check_part(self, part: BoundaryPart) -> None:
        names = self.domain.opposite_sides if part.kind == "periodic" else self.domain.part_names
        if not names:
            raise ProblemFileError(
                f"periodic boundary parts are pairs of opposite sides of a box, and the domain is a {self.domain.title}: "
                "give a value or a flux there"
            )
        if part.name is not None and part.name not in names:
            raise ProblemFileError(f"[[boundary.part]] name must be one of {', '.join(names)}, got '{part.name}'")

    def _check_data(self, data: Data) -> None:
        if data.x is not None:
            if data.x.shape[1] != self.domain.dimension:
                raise ProblemFileError(
                    f"[data] x must have {self.domain.dimension} coordinates, as the domain has, got {data.x.shape[1]}"
                )
            outside = data.x[~self.domain.contains(data.x)]
            if len(outside):
                point = ", ".join(f"{v:g}" for v in outside[0].tolist())
                raise ProblemFileError(f"[data] the point ({point}) lies outside the {self.domain.title}: leave it out")
        elif (needed := 8.0 * (self.domain.dimension + 1) * data.count(self.domain.dimension)) > _MAX_BYTES:
            raise ProblemFileError(
                f"[data] number = {data.number} needs {needed / 2**30:.3g} GiB in dimension {self.domain.dimension}; "
                "ask for fewer points"
            )
        if data.holdout:
            if not self.is_regression:
                raise ProblemFileError(
                    "[data] holdout holds u against values of f, which only a regression (diffusion = 0) can: leave it out"
                )
            kept, count = data.held_out(self.domain.dimension), data.count(self.domain.dimension)
            if not 0 < kept < count:
                raise ProblemFileError(f"[data] holdout = {data.holdout:g} keeps {kept} of {count} points out: choose another")

    def regular(self, samples: Samples) -> Samples:
        """The samples without those at singular points, to rounding; the weights of the rest stay as they are."""
        if not self.singular:
            return samples
        size = max(b - a for a, b in zip(*self.domain.bounds, strict=True))
        gap = (samples.x[:, None, :] - samples.x.new_tensor(self.singular)).abs().amax(dim=2).amin(dim=1)
        keep = gap > _NEAR * size
        return Samples(*(None if column is None else column[keep] for column in vars(samples).values()))  # pyright: ignore[reportArgumentType]

    def content(self) -> dict[str, Any]:
        """All that determines the solution and what is measured of it, as a tree of `pdefreq.content`."""
        return {name: tree(getattr(self, name)) for name in _CONTENT}

    @cached_property
    def digest(self) -> str:
        """The digest of the content. Python functions do not count: what they compute can't be read."""
        return digest(self.content())

    @property
    def text(self) -> str:
        """The problem file, where the problem still is what the file describes; else empty."""
        return self.origin.text if self.origin is not None and self.origin.digest == self.digest else ""

    @property
    def files(self) -> Mapping[str, Path]:
        """The files that the text names: name as written -> path."""
        return self.origin.files if self.origin is not None and self.text else {}

    def read_from(self, text: str, files: Mapping[str, Path]) -> Problem:
        """The same problem, with the file that describes it."""
        found = copy.copy(self)
        object.__setattr__(found, "origin", Origin(text, dict(files), found.digest))
        return found

    def blind(self) -> Problem:
        """The problem as solvers see it: without the exact solution."""
        return replace(self, exact=None)

    @property
    def is_regression(self) -> bool:
        """Whether the equation has no derivative: a = 0, so u = f / c."""
        return self.diffusion.constant == 0

    @property
    def is_linear(self) -> bool:
        """Whether the equation is linear: p = 2, or regression."""
        return self.exponent == 2 or self.is_regression

    def part_of(self, samples: Samples) -> Tensor:
        """Which boundary part governs each boundary point, shape ``(n,)``: an index into `boundary`.

        Raises:
            ProblemFileError: If a point is covered by no part.
        """
        x: Points = samples.x
        index = x.new_full((x.shape[0],), -1).long()
        for i, part in sorted(enumerate(self.boundary), key=lambda pair: pair[1].kind != "periodic"):  # a pair holds anyway
            mine = index < 0
            if part.name is not None:
                assert samples.parts is not None
                sides = self.domain.opposite_sides[part.name] if part.kind == "periodic" else (self._side(part.name),)
                mine &= functools.reduce(operator.or_, [samples.parts == side for side in sides])
            if part.where is not None:
                mine &= part.where(x)
            index[mine] = i
        if bool((index < 0).any()):
            at = ", ".join(f"{v:g}" for v in x[index < 0][0].tolist())
            raise ProblemFileError(f"[boundary] no part covers the boundary point ({at}); add a part for the rest")
        return index

    def _side(self, name: str) -> int:
        return self.domain.part_names.index(name)

    @cached_property
    def periodic_axes(self) -> tuple[int, ...]:
        """The axes along which u is periodic, ascending: opposite sides of the box are one."""
        named = {part.name for part in self.boundary if part.kind == "periodic"}
        return tuple(axis for axis, name in enumerate(self.domain.opposite_sides) if name in named)

    @property
    def is_periodic(self) -> bool:
        """Whether u is periodic along all axes, so that the domain has no boundary."""
        return len(self.periodic_axes) == self.domain.dimension

    @property
    def is_up_to_constant(self) -> bool:
        """Whether u is determined up to a constant only: there is no reaction, and all sides have fluxes or are periodic."""
        return (
            bool(self.boundary)
            and not self.is_regression
            and self.reaction.constant == 0
            and (self.is_periodic or all(part.kind != "dirichlet" and part.alpha.constant == 0 for part in self.boundary))
        )

    @property
    def dirichlet(self) -> Field | None:
        """The boundary values, where one Dirichlet condition holds on all sides that are not periodic; else None."""
        parts = [part for part in self.boundary if part.kind != "periodic"]
        whole = (
            not self.is_periodic
            and len(parts) == 1
            and parts[0].kind == "dirichlet"
            and parts[0].name is None
            and parts[0].where is None
        )
        return parts[0].value if whole else None
