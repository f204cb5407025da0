"""Reading of the [boundary] table of a problem file."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

from pdefreq.core.errors import ProblemFileError
from pdefreq.core.findings import Findings, MissingValueError
from pdefreq.core.registry import nearest
from pdefreq.core.table_keys import Key, Table
from pdefreq.core.text_kinds import Choice, Condition, Formula, Text
from pdefreq.domains.domain import Domain
from pdefreq.problem.boundary_conditions import BoundaryKind, BoundaryPart
from pdefreq.problem.expressions import Region
from pdefreq.problem.expressions.scope import shorten
from pdefreq.problem.files.checks import Claim
from pdefreq.problem.files.equation import StatedEquation
from pdefreq.problem.toml_tables import TomlTable

PART_KEYS = (
    Key(
        "name",
        Text(),
        "a side of the domain; for a periodic part, an axis",
        otherwise="the whole boundary",
        examples=("x-max",),
    ),
    Key(
        "where",
        Condition(),
        "the points of the part",
        otherwise="everywhere",
        examples=("y > 0.5",),
    ),
    Key(
        "kind",
        Choice(get_args(BoundaryKind), aliases=("neumann",)),
        "dirichlet: u = value; robin: A |grad u|^(p-2) du/dn + alpha u = flux; periodic: u is periodic along an axis",
        default="dirichlet",
    ),
    Key("value", Formula(), "the value of a Dirichlet condition", default="0", otherwise="the values of `exact`"),
    Key("alpha", Formula(), "the nonnegative coefficient of a Robin condition; 0 for a Neumann condition", default="0"),
    Key("flux", Formula(), "the flux of a Robin or Neumann condition", default="0", otherwise="the flux of `exact`"),
)
BOUNDARY_KEYS = (
    Key(
        "value",
        Formula(),
        "u on the boundary outside of the parts",
        otherwise="the values of `exact`; required if there is neither `exact` nor a part",
        examples=("0",),
    ),
    Key("part", Table(PART_KEYS, repeated=True), "parts of the boundary; where they overlap, the first one applies"),
)


def read_boundary(
    table: TomlTable, stated: StatedEquation | None, domain: Domain | None, claims: list[Claim], findings: Findings
) -> tuple[BoundaryPart, ...]:
    """The boundary parts in the order of the file, then `value` on the rest of the boundary.

    Args:
        table: The table.
        stated: The equation; None if it has errors, in which case only the formulas are checked.
        domain: The domain; None if it has errors, in which case names of sides are not checked.
        claims: A list to which pairs of fields that must agree are added.
        findings: The errors of the file; those in a part are added.

    Raises:
        ProblemFileError: If the conditions are missing, or a regression has conditions.
    """
    table = replace(table, keys=BOUNDARY_KEYS)
    rows = [replace(table, values=row, path="boundary.part", keys=PART_KEYS) for row in table.values.get("part", [])]
    if stated is None:
        for own in (table, *rows):
            _check_formulas(own)
        return ()
    if stated.equation.is_regression:
        if table.values:
            raise ProblemFileError("[boundary] a regression (diffusion = 0) has no boundary conditions; leave the table out")
        return ()
    parts: list[BoundaryPart] = []
    for own in rows:
        found: list[BoundaryPart] = [BoundaryPart("dirichlet")]  # in place of a part with errors
        with findings.collecting():
            found = _parts(own, stated, domain, claims, len(parts))
        parts += [part for part in found if part.kind != "periodic" or part not in parts]  # both sides name the same pair
    pairs = {part.name for part in parts if part.kind == "periodic"}
    sides = {} if domain is None else domain.opposite_sides
    open_sides = len(parts) == len(pairs) and len(pairs) < max(1, len(sides))
    if table.has("value") or (open_sides and stated.exact is not None):
        parts.append(_dirichlet(table, None, None, stated, claims, len(parts)))
    if not parts:
        raise MissingValueError('[boundary] is missing: give value = "0", [[boundary.part]], or exact in [equation]', "boundary")
    return tuple(parts)


def _check_formulas(table: TomlTable) -> None:
    """Report the errors in the formulas and conditions of a table that can't be read otherwise."""
    for key in table.keys:
        if table.has(key) and isinstance(key, Key) and isinstance(key.kind, (Formula, Condition)):
            table.read(key)


