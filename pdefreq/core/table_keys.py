"""Definitions of the keys of TOML tables, from which files are read, checked and documented.

A `Key` is the name of a key with the kind of its value, its default and its meaning. A kind of value has a description in
words, and a method that reads a value from a table; `pdefreq.problem.toml_tables.TomlTable` is such a table. The kinds of
numbers are in `pdefreq.core.number_kinds`, and those of values in quotes in `pdefreq.core.text_kinds`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self


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


def named(keys: Sequence[str], name: str) -> Key:
    """The definition of a key, by its name.

    Raises:
        KeyError: If no key has this name.
    """
    for key in keys:
        if key == name and isinstance(key, Key):
            return key
    raise KeyError(name)
