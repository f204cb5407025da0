"""Construction of a `Problem` from the tables of a problem file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from pdefreq.core.errors import ProblemFileError, UnknownNameError
from pdefreq.core.fields import Field, Quotient
from pdefreq.core.registry import nearest
from pdefreq.domains.domain import Domain
from pdefreq.problem.boundary_conditions import BoundaryKind, BoundaryPart
from pdefreq.problem.data import Data
from pdefreq.problem.expressions import Region
from pdefreq.problem.expressions.scope import Scope, check_parameter_name, shorten
from pdefreq.problem.files.checks import Claim, check
from pdefreq.problem.files.coefficient_files import Grids
from pdefreq.problem.files.data import read_data
from pdefreq.problem.files.domains import read_domain
from pdefreq.problem.files.equation import StatedEquation
from pdefreq.problem.files.findings import Findings
from pdefreq.problem.problem import Problem
from pdefreq.problem.spectrum import ModeFamily, Spectrum
from pdefreq.problem.terms.reaction import Reaction
from pdefreq.problem.toml_tables import Files, TomlTable


def read_problem(
    document: Mapping[str, Any],
    *,
    name: str,
    text: str,
    overrides: dict[str, float | str],
    locate: Callable[[str], Path],
    trust: bool = False,
) -> Problem:
    """The problem described by the tables of a problem file.

    Args:
        document: The tables of the file, with keys checked by `keys.check_document`.
        name: The name of the problem.
        text: The text of the file.
        overrides: Values for parameters and for ``dimension`` that replace those of the file.
        locate: A function from the name of a file in the text to its path.
        trust: Whether Python files that the text names may be loaded.

    Raises:
        UnknownNameError: If an override is not the name of a parameter.
        ProblemFileError: If a value is malformed or the problem is inconsistent.
    """
    raw = document.get("parameters", {})
    for key in overrides:
        if key not in (*raw, "dimension"):
            raise UnknownNameError(
                f"problem '{name}' has no parameter {shorten(key)}: the parameters are {', '.join([*raw, 'dimension'])}"
            )
    findings = Findings()
    parameters: dict[str, float] = {}
    for key, value in {**raw, **{k: v for k, v in overrides.items() if k in raw}}.items():
        parameters[key] = 1.0
        with findings.collecting():
            check_parameter_name(key, "[parameters]")
            earlier = {known: parameters[known] for known in parameters if known != key}
            parameters[key] = TomlTable({key: value}, "parameters", Scope(None, earlier)).number(key)
    changed = {"dimension": overrides["dimension"]} if "dimension" in overrides else {}
    files = Files(locate, trust)
    domain = None
    with findings.collecting():
        domain = read_domain(TomlTable(document.get("domain", {}) | changed, "domain", Scope(None, parameters)), files)
    if domain is None:  # the names of coordinates and boundary parts are unknown
        findings.raise_all()
    assert domain is not None
    scope = Scope(domain.dimension, parameters | {"dimension": float(domain.dimension)})

    head = TomlTable(document, "", scope)

    def table(section: str) -> TomlTable:
        return TomlTable(document.get(section, {}), section, scope, report=findings.add)

    data, grids, stated, boundary = None, None, None, ()
    claims: list[Claim] = []
    with findings.collecting():
        data = read_data(table("data"), domain, files)
    with findings.collecting():
        grids = Grids.of(table("equation"), domain, files)
        stated = StatedEquation.read(replace(table("equation"), stored=grids), data, files)
        grids.require_use(table("equation"))
        claims = stated.claims()
    if stated is not None:
        with findings.collecting():
            boundary = _boundary(table("boundary"), stated, domain, claims, findings)
    title, citation, spectrum, singular = "", "", Spectrum(), ()
    with findings.collecting():
        title = head.text("title", "")
    with findings.collecting():
        citation = head.text("citation", "")
    with findings.collecting():
        spectrum = _spectrum(table("spectrum"))
    with findings.collecting():
        singular = tuple(map(tuple, table("equation").points("singular")))
    findings.raise_all()
    assert stated is not None
    problem = Problem(
        domain=domain,
        source=stated.source,
        boundary=boundary,
        terms=stated.equation.terms,
        exact=stated.exact or _pictured(stated, data),
        title=title,
        name=name,
        citation=citation,
        data=data,
        spectrum=spectrum,
        parameters=parameters | ({"dimension": float(domain.dimension)} if changed else {}),
        singular=singular,
    )
    check(problem, claims=claims)
    return problem.read_from(text, files.found)


def _pictured(stated: StatedEquation, data: Data | None) -> Field | None:
    """The solution f / c of a regression whose f is a picture, interpolated between the pixels."""
    picture, reaction = data and data.interpolant, stated.equation.find(Reaction)
    if picture is None or reaction is None or not stated.equation.is_regression:
        return None
    return picture if reaction.coefficient.constant == 1 else Quotient(picture, reaction.coefficient)


def _boundary(
    table: TomlTable, stated: StatedEquation, domain: Domain, claims: list[Claim], findings: Findings
) -> tuple[BoundaryPart, ...]:
    """The boundary parts in the order of the file, then `value` on the rest of the boundary."""
    if stated.equation.is_regression:
        if table.values:
            raise ProblemFileError("[boundary] a regression (diffusion = 0) has no boundary conditions; leave the table out")
        return ()
    parts: list[BoundaryPart] = []
    for row in table.values.get("part", []):
        found: list[BoundaryPart] = [BoundaryPart("dirichlet")]  # in place of a part with errors
        with findings.collecting():
            found = _parts(replace(table, values=row, path="boundary.part"), stated, domain, claims, len(parts))
        parts += [part for part in found if part.kind != "periodic" or part not in parts]  # both sides name the same pair
    pairs = {part.name for part in parts if part.kind == "periodic"}
    open_sides = len(parts) == len(pairs) and len(pairs) < max(1, len(domain.opposite_sides))
    if table.has("value") or (open_sides and stated.exact is not None):
        parts.append(_dirichlet(table, None, None, stated, claims, len(parts)))
    if not parts:
        raise ProblemFileError('[boundary] is missing: give value = "0", or parts, or exact in [equation]')
    return tuple(parts)


def _parts(table: TomlTable, stated: StatedEquation, domain: Domain, claims: list[Claim], index: int) -> list[BoundaryPart]:
    """The parts of one [[boundary.part]]. If `exact` is known, a Robin part is split by side, since its flux uses the normal."""
    kind = table.choice("kind", "dirichlet", get_args(BoundaryKind))
    if kind == "periodic":
        return [_pair(table, domain)]
    for key in ("alpha", "flux") if kind == "dirichlet" else ("value",):
        if table.has(key):
            other = "robin" if kind == "dirichlet" else "dirichlet"
            raise ProblemFileError(f'{table.key(key)} belongs to kind = "{other}", but this part has kind = "{kind}"')
    name = _part_name(table, domain) if table.has("name") else None
    where = table.condition("where") if table.has("where") else None
    if kind == "dirichlet":
        return [_dirichlet(table, name, where, stated, claims, index)]
    alpha = table.field("alpha", "0")
    if stated.exact is None:
        return [BoundaryPart("robin", name, where, alpha=alpha, flux=table.field("flux", "0"))]
    parts = []
    for piece in domain.part_names if name is None else [name]:
        outward = domain.normal(piece)
        if outward is None and not table.has("flux"):
            raise ProblemFileError(
                f"{table.key('flux')} is missing for '{piece}', which is not smooth, so that exact does not determine it: give it"
            )
        derived = None if outward is None else stated.flux(alpha, outward)
        data = table.field("flux") if derived is None or table.has("flux") else derived
        if derived is not None and data is not derived:
            claims.append(Claim(table.key("flux"), data, derived, part=index + len(parts)))
        parts.append(BoundaryPart("robin", piece, where, alpha=alpha, flux=data))
    return parts


def _pair(table: TomlTable, domain: Domain) -> BoundaryPart:
    """A periodic [[boundary.part]], named by an axis or by a side perpendicular to it."""
    known = domain.opposite_sides
    for key in ("value", "alpha", "flux", "where"):
        if table.has(key):
            raise ProblemFileError(f'{table.key(key)} has no effect on a part with kind = "periodic": leave it out')
    if not known:
        raise ProblemFileError(
            f'{table.key("kind")} = "periodic" joins opposite sides of a box, but the domain is a {domain.title}: '
            "prescribe a value or a flux instead"
        )
    if not table.has("name"):
        table.fail("name", f"the pair of sides that is periodic, {' or '.join(known)}")
    name = table.text("name", "")
    if name not in (*known, *domain.part_names):
        raise ProblemFileError(
            f"{table.key('name')}: the {domain.title} has no pair of sides {shorten(name)}: {nearest(name, known)}"
        )
    return BoundaryPart("periodic", name)


def _part_name(table: TomlTable, domain: Domain) -> str:
    name, known = table.text("name", ""), domain.part_names
    if name not in known:
        raise ProblemFileError(f"{table.key('name')}: the {domain.title} has no boundary {shorten(name)}: {nearest(name, known)}")
    return name


def _dirichlet(
    table: TomlTable, name: str | None, where: Region | None, stated: StatedEquation, claims: list[Claim], index: int
) -> BoundaryPart:
    if stated.exact is None or table.has("value"):
        data = table.field("value", "0")
        if stated.exact is not None:
            claims.append(Claim(table.key("value"), data, stated.exact, part=index))
    else:
        data = stated.exact
    return BoundaryPart("dirichlet", name, where, value=data)


def _spectrum(table: TomlTable) -> Spectrum:
    wavenumbers = table.numbers("wavenumbers")
    if any(k < 0 for k in wavenumbers):
        table.fail("wavenumbers", "a list of nonnegative angular wavenumbers")
    modes = table.choice("modes", "", get_args(ModeFamily)) if table.has("modes") else None
    return Spectrum(modes, tuple(wavenumbers), tuple(table.numbers("direction")))
