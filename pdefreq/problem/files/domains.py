"""The [domain] table of a problem file."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pdefreq.core.errors import ProblemFileError
from pdefreq.core.registry import Registry, is_file, nearest
from pdefreq.domains import DOMAINS
from pdefreq.problem.expressions.scope import Scope, shorten
from pdefreq.problem.files.tables import Table

if TYPE_CHECKING:
    from pdefreq.domains.domain import Domain

_MAX_DIMENSION = 100
_USUAL = "box"
_COMMON = ("kind", "holes", "mesh")  # keys of every kind


@dataclass
class Files:
    """The files that a problem file names.

    Args:
        locate: Where a file lies, from its name as written.
        trust: Whether Python files may be loaded.
        found: Those that were asked for: name as written -> path.
    """

    locate: Callable[[str], Path]
    trust: bool = False
    found: dict[str, Path] = field(default_factory=dict)

    def path(self, table: Table, key: str) -> Path:
        """The path of the file that a table names."""
        name = table.values.get(key)
        if not isinstance(name, str) or not name or "\0" in name:
            table.fail(key, 'the name of a file in quotes, such as "meshes/gear.msh"')
        self.found[name] = self.locate(name)
        return self.found[name]

    def registered(self, registry: Registry, name: str, key: str) -> Any:
        """What a name in a registry stands for, or a ``file.py:Name`` beside the problem file.

        Raises:
            UnknownNameError: If there is no such name.
            ProblemFileError: If it stands in a Python file, and these are not trusted.
        """
        file, _, attribute = name.rpartition(":")
        if not file.endswith(".py"):
            return registry.load(name)
        if not self.trust:
            raise ProblemFileError(
                f"{key} names Python code in {shorten(file)}, which is executed only if you trust it: use --trust (`trust=True`)"
            )
        self.found[file] = self.locate(file)
        return registry.load(f"{self.found[file]}:{attribute}")


@dataclass(frozen=True, kw_only=True)
class DomainTable(Table):
    """A [domain] table, or one row of its holes, from which a kind of domain reads its keys.

    Args:
        files: Where files that it names lie.
        size: The space dimension, once it is known.
    """

    files: Files
    size: int = 0

    def sized(self, fewest: int, *, usual: int, most: int = _MAX_DIMENSION) -> Self:
        """The same with its dimension: as stated, else the length of the longest list that could be a point.

        Expressions may then use `dimension`.

        Args:
            fewest: The least one that the kind of domain has.
            usual: Where nothing tells.
            most: The largest one.
        """
        lists = [len(v) for v in self.values.values() if isinstance(v, list)]
        d = self.whole("dimension", max((n for n in lists if fewest <= n <= most), default=usual), fewest, most)
        return replace(self, scope=Scope(d, {**self.scope.parameters, "dimension": float(d)}), size=d)

    def corner(self, key: str, default: float | None = None) -> tuple[float, ...]:
        """One number for each dimension; a number stands for a list of equal ones."""
        if not self.has(key):
            if default is None:
                self.fail(key, "a number, or a list with one for each dimension")
            return (default,) * self.size
        values = self.numbers(key)
        if len(values) != (self.size if isinstance(self.values[key], list) else 1):
            self.fail(key, f"one number, or a list of {self.size} as the dimension is {self.size}")
        return tuple(values * (self.size // len(values)))

    def file(self, key: str) -> Path:
        """The path of a file that the table names."""
        return self.files.path(self, key)


def read_domain(table: Table, files: Files) -> Domain:
    """The domain that a [domain] table describes.

    Raises:
        UnknownNameError: If the kind is that of a file that does not define it.
        ProblemFileError: If the table is malformed, a file is missing, can't be read or is not trusted, or a hole leaves the
            domain.
    """
    if not table.values:
        raise ProblemFileError('[domain] is missing; give kind = "box", lower and upper')
    own = DomainTable(table.values, table.path, table.scope, files=files)
    shape = _shape(own, table.values.get("kind", _USUAL), DOMAINS)
    _check_keys(own, table.values, shape, common=_COMMON, noun="domain")
    if shape.brings_mesh:
        for key in ("holes", "mesh"):
            if table.has(key):
                raise ProblemFileError(
                    f"{table.key(key)} belongs to other kinds of domain: a mesh file holds its own; leave it out"
                )
    base = shape.from_table(own)
    if not table.has("holes"):
        if table.has("mesh"):
            raise ProblemFileError(
                '[domain] mesh belongs to a domain with holes; for a domain that is a mesh write kind = "mesh"'
            )
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
            raise ProblemFileError(f"[domain.holes] must be tables of keys and values, got {shorten(row)}")
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
        raise ProblemFileError(f"{table.key('kind')} must be {' or '.join(known)}, {said}: {nearest(str(kind), known)}")
    shape = table.files.registered(DOMAINS, kind, table.key("kind"))
    if not (isinstance(shape, type) and issubclass(shape, Domain)):
        raise ProblemFileError(f"{table.key('kind')} must be a subclass of Domain, and {shorten(kind)} is none")
    return shape


def _check_keys(table: DomainTable, given: Iterable[str], shape: type[Domain], *, common: Sequence[str], noun: str) -> None:
    """Refuse keys that the kind does not read.

    Raises:
        ProblemFileError: In one sentence with the kind that has the key, or the nearest key.
    """
    for key in given:
        if key in (*common, *shape.keys):
            continue
        owners = [name for name in DOMAINS if key in DOMAINS.load(name).keys]
        if owners:
            kind = table.values.get("kind", _USUAL)
            raise ProblemFileError(
                f'{table.key(key)} belongs to kind = "{owners[0]}", and this {noun} is a {shorten(kind)[1:-1]}; leave it out'
            )
        raise ProblemFileError(f"[{table.path}] unknown key {shorten(key)}: {nearest(key, (*common, *shape.keys))}")
