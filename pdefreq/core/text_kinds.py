"""Kinds of values of TOML tables that are written in quotes: texts, words, formulas, conditions and names of files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from pdefreq.core.table_keys import Key, Kind


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
