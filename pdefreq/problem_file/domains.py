"""The [domain] table of a problem file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pdefreq.domains.box import Box
from pdefreq.errors import ProblemFileError
from pdefreq.expressions.scope import Scope, shorten
from pdefreq.problem_file.tables import Table, check_keys
from pdefreq.registry import Registry, nearest

if TYPE_CHECKING:
    from pdefreq.domains.domain import Domain

_MAX_DIMENSION = 100
_OWN_KEYS = {
    "box": ("dimension", "lower", "upper"),
    "ball": ("dimension", "midpoint", "radius"),
    "ring": ("dimension", "midpoint", "inner", "outer"),
    "ellipse": ("dimension", "midpoint", "half_axes"),
    "mesh": ("file",),
}
_HOLES = ("ball", "ellipse", "box")
DOMAIN_KEYS = ("kind", *dict.fromkeys(key for keys in _OWN_KEYS.values() for key in keys), "holes", "mesh")
"""All that a [domain] table may hold."""


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


def read_domain(table: Table, files: Files) -> Domain:
    """The domain that a [domain] table describes.

    Raises:
        ProblemFileError: If the table is malformed, a file is missing or can't be read, or a hole leaves the domain.
    """
    if not table.values:
        raise ProblemFileError('[domain] is missing; give kind = "box", lower and upper')
    kind = _kind(table, "box", tuple(_OWN_KEYS))
    for key in table.values:
        if key not in ("kind", "holes", "mesh", *_OWN_KEYS[kind]):
            owners = [other for other, keys in _OWN_KEYS.items() if key in keys]
            raise ProblemFileError(f'{table.key(key)} belongs to kind = "{owners[0]}", and this domain is a {kind}; leave it out')
    if kind == "mesh":
        for key in ("holes", "mesh"):
            if table.has(key):
                raise ProblemFileError(
                    f"{table.key(key)} belongs to other kinds of domain: a mesh file holds its own; leave it out"
                )
        from pdefreq.domains.mesh_domain import MeshDomain

        return MeshDomain.read(files.path(table, "file"))
    base = _shape(table, kind)
    if not table.has("holes"):
        if table.has("mesh"):
            raise ProblemFileError(
                '[domain] mesh belongs to a domain with holes; for a domain that is a mesh write kind = "mesh"'
            )
        return base
    from pdefreq.domains.holes import WithHoles
    from pdefreq.domains.mesh_domain import MeshDomain

    mesh = MeshDomain.read(files.path(table, "mesh")) if table.has("mesh") else None
    return WithHoles(base, _holes(table, base.dimension, files), mesh)


def _holes(table: Table, dimension: int, files: Files) -> Any:
    rows = table.values["holes"]
    if isinstance(rows, str):
        from pdefreq.domains.holes import holes_from_csv

        return holes_from_csv(files.path(table, "holes"), dimension)
    if not isinstance(rows, list) or not rows:
        table.fail("holes", 'a list such as [{kind = "ball", midpoint = [0, 0], radius = 0.1}], or the name of a .csv file')
    holes = []
    for row in rows:
        check_keys(row, dict.fromkeys(k for k in DOMAIN_KEYS if k not in ("holes", "mesh", "file")), "domain.holes")
        hole = Table({"dimension": dimension, **row}, "domain.holes", table.scope)
        kind = _kind(hole, None, _HOLES)
        for key in row:
            if key not in ("kind", *_OWN_KEYS[kind]):
                raise ProblemFileError(f"{hole.key(key)} does not belong to a {kind}; leave it out")
        holes.append(_shape(hole, kind))
    return tuple(holes)


def _kind(table: Table, default: str | None, known: tuple[str, ...]) -> str:
    kind = table.values.get("kind", default)
    if kind not in known:
        said = "but it is missing" if kind is None else f"got {shorten(kind)}"
        raise ProblemFileError(f"{table.key('kind')} must be {' or '.join(known)}, {said}: {nearest(str(kind), known)}")
    return kind


def _shape(table: Table, kind: str) -> Any:
    """A box, ball, ring or ellipse; a number stands for a list of equal ones."""
    lists = [len(v) for v in table.values.values() if isinstance(v, list)]
    fewest, usual, most = {"box": (1, 1, _MAX_DIMENSION), "ball": (1, 2, _MAX_DIMENSION), "ring": (2, 2, _MAX_DIMENSION)}.get(
        kind, (2, 2, 2)
    )
    d = table.whole("dimension", max((n for n in lists if fewest <= n <= most), default=usual), fewest, most)
    table = Table(table.values, table.path, Scope(None, {**table.scope.parameters, "dimension": float(d)}))

    def corner(key: str, default: float | None = None) -> tuple[float, ...]:
        if not table.has(key):
            return (default,) * d if default is not None else table.fail(key, "a number, or a list with one for each dimension")
        values = table.numbers(key)
        if len(values) != (d if isinstance(table.values[key], list) else 1):
            table.fail(key, f"one number, or a list of {d} as the dimension is {d}")
        return tuple(values * (d // len(values)))

    match kind:
        case "box":
            return Box(corner("lower"), corner("upper"))
        case "ball":
            from pdefreq.domains.ball import Ball

            return Ball(corner("midpoint", 0.0), table.number("radius"))
        case "ring":
            from pdefreq.domains.ring import Ring

            return Ring(corner("midpoint", 0.0), table.number("inner"), table.number("outer"))
        case _:
            from pdefreq.domains.ellipse import Ellipse

            return Ellipse(corner("midpoint", 0.0), corner("half_axes"))
