"""Boundary value problems, independent of the methods that solve them.

    -div( A |grad u|^(p-2) grad u ) + b . grad u + c u + N(x, u) = f   in Omega,
    u = g   on Dirichlet parts,      A |grad u|^(p-2) grad u . n + alpha u = flux   on Robin parts,
    u and its flux equal at opposite points of periodic pairs of sides.

The left-hand side is a sum of terms (`pdefreq.problem.terms`). An equation without derivatives, c u = f, is a regression.
"""

from __future__ import annotations

import copy
import functools
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pdefreq.core.content import Content, digest, encode
from pdefreq.core.errors import ProblemFileError
from pdefreq.core.fields import CallableField, ConstantField, Field
from pdefreq.core.streams import stream
from pdefreq.core.validation import validated
from pdefreq.domains.domain import Domain
from pdefreq.domains.samples import Samples
from pdefreq.problem.boundary_conditions import BoundaryPart
from pdefreq.problem.coefficient_reader import CoefficientReader, derived_source
from pdefreq.problem.data import Data

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Gradients, Points, Values
    from pdefreq.problem.needs import Need
    from pdefreq.problem.terms.equation import Equation
    from pdefreq.problem.terms.term import Term

ModeFamily = Literal["sine", "cosine", "fourier", "eigen", "neumann", "ray", "tones"]
_MAX_BYTES = 2**33  # of generated data
_MANY, _FEW = 1024, 64  # points at which coefficients, and slopes of terms, are held against zero
_NEAR = 1e-12  # relative to the domain: nearer than this a point is a singular one


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


_CONTENT = ("domain", "source", "boundary", "terms", "exact", "data", "spectrum", "singular")


