"""Reading of the [domain] table of a problem file."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pdefreq.core.errors import DomainError, ProblemFileError
from pdefreq.core.findings import Findings, MissingValueError
from pdefreq.core.number_kinds import PerAxis
from pdefreq.core.registry import Registry, is_file, nearest
from pdefreq.core.table_keys import Key, Other
from pdefreq.core.text_kinds import FileName
from pdefreq.domains import DOMAINS
from pdefreq.domains.domain import dimension_key
from pdefreq.problem.expressions.scope import shorten
from pdefreq.problem.files.aliases import aliases_of, hole_without_aliases
from pdefreq.problem.files.key_names import renamed
from pdefreq.problem.toml_tables import DomainTable, Files, TomlTable

if TYPE_CHECKING:
    from pdefreq.domains.domain import Domain

_USUAL = "box"
_ALIKE = 0.7  # least similarity at which an unknown kind is read as the known kind that it resembles
DOMAIN_KEYS = (
    Key(
        "kind",
        Other("a kind of domain, or my_domain.py:Name with `--trust`"),
        "the shape; its keys are listed below",
        default=_USUAL,
    ),
    Key(
        "holes",
        Other("a list of tables with a kind and its keys, or the name of a .csv file with midpoints and radii"),
        "closed sets that are removed from the domain: boxes, balls, ellipses and polygons inside it",
        otherwise="none",
        examples=([{"kind": "disk", "midpoint": [0.5, 0.5], "radius": 0.1}], "holes.csv"),
    ),
    Key(
        "mesh",
        FileName((".msh", ".vtu", ".xdmf")),
        "a mesh of the domain with its holes; its boundaries have the names of the parts of the domain",
        otherwise="a generated mesh; in space, gmsh generates it",
        examples=("my_mesh.msh",),
    ),
)
"""The keys of every kind of domain."""


def read_domain(table: TomlTable, files: Files, findings: Findings | None = None) -> Domain | None:
    """The domain described by a [domain] table.

    Args:
        table: The table.
        files: The files of the problem.
        findings: The errors of the file, to which those of the table are added; without it they are raised.

    Returns:
        The domain, or None if the table has errors and `findings` are given.

    Raises:
        UnknownNameError: If the kind names a file that does not define it.
        DomainError: If the table is malformed, a file is missing, unreadable or not trusted, or a hole is not contained in
            the domain.
    """
    own = Findings()
    domain = None
    with own.collecting():
        domain = _read(table, files, own)
    if findings is None:
        own.raise_all()
    else:
        findings.take(own)
    return None if len(own) else domain


def stated_dimension(table: TomlTable) -> int | None:
    """The dimension that a [domain] table with errors states or implies; None if it is unknown or contradicts a list."""
    kind = _alike(table.values.get("kind", _USUAL))
    keys = DOMAINS.load(kind).keys if isinstance(kind, str) and kind in DOMAINS else (dimension_key(1, default=0),)
    known = next((key for key in keys if key == "dimension" and isinstance(key, Key)), None)
    if known is None:
        return 2 if kind == "polygon" else None
    try:
        found = DomainTable(table.values, table.path, table.scope, files=Files(Path)).sized(known).size
    except ProblemFileError:
        return None
    points = [table.values[key] for key in keys if isinstance(key, Key) and isinstance(key.kind, PerAxis) and table.has(key)]
    return found if all(len(point) == found for point in points if isinstance(point, list)) else None


def _read(table: TomlTable, files: Files, findings: Findings) -> Domain | None:
    if not table.values:
        raise MissingValueError('[domain] is missing; give kind = "box", lower and upper', "domain")
    own = DomainTable(table.values, table.path, table.scope, files=files, report=findings.add)
    kind = table.values.get("kind", _USUAL)
    try:
        shape = _shape(own, kind, DOMAINS)
    except DomainError as error:
        if _alike(kind) == kind:
            raise
        findings.add(error)
        own = replace(own, values={**own.values, "kind": _alike(kind)})
        shape = _shape(own, _alike(kind), DOMAINS)
    own = _with_known_keys(own, shape, DOMAIN_KEYS, "domain", findings)
    if shape.brings_mesh:
        for key in ("holes", "mesh"):
            if own.has(key):
                findings.add(
                    DomainError(
                        f"{own.key(key)} belongs to other kinds of domain and is determined by the mesh file here; leave it out"
                    )
                )
    base = _built(shape, own, findings)
    if not own.has("holes"):
        if own.has("mesh") and not shape.brings_mesh:
            raise DomainError('[domain] mesh belongs to a domain with holes; for a domain that is a mesh write kind = "mesh"')
        return base
    from pdefreq.domains.holes import WithHoles
    from pdefreq.domains.mesh_domain import MeshDomain

    dimension = stated_dimension(own) if base is None else base.dimension
    holes = () if dimension is None else _holes(own, dimension, findings)
    if base is None or len(findings):
        return None
    mesh = MeshDomain.read(own.file("mesh")) if own.has("mesh") else None
    return WithHoles(base, holes, mesh)


def _alike(kind: Any) -> Any:
    """The kind of domain that an unknown name resembles, with which the other keys of the table are checked, or the same name."""
    known = isinstance(kind, str) and (kind in DOMAINS or is_file(kind))
    close = [] if known or not isinstance(kind, str) else difflib.get_close_matches(kind.lower(), DOMAINS, n=1, cutoff=_ALIKE)
    return close[0] if close else kind


def _built(shape: type[Domain], table: DomainTable, findings: Findings) -> Domain | None:
    """The shape that a table describes, or None if the table has errors, for which other values were substituted."""
    before = len(findings)
    try:
        built = shape.from_table(table)
    except ProblemFileError as error:
        if len(findings) == before:  # otherwise the error may follow from the substituted values
            findings.add(error)
        return None
    return built if len(findings) == before else None


def _holes(table: DomainTable, dimension: int, findings: Findings) -> tuple[Domain, ...]:
    rows = table.values["holes"]
    if isinstance(rows, str):
        from pdefreq.domains.holes import holes_from_csv

        return holes_from_csv(table.file("holes"), dimension)
    if not isinstance(rows, list) or not rows:
        table.fail("holes", 'a list such as [{kind = "ball", midpoint = [0, 0], radius = 0.1}], or the name of a .csv file')
    known = [name for name in DOMAINS if DOMAINS.load(name).can_be_hole]
    holes = []
    for row in rows:
        with findings.collecting():
            if not isinstance(row, dict):
                raise DomainError(f"[domain.holes] must be tables of keys and values, got {shorten(row)}")
            row = hole_without_aliases(row, dimension, findings)  # the key may have been misspelled, so that aliases are left
            hole = replace(table, values={"dimension": dimension, **row}, path="domain.holes")
            shape = _shape(hole, row.get("kind"), known)
            built = _built(shape, _with_known_keys(hole, shape, ("dimension", "kind"), "hole", findings), findings)
            holes += [] if built is None else [built]
    return tuple(holes)


def _shape(table: DomainTable, kind: Any, known: Collection[str] | Registry) -> type[Domain]:
    """The class of a kind of domain."""
    from pdefreq.domains.domain import Domain

    if not isinstance(kind, str) or (kind not in known and not is_file(kind)):
        said = "but it is missing" if kind is None else f"got {shorten(kind)}"
        near = nearest(str(kind), [*known, *aliases_of(known)])
        raise DomainError(f"{table.key('kind')} must be {' or '.join(known)}, {said}: {near}")
    shape = table.files.registered(DOMAINS, kind, table.key("kind"))
    if not (isinstance(shape, type) and issubclass(shape, Domain)):
        raise DomainError(f"{table.key('kind')} must be a subclass of Domain, got {shorten(kind)}")
    return shape


def _with_known_keys(
    table: DomainTable, shape: type[Domain], common: Sequence[str], noun: str, findings: Findings
) -> DomainTable:
    """The table with the definitions of its keys. Unknown keys are reported, with the kind that has them or the nearest key."""
    values = dict(table.values)
    for key in table.values:
        if key in (*common, *shape.keys):
            continue
        owners = [name for name in DOMAINS if key in DOMAINS.load(name).keys]
        if owners:
            kind = table.values.get("kind", _USUAL)
            findings.add(
                DomainError(
                    f'{table.key(key)} belongs to kind = "{owners[0]}", but this {noun} is a {shorten(kind)[1:-1]}; leave it out'
                )
            )
            findings.incomplete.add(table.path)
            del values[key]
    return replace(table, values=dict(renamed(values, (*common, *shape.keys), table.path, findings)), keys=(*common, *shape.keys))