def _parts(
    table: TomlTable, stated: StatedEquation, domain: Domain | None, claims: list[Claim], index: int
) -> list[BoundaryPart]:
    """The parts of one [[boundary.part]]. With `exact`, a Robin part is split by side, because its flux depends on the normal."""
    try:
        kind = replace(table, report=None).read("kind")
        if kind == "periodic":
            return [_pair(table, domain)]
        for key in ("alpha", "flux") if kind == "dirichlet" else ("value",):
            if table.has(key):
                other = "robin" if kind == "dirichlet" else "dirichlet"
                raise ProblemFileError(f'{table.key(key)} belongs to kind = "{other}", but this part has kind = "{kind}"')
        name = _part_name(table, domain) if table.has("name") else None
    except ProblemFileError:
        _check_formulas(table)
        raise
    where = table.read("where") if table.has("where") else None
    if kind == "dirichlet":
        return [_dirichlet(table, name, where, stated, claims, index)]
    alpha = table.read("alpha")
    if stated.exact is None or domain is None:
        return [BoundaryPart("robin", name, where, alpha=alpha, flux=table.read("flux"))]
    parts = []
    for piece in domain.part_names if name is None else [name]:
        outward = domain.normal(piece)
        if outward is None and not table.has("flux"):
            raise ProblemFileError(
                f"{table.key('flux')} is missing for '{piece}', which is not smooth, so that exact does not determine it: add it"
            )
        derived = None if outward is None else stated.flux(alpha, outward)
        data = table.read("flux") if derived is None or table.has("flux") else derived
        if derived is not None and data is not derived:
            claims.append(Claim(table.key("flux"), data, derived, part=index + len(parts)))
        parts.append(BoundaryPart("robin", piece, where, alpha=alpha, flux=data))
    return parts


def _pair(table: TomlTable, domain: Domain | None) -> BoundaryPart:
    """A periodic [[boundary.part]], named by an axis or by a side perpendicular to it."""
    for key in ("value", "alpha", "flux", "where"):
        if table.has(key):
            raise ProblemFileError(f'{table.key(key)} has no effect on a part with kind = "periodic": leave it out')
    if domain is not None and not domain.opposite_sides:
        raise ProblemFileError(
            f'{table.key("kind")} = "periodic" joins opposite sides of a box, but the domain is a {domain.title}: '
            "prescribe a value or a flux instead"
        )
    known = ("x",) if domain is None else tuple(domain.opposite_sides)
    if not table.has("name"):
        table.fail("name", f"the pair of sides that is periodic, {' or '.join(known)}")
    name = table.read("name")
    if domain is not None and name not in (*known, *domain.part_names):
        raise ProblemFileError(
            f"{table.key('name')}: the {domain.title} has no pair of sides {shorten(name)}: {nearest(name, known)}"
        )
    return BoundaryPart("periodic", name)


def _part_name(table: TomlTable, domain: Domain | None) -> str:
    name = replace(table, report=None).read("name")
    if domain is not None and name not in domain.part_names:
        raise ProblemFileError(
            f"{table.key('name')}: the {domain.title} has no boundary {shorten(name)}: {nearest(name, domain.part_names)}"
        )
    return name


def _dirichlet(
    table: TomlTable, name: str | None, where: Region | None, stated: StatedEquation, claims: list[Claim], index: int
) -> BoundaryPart:
    if stated.exact is None or table.has("value"):
        data = table.read("value")
        if stated.exact is not None:
            claims.append(Claim(table.key("value"), data, stated.exact, part=index))
    else:
        data = stated.exact
    return BoundaryPart("dirichlet", name, where, value=data)
