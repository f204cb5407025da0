"""Definitions of the keys of TOML tables, from which files are read, checked and documented.

A `Key` is the name of a key with the kind of its value, its default and its meaning. A kind of value has a description in
words, and a method that reads a value from a table; `pdefreq.problem.toml_tables.TomlTable` is such a table.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

_MANY = 10**9  # larger upper limits are not stated in words


class Kind(ABC):
    """A kind of value."""

    @property
    @abstractmethod
    def words(self) -> str:
        """The accepted values in words: ``"a number above 0"``."""

    @abstractmethod
    def read(self, table: Any, key: Key) -> Any:
        """The value of a key of a table, or its default if the table does not have the key.

        Args:
            table: The `TomlTable`.
            key: The key.

        Raises:
            ProblemFileError: If the value is not of this kind, or missing and without a default.
        """

    has_substitute: ClassVar[bool] = True
    """Whether `substitute` returns a value; otherwise an error ends the reading of a table."""

    def substitute(self, table: Any) -> Any:
        """A value used in place of an invalid one, so that the remaining keys of a table can be read."""
        return None


class Key(str):
    """The name of a key of a table, with the definition of its value.

    Args:
        name: The name.
        kind: The kind of value.
        meaning: The meaning of the value, as a clause without a full stop.
        default: The value if the key is missing; None if the key has no default value.
        otherwise: The default in words, for the documentation. A key without `default` and `otherwise` is required.
        examples: Values for templates, in two dimensions; by default only `default`.
    """

    kind: Kind
    meaning: str
    default: Any
    otherwise: str
    examples: tuple[Any, ...]

    def __new__(
        cls, name: str, kind: Kind, meaning: str, *, default: Any = None, otherwise: str = "", examples: Sequence[Any] = ()
    ) -> Self:
        key = super().__new__(cls, name)
        key.kind, key.meaning, key.default, key.otherwise = kind, meaning, default, otherwise
        key.examples = tuple(examples) or (() if default is None else (default,))
        return key

    @property
    def is_optional(self) -> bool:
        """Whether the key may be missing and has no default value."""
        return self.default is None and bool(self.otherwise)


@dataclass(frozen=True)
class Number(Kind):
    """A finite number, or a formula of the parameters.

    Args:
        least: The smallest value.
        above: A bound that values must exceed.
        most: The largest value.
        below: A bound that values must not reach.
    """

    least: float = -math.inf
    above: float = -math.inf
    most: float = math.inf
    below: float = math.inf

    def holds(self, value: float) -> bool:
        """Whether a finite number is in the range."""
        return math.isfinite(value) and self.least <= value <= self.most and self.above < value < self.below

    @property
    def words(self) -> str:
        return f"a number{self.range}"

    @property
    def range(self) -> str:
        """The range in words, with a space in front; empty for all numbers."""
        ends = [f"{name} {end:g}" for name, end in (("of at least", self.least), ("above", self.above)) if math.isfinite(end)]
        ends += [f"{name} {end:g}" for name, end in (("at most", self.most), ("below", self.below)) if math.isfinite(end)]
        return f" {' and '.join(ends)}" if ends else ""

    def read(self, table: Any, key: Key) -> float:
        value = table.number(key, key.default)
        return value if self.holds(value) else table.fail(key, self.words)

    def substitute(self, table: Any) -> float:
        return 1.0


@dataclass(frozen=True)
class NumberOrWord(Kind):
    """A number, or one of several words.

    Args:
        number: The range of the number.
        known: The words.
    """

    number: Number
    known: Sequence[str]

    @property
    def words(self) -> str:
        return " or ".join([f"{self.number.words},", *(f'"{word}"' for word in self.known)])

    def read(self, table: Any, key: Key) -> Any:
        value = table.values.get(key, key.default)
        if value in self.known:
            return value
        is_word = isinstance(value, str) and value.isalpha() and value not in table.scope.parameters
        number = math.nan if is_word else table.number(key, key.default)
        return number if self.number.holds(number) else table.fail(key, self.words)

    def substitute(self, table: Any) -> float:
        return self.number.least


@dataclass(frozen=True)
class Whole(Kind):
    """An integer in a range, both ends included."""

    least: int
    most: int

    @property
    def words(self) -> str:
        if self.least == self.most:
            return f"the integer {self.least}"
        return f"an integer of at least {self.least}" + ("" if self.most >= _MANY else f" and at most {self.most:,}")

    def read(self, table: Any, key: Key) -> int:
        return table.whole(key, key.default, self.least, self.most)

    def substitute(self, table: Any) -> int:
        return self.least


@dataclass(frozen=True)
class Text(Kind):
    """Text."""

    @property
    def words(self) -> str:
        return "text in quotes"

    def read(self, table: Any, key: Key) -> str:
        return table.text(key, key.default or "")

    def substitute(self, table: Any) -> str:
        return ""


@dataclass(frozen=True)
class Texts(Kind):
    """A list of texts."""

    @property
    def words(self) -> str:
        return "a list of texts in quotes"

    def read(self, table: Any, key: Key) -> tuple[str, ...]:
        values = table.values.get(key, [])
        return (
            tuple(values) if isinstance(values, list) and all(isinstance(v, str) for v in values) else table.fail(key, self.words)
        )

    def substitute(self, table: Any) -> tuple[str, ...]:
        return ()


@dataclass(frozen=True)
class Choice(Kind):
    """One of several words.

    Args:
        known: The words.
        aliases: Other accepted words, which have been replaced before a table is read; they are suggested in messages.
    """

    known: Sequence[str]
    aliases: Sequence[str] = ()

    @property
    def words(self) -> str:
        return " or ".join(f'"{word}"' for word in self.known)

    def read(self, table: Any, key: Key) -> Any:
        return table.choice(key, key.default, self.known, self.aliases)

    def substitute(self, table: Any) -> str:
        return self.known[0]


@dataclass(frozen=True)
class Formula(Kind):
    """A function of the coordinates.

    Args:
        unknown: Whether the formula may contain u.
        file: Whether the value may be the name of a file with values on a grid.
    """

    unknown: bool = False
    file: bool = False

    @property
    def words(self) -> str:
        names = " in the coordinates and u" if self.unknown else ""
        return f"a number, or a formula{names} in quotes" + (", or the name of a .csv, .png or .jpg file" if self.file else "")

    def read(self, table: Any, key: Key) -> Any:
        return table.field(key, key.default)

    def substitute(self, table: Any) -> Any:
        from pdefreq.core.fields import ConstantField

        return ConstantField(1.0)


@dataclass(frozen=True)
class Condition(Kind):
    """A condition on the coordinates."""

    @property
    def words(self) -> str:
        return "a condition in quotes"

    def read(self, table: Any, key: Key) -> Any:
        return table.condition(key)


@dataclass(frozen=True)
class Numbers(Kind):
    """A list of numbers, or a single number.

    Args:
        each: The range of each number.
        count: How many numbers; 0 for any number of them.
    """

    each: Number = Number()
    count: int = 0

    @property
    def words(self) -> str:
        many = f"a list of {self.count} numbers" if self.count else "a list of numbers"
        return f"{many}, each{self.each.range}" if self.each.range else many

    def read(self, table: Any, key: Key) -> tuple[float, ...]:
        values = tuple(table.numbers(key))
        if not all(map(self.each.holds, values)) or (self.count and table.has(key) and len(values) != self.count):
            table.fail(key, self.words)
        return values or tuple(key.default or ())

    def substitute(self, table: Any) -> tuple[float, ...]:
        return (1.0,) * self.count


@dataclass(frozen=True)
class PerAxis(Kind):
    """A number for each coordinate, or a single number for all of them.

    Args:
        each: The range of each number.
    """

    each: Number = Number()

    @property
    def words(self) -> str:
        return f"{self.each.words}, or a list with one for each coordinate"

    def read(self, table: Any, key: Key) -> tuple[float, ...]:
        values = table.corner(key, key.default)
        return tuple(map(float, values)) if all(map(self.each.holds, values)) else table.fail(key, self.words)

    def substitute(self, table: Any) -> tuple[float, ...]:
        return (1.0,) * table.size


@dataclass(frozen=True)
class PointList(Kind):
    """A list of points."""

    @property
    def words(self) -> str:
        return "a list of points, each of which is a list of coordinates"

    def read(self, table: Any, key: Key) -> tuple[tuple[float, ...], ...]:
        if not table.has(key) and key.default is None:
            table.fail(key, self.words)
        return tuple(map(tuple, table.points(key)))

    def substitute(self, table: Any) -> tuple[tuple[float, ...], ...]:
        return ()


@dataclass(frozen=True)
class FileName(Kind):
    """The name of a file in the folder of the problem file.

    Args:
        suffixes: The accepted suffixes, for the documentation.
    """

    has_substitute: ClassVar[bool] = False
    suffixes: Sequence[str]

    @property
    def words(self) -> str:
        *others, last = self.suffixes
        return f"the name of a {', '.join(others)}{' or ' if others else ''}{last} file"

    def read(self, table: Any, key: Key) -> Any:
        return table.file(key)


@dataclass(frozen=True)
class Other(Kind):
    """A value that is read by the code that defines the key.

    Args:
        description: The accepted values.
    """

    description: str

    @property
    def words(self) -> str:
        return self.description

    def read(self, table: Any, key: Key) -> Any:
        return table.values.get(key, key.default)


@dataclass(frozen=True)
class Table(Kind):
    """A table of keys and values.

    Args:
        keys: The known keys. None accepts any name: parameters, variants, and tables whose keys depend on a kind in the table.
        repeated: Whether the table is written ``[[name]]`` and may be repeated.
    """

    keys: Sequence[Key] | None
    repeated: bool = False

    @property
    def words(self) -> str:
        return "tables" if self.repeated else "a table"

    def read(self, table: Any, key: Key) -> Any:
        return table.values.get(key, [] if self.repeated else {})


def named(keys: Sequence[str], name: str) -> Key:
    """The definition of a key, by its name.

    Raises:
        KeyError: If no key has this name.
    """
    for key in keys:
        if key == name and isinstance(key, Key):
            return key
    raise KeyError(name)
