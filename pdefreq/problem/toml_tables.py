"""Typed access to the values of the tables of a problem file, and to the files that they name."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn, Self

from pdefreq.core.errors import ProblemFileError, UntrustedCodeError
from pdefreq.core.fields import ConstantField, Field
from pdefreq.core.findings import MissingValueError
from pdefreq.core.number_kinds import Whole
from pdefreq.core.registry import Registry
from pdefreq.core.table_keys import Key, named
from pdefreq.problem.expressions import Region, parse_condition, parse_field, parse_number
from pdefreq.problem.expressions.scope import Scope, shorten

_ALIKE = 0.75  # similarity from which an unknown word is taken for a known one


@dataclass(frozen=True)
class TomlTable:
    """A table: values by key, with the names that its expressions may use.

    Each method raises `ProblemFileError` with the key and the value if a value does not have the expected type.
    """

    values: Mapping[str, Any]
    path: str
    scope: Scope
    stored: Callable[[TomlTable, str], Field | None] | None = None
    """A function that reads a field from a file named by a value and returns None for other values; None allows formulas only."""

    report: Callable[[ProblemFileError], None] | None = None
    """A function that keeps errors in values, for which other values are substituted; with None errors are raised."""

    keys: Sequence[str] = ()
    """The definitions of the keys."""

    def read(self, name: str) -> Any:
        """The value of a key according to its definition in `keys`."""
        key = named(self.keys, name)
        if not key.kind.has_substitute:
            return key.kind.read(self, key)
        return self._or_report(lambda: key.kind.read(replace(self, report=None), key), key.kind.substitute(self))

    def has(self, key: str) -> bool:
        return key in self.values

    def key(self, key: str) -> str:
        return f"[{self.path}] {key}" if self.path else key

    def fail(self, key: str, expected: str) -> NoReturn:
        if key not in self.values:
            raise MissingValueError(f"{self.key(key)} must be {expected}, but it is missing", self.path)
        raise ProblemFileError(f"{self.key(key)} must be {expected}, got {shorten(self.values[key])}")

    def text(self, key: str, default: str) -> str:
        value = self.values.get(key, default)
        return " ".join(value.split()) if isinstance(value, str) else self.fail(key, "text in quotes")

    def choice(self, key: str, default: str | None, known: Sequence[str], aliases: Sequence[str] = ()) -> Any:
        """One of several words. The message for another word suggests the nearest one, also among aliases."""
        value = self.values.get(key, default)
        if value in known:
            return value
        expected = " or ".join(f'"{k}"' for k in known)
        near = difflib.get_close_matches(str(value).lower(), [*known, *aliases], n=1, cutoff=_ALIKE)
        if isinstance(value, str) and near:
            raise ProblemFileError(f"{self.key(key)} must be {expected}, got {shorten(value)}: did you mean '{near[0]}'?")
        self.fail(key, expected)

    def number(self, key: str, default: float | None = None) -> float:
        return self._number(key, self.values.get(key, default))

    def _or_report(self, read: Callable[[], Any], substitute: Any) -> Any:
        try:
            return read()
        except ProblemFileError as error:
            if self.report is None:
                raise
            self.report(error)
            return substitute

    def whole(self, key: str, default: int | None, lowest: int, highest: int) -> int:
        value = self.number(key, default)
        if not value.is_integer() or not lowest <= value <= highest:
            self.fail(key, f"an integer from {lowest} to {highest}")
        return int(value)

    def numbers(self, key: str) -> list[float]:
        value = self.values.get(key, [])
        return [self._number(key, v) for v in (value if isinstance(value, list) else [value])]

    def points(self, key: str) -> list[list[float]]:
        value, d = self.values.get(key, []), self.scope.dimension
        if not isinstance(value, list) or not all(isinstance(p, list) and len(p) == d for p in value):
            self.fail(
                key, f"a list of points with {d} coordinate{'s' * (d != 1)} each, such as [[{', '.join(['0'] * (d or 1))}]]"
            )
        return [[self._number(key, v) for v in point] for point in value]

    def field(self, key: str, default: str | None = None) -> Field:
        return self._or_report(lambda: self._field(key, default), ConstantField(1.0))

    def _field(self, key: str, default: str | None) -> Field:
        if self.stored is not None and (field := self.stored(self, key)) is not None:
            return field
        return parse_field(self._expression(key, default), self.scope, self.key(key))

    def condition(self, key: str) -> Region:
        return parse_condition(self._expression(key, None), self.scope, self.key(key))

    def _expression(self, key: str, default: str | None) -> str:
        value = self.values.get(key, default)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return repr(self._number(key, value))
        return value if isinstance(value, str) else self.fail(key, "an expression in quotes, or a number")

    def _number(self, key: str, value: Any) -> float:
        if isinstance(value, str):
            return parse_number(value, self.scope.parameters, self.key(key))
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not abs(value) < 1e300:  # also refuses NaN
            self.fail(key, "a finite number, or an expression in quotes with a finite value")
        return float(value)


@dataclass
class Files:
    """The files that a problem file names.

    Args:
        locate: A function from the name of a file as written to its path.
        trust: Whether Python files may be loaded.
        found: The files that have been located: name as written -> path.
    """

    locate: Callable[[str], Path]
    trust: bool = False
    found: dict[str, Path] = field(default_factory=dict)

    def path(self, table: TomlTable, key: str) -> Path:
        """The path of the file that a table names."""
        name = table.values.get(key)
        if not isinstance(name, str) or not name or "\0" in name:
            table.fail(key, 'the name of a file in quotes, such as "meshes/gear.msh"')
        self.found[name] = self.locate(name)
        return self.found[name]

    def registered(self, registry: Registry, name: str, key: str) -> Any:
        """The registered object with a name, or the object ``file.py:Name`` of a Python file beside the problem file.

        Raises:
            UnknownNameError: If the name does not exist.
            UntrustedCodeError: If the name refers to a Python file and Python files are not trusted.
        """
        file, _, attribute = name.rpartition(":")
        if not file.endswith(".py"):
            return registry.load(name)
        if not self.trust:
            raise UntrustedCodeError(
                f"{key} names Python code in {shorten(file)}, which is executed only if you trust it: use --trust (`trust=True`)",
                files=[file],
            )
        self.found[file] = self.locate(file)
        return registry.load(f"{self.found[file]}:{attribute}")


@dataclass(frozen=True, kw_only=True)
class DomainTable(TomlTable):
    """A [domain] table, or one row of its holes, from which a class of domains reads its keys.

    Args:
        files: The files that the table names.
        size: The space dimension; 0 while it is not known.
    """

    files: Files
    size: int = 0

    def sized(self, dimension: Key) -> Self:
        """A copy with its dimension: the stated one, or the length of the longest list that could be a point.

        Expressions of the copy may use `dimension`.

        Args:
            dimension: The definition of the dimension: its range, and the default if no list determines it.
        """
        known = dimension.kind
        assert isinstance(known, Whole)
        lists = [len(v) for key, v in self.values.items() if isinstance(v, list) and key != "holes"]  # a list of domains
        longest = max((n for n in lists if known.least <= n <= known.most), default=dimension.default)
        d = self._or_report(lambda: self.whole(dimension, longest, known.least, known.most), longest)
        return replace(self, scope=Scope(d, {**self.scope.parameters, "dimension": float(d)}), size=d)

    def corner(self, key: str, default: float | None = None) -> tuple[float, ...]:
        """One number for each dimension; a single number is repeated."""
        if not self.has(key):
            if default is None:
                self.fail(key, "a number, or a list with one for each dimension")
            return (default,) * self.size
        values = self.numbers(key)
        if len(values) != (self.size if isinstance(self.values[key], list) else 1):
            self.fail(key, f"one number, or a list of {self.size} numbers, because the dimension is {self.size}")
        return tuple(values * (self.size // len(values)))

    def file(self, key: str) -> Path:
        """The path of a file that the table names."""
        return self.files.path(self, key)