@dataclass(frozen=True, kw_only=True, init=False)
class Problem:
    """A boundary value problem.

    Fields and coefficients may be given as numbers, formulas such as ``"sin(pi*x)"``, arrays of values on equal cells
    (`pdefreq.GridField.on_box`), `Field` objects, or functions of points ``(n, d)`` that return ``(n,)``. A coefficient that is
    given replaces the one of the same term in `terms`, so that ``dataclasses.replace(problem, reaction=5)`` changes one term and
    keeps the others.

    Args:
        domain: Omega.
        source: f. With `exact` given as a formula it may be left out, and follows from it; with data that hold values, those
            stand for it.
        boundary: Conditions; a field or a number means Dirichlet data on all of the boundary. With `exact` it may be left out.
        diffusion: A: a field, or a symmetric matrix as a list of rows; 1 unless `terms` are given. Zero makes a regression.
        exponent: p > 1.
        convection: b, a list of one coefficient for each axis, or a function of points that returns ``(n, d)``.
        reaction: c, of either sign.
        nonlinear: N: a formula in the coordinates and u, or a function of points ``(n, d)`` and u ``(n,)``.
        terms: The left-hand side as objects of `pdefreq.problem.terms`, beside the coefficients above.
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
        ProblemFileError: If a coefficient lies outside its range, a boundary part is unknown, there is no source, or the data do
            not fit.
    """

    domain: Domain
    source: Field
    boundary: tuple[BoundaryPart, ...] = ()
    terms: tuple[Term, ...] = ()
    exact: Field | None = None
    title: str = ""
    name: str = "problem"
    citation: str = ""
    data: Data | None = None
    spectrum: Spectrum = field(default_factory=Spectrum)
    parameters: Mapping[str, float] = field(default_factory=dict)
    singular: tuple[tuple[float, ...], ...] = ()
    origin: Origin | None = field(default=None, compare=False, repr=False)

    def __init__(
        self,
        *,
        domain: Domain,
        source: Any = None,
        boundary: Any = (),
        diffusion: Any = None,
        exponent: Any = None,
        convection: Any = None,
        reaction: Any = None,
        nonlinear: Any = None,
        terms: Sequence[Term] | None = None,
        exact: Any = None,
        title: str = "",
        name: str = "problem",
        citation: str = "",
        data: Data | None = None,
        spectrum: Spectrum | None = None,
        parameters: Mapping[str, float] | None = None,
        singular: Sequence[Sequence[float]] = (),
        origin: Origin | None = None,
    ) -> None:
        from pdefreq.problem.terms.equation import read_terms

        parameters = dict(parameters or {})
        read = CoefficientReader(domain.dimension, parameters, domain.bounds)
        keywords = {
            "diffusion": 1.0 if diffusion is None and exponent is None and terms is None else diffusion,
            "exponent": exponent,
            "convection": convection,
            "reaction": reaction,
            "nonlinear": nonlinear,
        }
        given = {key: value for key, value in keywords.items() if value is not None}
        values = {
            "domain": domain,
            "terms": read_terms(given, domain.dimension, read, tuple(terms or ())),
            "exact": None if exact is None else read(exact, "exact"),
            "title": title,
            "name": name,
            "citation": citation,
            "data": data,
            "spectrum": spectrum or Spectrum(),
            "parameters": parameters,
            "singular": tuple(tuple(map(float, point)) for point in singular),
            "origin": origin,
        }
        for key, value in values.items():
            object.__setattr__(self, key, value)
        object.__setattr__(self, "source", self._source(source, read))
        object.__setattr__(self, "boundary", self._boundary(boundary, read))
        self._check()

    def _source(self, given: Any, read: CoefficientReader) -> Field:
        """The source f as given, as in the data, or as it follows from the exact solution."""
        if isinstance(given, Field) and given.is_stale(self.terms, self.exact):
            given = None  # it belonged to another equation or another exact solution
        if given is not None:
            return read(given, "source")
        if self.data is not None and self.data.field is not None:
            return self.data.field
        if self.exact is not None and not isinstance(self.exact, CallableField):
            return derived_source(self.equation, self.exact, self.domain.dimension)
        raise ProblemFileError("a problem needs a source=..., or data that hold its values: data=Data(x=..., values=...)")

    def _boundary(self, given: Any, read: CoefficientReader) -> tuple[BoundaryPart, ...]:
        if isinstance(given, (list, tuple)) and all(isinstance(part, BoundaryPart) for part in given):
            if not given and self.exact is not None and not self.is_regression:
                return (BoundaryPart("dirichlet", value=self.exact),)
            for part in given:
                second = tuple(term for term in self.terms if term.order == 2)
                if part.flux.is_stale(second, self.exact):
                    raise ProblemFileError(
                        "the flux on the boundary follows from exact by another diffusion: give boundary=... or exact=None, too"
                    )
            return tuple(given)
        return (BoundaryPart("dirichlet", value=read(given, "boundary")),)

    def _check(self) -> None:
        """Refuse what contradicts itself.

        Raises:
            ProblemFileError: In one sentence.
        """
        _ = self.equation
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
        """All that determines the solution and what is measured of it, as a tree of `pdefreq.core.content`."""
        return {name: encode(getattr(self, name)) for name in _CONTENT}

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

    @cached_property
    def equation(self) -> Equation:
        """The left-hand side."""
        from pdefreq.problem.terms.equation import Equation

        return Equation(self.terms)

    @property
    def diffusion(self) -> Field | tuple[tuple[Field, ...], ...]:
        """The coefficient of the diffusion term, zero where there is none."""
        from pdefreq.problem.terms.diffusion import Diffusion

        term = self.equation.find(Diffusion)
        return ConstantField(0.0) if term is None else term.coefficient

    @property
    def exponent(self) -> float:
        """The exponent of the diffusion term."""
        from pdefreq.problem.terms.diffusion import Diffusion

        term = self.equation.find(Diffusion)
        return 2.0 if term is None else term.exponent

    @property
    def reaction(self) -> Field:
        """The coefficient of the reaction term, zero where there is none."""
        from pdefreq.problem.terms.reaction import Reaction

        term = self.equation.find(Reaction)
        return ConstantField(0.0) if term is None else term.coefficient

    @property
    def is_regression(self) -> bool:
        """Whether the equation has no derivative: c u = f, so u = f / c."""
        return self.equation.is_regression

    @property
    def is_linear(self) -> bool:
        """Whether the equation is linear in u."""
        return self.equation.is_linear

    @cached_property
    def discontinuous(self) -> Term | None:
        """The first term of second order a coefficient of which jumps within the domain; None where there is none."""
        from pdefreq.problem.jumps import jumps

        def has_jumps(term: Term) -> bool:
            return any(field.has_kinks and jumps(field, self.domain) for field in term.coefficients.values())

        return next((term for term in self.equation if term.order == 2 and has_jumps(term)), None)

    @cached_property
    def indefinite(self) -> Term | None:
        """The first term that is known, or seen at points, to make the quadratic form negative; None where there is none."""
        x = self.domain.interior(_MANY, stream(0, "coercivity")).x
        return next((term for term in self.equation if term.coercive is False or term.is_negative_at(x)), None)

    def lacks(self, needs: Sequence[Need]) -> tuple[Need, str] | None:
        """The first need of a method that the problem does not meet, and why; None where it meets all."""
        for need in needs:
            if (why := need.lacking(getattr(self, need.of))) is not None:
                return need, why
        return None

    def regression_target(self, x: Points, source: Values | None = None) -> Values:
        """The solution f / c of a regression at points ``(n, d)``, shape ``(n,)``.

        Args:
            x: The points.
            source: f there, where it is known only there.

        Raises:
            ProblemFileError: If f is not finite, or c is zero, at one of the points.
        """
        source = validated(self.source, "[equation] source", x) if source is None else source
        return source / self.equation.zero_order(x)

    def regression_target_gradient(self, x: Points) -> Gradients:
        """The gradient of `regression_target`, shape ``(n, d)``; f must be known everywhere.

        Raises:
            ProblemFileError: If f, c or one of their gradients is not finite, or c is zero, at one of the points.
        """
        c, c_slope = self.equation.zero_order(x)[:, None], self.equation.zero_order_gradient(x)
        slope = validated(self.source.gradient, "the gradient of [equation] source", x)
        return (slope - self.regression_target(x)[:, None] * c_slope) / c

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

    @cached_property
    def is_up_to_constant(self) -> bool:
        """Whether u is determined up to a constant only: there is no reaction, and all sides have fluxes or are periodic."""
        return (
            bool(self.boundary)
            and not self.is_regression
            and (self.is_periodic or all(part.kind != "dirichlet" and part.alpha.constant == 0 for part in self.boundary))
            and not self.equation.depends_on_value(self.domain.interior(_FEW, stream(0, "coercivity")).x)
        )

    @property
    def has_values_everywhere(self) -> bool:
        """Whether one Dirichlet condition holds on all sides that are not periodic, if there are any."""
        return self.is_periodic or self.dirichlet is not None

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
