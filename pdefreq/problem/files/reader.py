"""Construction of a `Problem` from the tables of a problem file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pdefreq.core.errors import UnknownNameError
from pdefreq.core.fields import Field, Quotient
from pdefreq.core.findings import Findings
from pdefreq.problem.data import Data
from pdefreq.problem.expressions.scope import Scope, check_parameter_name, shorten
from pdefreq.problem.files.boundary import read_boundary
from pdefreq.problem.files.checks import Claim, check
from pdefreq.problem.files.coefficient_files import Grids
from pdefreq.problem.files.data import read_data
from pdefreq.problem.files.domains import read_domain, stated_dimension
from pdefreq.problem.files.equation import EQUATION_KEYS, StatedEquation
from pdefreq.problem.files.run_table import read_run
from pdefreq.problem.files.spectrum import read_spectrum
from pdefreq.problem.problem import Problem
from pdefreq.problem.spectrum import Spectrum
from pdefreq.problem.terms.reaction import Reaction
from pdefreq.problem.toml_tables import Files, TomlTable


def read_problem(
    document: Mapping[str, Any],
    *,
    name: str,
    text: str,
    overrides: dict[str, float | str],
    locate: Callable[[str], Path],
    findings: Findings,
    trust: bool = False,
) -> Problem:
    """The problem described by the tables of a problem file.

    Args:
        document: The tables of the file, with known keys only (see `keys.known_part`).
        name: The name of the problem.
        text: The text of the file.
        overrides: Values for parameters and for ``dimension`` that replace those of the file.
        locate: A function from the name of a file in the text to its path.
        findings: Errors in the keys of the file, which are raised together with those found here.
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
    parameters: dict[str, float] = {}
    for key, value in {**raw, **{k: v for k, v in overrides.items() if k in raw}}.items():
        parameters[key] = 1.0
        with findings.collecting():
            check_parameter_name(key, "[parameters]")
            earlier = {known: parameters[known] for known in parameters if known != key}
            parameters[key] = TomlTable({key: value}, "parameters", Scope(None, earlier)).number(key)
    changed = {"dimension": overrides["dimension"]} if "dimension" in overrides else {}
    files = Files(locate, trust)
    place = TomlTable(document.get("domain", {}) | changed, "domain", Scope(None, parameters))
    domain = read_domain(place, files, findings)
    dimension = stated_dimension(place) if domain is None else domain.dimension
    if dimension is None:  # the names of coordinates are unknown
        with findings.collecting():
            read_run(document.get("run", {}))
        findings.raise_all()
    assert dimension is not None
    scope = Scope(None)
    with findings.collecting():
        scope = Scope(dimension, parameters | {"dimension": float(dimension)})
    if scope.dimension is None:  # a parameter has the name of a coordinate
        findings.raise_all()

    head = TomlTable(document, "", scope)

    def table(section: str) -> TomlTable:
        return TomlTable(document.get(section, {}), section, scope, report=findings.add)

    data, grids, stated, source, boundary = None, None, None, None, ()
    claims: list[Claim] = []
    if domain is None:  # files of [data], which may define the source, are not read
        findings.incomplete |= {"equation"} if table("data").values else set()
    with findings.collecting(), findings.leaving_incomplete("equation"):  # the file of [data] may define the source
        data = read_data(table("data"), domain, files)
    with findings.collecting():
        grids = Grids.of(table("equation"), domain, files)
        stated = StatedEquation.read(replace(table("equation"), stored=grids), data, files)
        grids.require_use(table("equation"))
        claims = stated.claims()
        source = stated.source
    with findings.collecting():
        boundary = read_boundary(table("boundary"), stated, domain, claims, findings)
    title, citation, spectrum, singular = "", "", Spectrum(), ()
    with findings.collecting():
        title = head.text("title", "")
    with findings.collecting():
        citation = head.text("citation", "")
    with findings.collecting():
        spectrum = read_spectrum(table("spectrum"))
    with findings.collecting():
        singular = replace(table("equation"), keys=EQUATION_KEYS).read("singular")
    with findings.collecting():
        read_run(document.get("run", {}))
    findings.raise_all()
    assert domain is not None
    assert stated is not None
    problem = Problem(
        domain=domain,
        source=source,
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
