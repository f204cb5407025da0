"""From the tables of a problem file to a `Problem`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from pdefreq.data import Data
from pdefreq.domains.domain import Domain
from pdefreq.errors import ProblemFileError, UnknownNameError
from pdefreq.expressions import ExpressionField, Region
from pdefreq.expressions.manufactured import flux, source
from pdefreq.expressions.scope import Scope, check_parameter_name, shorten
from pdefreq.fields import Field, Quotient
from pdefreq.problem import BoundaryPart, ModeFamily, Problem, Spectrum
from pdefreq.problem_file.checks import Claim, check
from pdefreq.problem_file.data import read_data
from pdefreq.problem_file.domains import Files, read_domain
from pdefreq.problem_file.tables import Table
from pdefreq.registry import nearest

if TYPE_CHECKING:
    from sympy import Expr

_MAX_EXPONENT = 100


def read_problem(
    document: Mapping[str, Any],
    *,
    name: str,
    text: str,
    overrides: dict[str, float | str],
    locate: Callable[[str], Path],
    trust: bool = False,
) -> Problem:
    """The problem that checked tables describe.

    Args:
        document: The file's tables; `tables.check_keys` has seen them.
        name: What the problem is called.
        text: The file.
        overrides: Values for parameters and for ``dimension``, instead of the file's.
        locate: Where the files that the text names lie.
        trust: Whether Python files that the text names may be loaded.

    Raises:
        UnknownNameError: If an override names no parameter.
        ProblemFileError: If a value is malformed, or the problem contradicts itself.
    """
    raw = document.get("parameters", {})
    for key in overrides:
        if key not in (*raw, "dimension"):
            raise UnknownNameError(
                f"problem '{name}' has no parameter {shorten(key)}: known are {', '.join([*raw, 'dimension'])}"
            )
    parameters: dict[str, float] = {}
    for key, value in {**raw, **{k: v for k, v in overrides.items() if k in raw}}.items():
        check_parameter_name(key, "[parameters]")
        parameters[key] = Table({key: value}, "parameters", Scope(None, parameters)).number(key)
    changed = {"dimension": overrides["dimension"]} if "dimension" in overrides else {}
    files = Files(locate, trust)
    domain = read_domain(Table(document.get("domain", {}) | changed, "domain", Scope(None, parameters)), files)
    scope = Scope(domain.dimension, parameters | {"dimension": float(domain.dimension)})

    head = Table(document, "", scope)

    def table(section: str) -> Table:
        return Table(document.get(section, {}), section, scope)

    data = read_data(table("data"), domain, files)
    equation = _Equation.read(table("equation"), data)
    claims = equation.claims()
    problem = Problem(
        domain=domain,
        source=equation.source or (data and data.field),  # pyright: ignore[reportArgumentType]  # _Equation.read sees to it
        boundary=_boundary(table("boundary"), equation, domain, claims),
        exponent=equation.exponent,
        diffusion=equation.diffusion,
        reaction=equation.reaction,
        exact=equation.exact or _pictured(equation, data),
        title=head.text("title", ""),
        name=name,
        citation=head.text("citation", ""),
        data=data,
        spectrum=_spectrum(table("spectrum")),
        parameters=parameters | ({"dimension": float(domain.dimension)} if changed else {}),
        singular=tuple(map(tuple, table("equation").points("singular"))),
    )
    check(problem, claims=claims)
    return problem.read_from(text, files.found)


@dataclass(frozen=True)
class _Equation:
    """The coefficients; what an exact solution implies is derived."""

    exponent: float
    diffusion: ExpressionField
    reaction: ExpressionField
    given: ExpressionField | None
    exact: ExpressionField | None

    @classmethod
    def read(cls, table: Table, data: Data | None) -> _Equation:
        diffusion, reaction = table.field("diffusion", "1"), table.field("reaction", "0")
        given = table.field("source") if table.has("source") else None
        exact = table.field("exact") if table.has("exact") else None
        known = None if data is None or data.values is None else data
        if given is not None and known is not None:
            raise ProblemFileError(
                f"[equation] source and the values in {known.points} both say what f is: leave one of them out"
            )
        if given is None and exact is None and known is None:
            raise ProblemFileError('[equation] gives neither source nor exact; state one of them, as source = "sin(x)"')
        if exact is None and given is not None and diffusion.constant == 0 and reaction.constant != 0:  # regression of f / c
            exact = ExpressionField(given.expression / reaction.expression, given.dimension)
        exponent = table.number("exponent", 2.0)
        if not 1 < exponent <= _MAX_EXPONENT:
            raise ProblemFileError(f"{table.key('exponent')} must be above 1, and at most {_MAX_EXPONENT}, got {exponent:g}")
        return cls(exponent, diffusion, reaction, given, exact)

    @property
    def source(self) -> ExpressionField | None:
        """As stated, else as it follows from the exact solution; None where only data say what it is."""
        return self.given if self.given is not None else None if self.exact is None else self._derived()

    def _derived(self) -> ExpressionField:
        assert self.exact is not None
        coordinates = Scope(self.exact.dimension).coordinates
        u, a, c = self.exact.expression, self.diffusion.expression, self.reaction.expression
        return ExpressionField(source(u, a, c, self.exponent, coordinates), self.exact.dimension)

    def claims(self) -> list[Claim]:
        """What must agree inside the domain."""
        if self.given is None or self.exact is None:
            return []
        return [Claim("[equation] source", self.given, self._derived(), part=None)]

    def flux(self, alpha: ExpressionField, outward: Sequence[Expr]) -> ExpressionField:
        """The Robin data of the exact solution where the outward unit normal is this one."""
        assert self.exact is not None
        coordinates = Scope(self.exact.dimension).coordinates
        u, a = self.exact.expression, self.diffusion.expression
        return ExpressionField(flux(u, a, alpha.expression, self.exponent, coordinates, outward), self.exact.dimension)


def _pictured(equation: _Equation, data: Data | None) -> Field | None:
    """The solution f / c of a regression whose f is a picture, known between its pixels by interpolation."""
    picture, c = data and data.interpolant, equation.reaction
    if picture is None or equation.diffusion.constant != 0:
        return None
    return picture if c.constant == 1 else Quotient(picture, c)


def _boundary(table: Table, equation: _Equation, domain: Domain, claims: list[Claim]) -> tuple[BoundaryPart, ...]:
    """Parts in the order of the file, then `value` on the rest."""
    if equation.diffusion.constant == 0:
        if table.values:
            raise ProblemFileError("[boundary] a regression (diffusion = 0) has no boundary conditions; leave the table out")
        return ()
    parts: list[BoundaryPart] = []
    for row in table.values.get("part", []):
        parts += _parts(Table(row, "boundary.part", table.scope), equation, domain, claims, len(parts))
    if table.has("value") or (not parts and equation.exact is not None):
        parts.append(_dirichlet(table, None, None, equation, claims, len(parts)))
    if not parts:
        raise ProblemFileError('[boundary] is missing; give value = "0", or parts, or exact in [equation]')
    return tuple(parts)


def _parts(table: Table, equation: _Equation, domain: Domain, claims: list[Claim], index: int) -> list[BoundaryPart]:
    """One [[boundary.part]]. A Robin part of a known solution becomes one for each named part: its flux holds the normal."""
    kind = table.choice("kind", "dirichlet", ("dirichlet", "robin"))
    for key in ("alpha", "flux") if kind == "dirichlet" else ("value",):
        if table.has(key):
            other = "robin" if kind == "dirichlet" else "dirichlet"
            raise ProblemFileError(f'{table.key(key)} belongs to kind = "{other}", and this part has kind = "{kind}"')
    name = _part_name(table, domain) if table.has("name") else None
    where = table.condition("where") if table.has("where") else None
    if kind == "dirichlet":
        return [_dirichlet(table, name, where, equation, claims, index)]
    alpha = table.field("alpha", "0")
    if equation.exact is None:
        return [BoundaryPart("robin", name, where, alpha=alpha, flux=table.field("flux", "0"))]
    parts = []
    for piece in domain.part_names if name is None else [name]:
        outward = domain.normal(piece)
        if outward is None and not table.has("flux"):
            table.fail("flux", f"given: '{piece}' is not smooth, so it can't be derived from exact")
        derived = None if outward is None else equation.flux(alpha, outward)
        data = table.field("flux") if derived is None or table.has("flux") else derived
        if derived is not None and data is not derived:
            claims.append(Claim(table.key("flux"), data, derived, part=index + len(parts)))
        parts.append(BoundaryPart("robin", piece, where, alpha=alpha, flux=data))
    return parts


def _part_name(table: Table, domain: Domain) -> str:
    name, known = table.text("name", ""), domain.part_names
    if name not in known:
        raise ProblemFileError(f"{table.key('name')}: the {domain.title} has no boundary {shorten(name)}: {nearest(name, known)}")
    return name


def _dirichlet(
    table: Table, name: str | None, where: Region | None, equation: _Equation, claims: list[Claim], index: int
) -> BoundaryPart:
    if equation.exact is None or table.has("value"):
        data = table.field("value", "0")
        if equation.exact is not None:
            claims.append(Claim(table.key("value"), data, equation.exact, part=index))
    else:
        data = equation.exact
    return BoundaryPart("dirichlet", name, where, value=data)


def _spectrum(table: Table) -> Spectrum:
    wavenumbers = table.numbers("wavenumbers")
    if any(k < 0 for k in wavenumbers):
        table.fail("wavenumbers", "a list of angular wavenumbers, zero or more")
    modes = table.choice("modes", "", get_args(ModeFamily)) if table.has("modes") else None
    return Spectrum(modes, tuple(wavenumbers), tuple(table.numbers("direction")))
