"""Kinds of values of TOML tables that are numbers, or lists of numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pdefreq.core.table_keys import Key, Kind

_MANY = 10**9  # larger upper limits are not stated in words


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
