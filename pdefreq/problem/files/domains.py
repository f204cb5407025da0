"""Reading of the [domain] table of a problem file."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from pdefreq.core.errors import DomainError
from pdefreq.core.registry import Registry, is_file, nearest
from pdefreq.domains import DOMAINS
from pdefreq.problem.expressions.scope import shorten
from pdefreq.problem.toml_tables import DomainTable, Files, TomlTable

if TYPE_CHECKING:
    from pdefreq.domains.domain import Domain

_USUAL = "box"
_COMMON = ("kind", "holes", "mesh")  # keys of every kind


def read_domain(table: TomlTable, files: Files) -> Domain:
    """The domain described by a [domain] table.

    Raises:
        UnknownNameError: If the kind names a file that does not define it.
        DomainError: If the table is malformed, a file is missing, unreadable or not trusted, or a hole is not contained in
            the domain.
    """
    if not table.values:
        raise DomainError('[domain] is missing; give kind = "box", lower and upper')
    own = DomainTable(table.values, table.path, table.scope, files=files)
    shape = _shape(own, table.values.get("kind", _USUAL), DOMAINS)
    _check_keys(own, table.values, shape, common=_COMMON, noun="domain")
    if shape.brings_mesh:
        for key in ("holes", "mesh"):
            if table.has(key):
                raise DomainError(
                    f"{table.key(key)} belongs to other kinds of domain and is determined by the mesh file here; leave it out"
                )
    base = shape.from_table(own)
    if not table.has("holes"):
        if table.has("mesh"):
            raise DomainError('[domain] mesh belongs to a domain with holes; for a domain that is a mesh write kind = "mesh"')
        return base
    from pdefreq.domains.holes import WithHoles
    from pdefreq.domains.mesh_domain import MeshDomain

    mesh = MeshDomain.read(own.file("mesh")) if table.has("mesh") else None
    return WithHoles(base, _holes(own, base.dimension), mesh)


def _holes(table: DomainTable, dimension: int) -> tuple[Domain, ...]:
    rows = table.values["holes"]
    if isinstance(rows, str):
        from pdefreq.domains.holes import holes_from_csv

        return holes_from_csv(table.file("holes"), dimension)
    if not isinstance(rows, list) or not rows:
        table.fail("holes", 'a list such as [{kind = "ball", midpoint = [0, 0], radius = 0.1}], or the name of a .csv file')
    known = [name for name in DOMAINS if DOMAINS.load(name).can_be_hole]
    holes = []
    for row in rows:
        if not isinstance(row, dict):
            raise DomainError(f"[domain.holes] must be tables of keys and values, got {shorten(row)}")
        hole = DomainTable({"dimension": dimension, **row}, "domain.holes", table.scope, files=table.files)
        shape = _shape(hole, row.get("kind"), known)
        _check_keys(hole, row, shape, common=("kind",), noun="hole")
        holes.append(shape.from_table(hole))
    return tuple(holes)


def _shape(table: DomainTable, kind: Any, known: Collection[str] | Registry) -> type[Domain]:
    """The class of a kind of domain."""
    from pdefreq.domains.domain import Domain

    if not isinstance(kind, str) or (kind not in known and not is_file(kind)):
        said = "but it is missing" if kind is None else f"got {shorten(kind)}"
        raise DomainError(f"{table.key('kind')} must be {' or '.join(known)}, {said}: {nearest(str(kind), known)}")
    shape = table.files.registered(DOMAINS, kind, table.key("kind"))
    if not (isinstance(shape, type) and issubclass(shape, Domain)):
        raise DomainError(f"{table.key('kind')} must be a subclass of Domain, got {shorten(kind)}")
    return shape


def _check_keys(table: DomainTable, given: Iterable[str], shape: type[Domain], *, common: Sequence[str], noun: str) -> None:
    """Check that a class of domains has the given keys.

    Raises:
        DomainError: If a key is unknown; the message contains the kind that has the key, or the nearest key.
    """
    for key in given:
        if key in (*common, *shape.keys):
            continue
        owners = [name for name in DOMAINS if key in DOMAINS.load(name).keys]
        if owners:
            kind = table.values.get("kind", _USUAL)
            raise DomainError(
                f'{table.key(key)} belongs to kind = "{owners[0]}", but this {noun} is a {shorten(kind)[1:-1]}; leave it out'
            )
        raise DomainError(f"[{table.path}] unknown key {shorten(key)}: {nearest(key, (*common, *shape.keys))}")
