"""The tables of a problem file: which keys there are, and typed reading of their values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from pdefreq.core.errors import ProblemFileError
from pdefreq.core.fields import Field
from pdefreq.core.registry import nearest
from pdefreq.problem.expressions import Region, parse_condition, parse_field, parse_number
from pdefreq.problem.expressions.scope import Scope, shorten
from pdefreq.problem.files.grids import Grids, names_grid
from pdefreq.problem.terms import TERMS

_KEYS: dict[str, Any] = {  # None: a value; a dict: a table; a list: tables; str: a table of any names
    "title": None,
    "citation": None,
    "parameters": str,
    "domain": str,  # the kind of domain checks them
    "equation": {"source": None, "exact": None, "singular": None, "interpolation": None, "shades": None, "term": [str]},
    "boundary": {"value": None, "part": [dict.fromkeys(("name", "where", "kind", "value", "alpha", "flux"))]},
    "data": dict.fromkeys(("points", "number", "noise", "holdout")),
    "spectrum": dict.fromkeys(("modes", "wavenumbers", "direction")),
    "variant": str,
}


def check_document(document: Any) -> None:
    """Refuse keys of a problem file that no one reads, and values where tables belong.

    Raises:
        ProblemFileError: In one sentence with the nearest known key.
    """
    terms = dict.fromkeys(key for name in TERMS for key in TERMS.load(name).keys)
    check_keys(document, {**_KEYS, "equation": terms | _KEYS["equation"]})


def check_keys(table: Any, known: Mapping[str, Any], path: str = "") -> None:
    """Refuse keys that no one reads, and values where tables belong.

    Raises:
        ProblemFileError: In one sentence with the nearest known key.
    """
    if not isinstance(table, dict):
        raise ProblemFileError(f"[{path}] must be a table of keys and values, got {shorten(table)}")
    for key, value in table.items():
        if key not in known:
            place = f"[{path}] " if path else ""
            raise ProblemFileError(f"{place}unknown key {shorten(key)}: {nearest(key, known)}")
        below = f"{path}.{key}" if path else key
        match known[key]:
            case dict() as keys:
                check_keys(value, keys, below)
            case [keys]:
                if not isinstance(value, list):
                    raise ProblemFileError(f"{below} must be written as [[{below}]], got {shorten(value)}")
                for item in value:
                    if isinstance(keys, dict):
                        check_keys(item, keys, below)
                    elif not isinstance(item, dict):
                        raise ProblemFileError(f"[[{below}]] must be a table, got {shorten(item)}")
            case None if isinstance(value, dict):
                raise ProblemFileError(f"{below} must be a value, not a table")
            case _ if known[key] is str and not isinstance(value, dict):
                raise ProblemFileError(f"[{below}] must be a table, got {shorten(value)}")


@dataclass(frozen=True)
class Table:
    """One table: values by key, with the names that its expressions may use.

    Each method raises `ProblemFileError`, in one sentence with the key and the value, if a value is not of its kind.
    """

    values: Mapping[str, Any]
    path: str
    scope: Scope
    grids: Grids | None = None
    """Reads fields whose value is the name of a file; None where fields must be formulas."""

    def has(self, key: str) -> bool:
        return key in self.values

    def key(self, key: str) -> str:
        return f"[{self.path}] {key}" if self.path else key

    def fail(self, key: str, expected: str) -> NoReturn:
        got = f"got {shorten(self.values[key])}" if key in self.values else "but it is missing"
        raise ProblemFileError(f"{self.key(key)} must be {expected}, {got}")

    def text(self, key: str, default: str) -> str:
        value = self.values.get(key, default)
        return " ".join(value.split()) if isinstance(value, str) else self.fail(key, "text in quotes")

    def choice(self, key: str, default: str | None, known: tuple[str, ...]) -> Any:
        value = self.values.get(key, default)
        return value if value in known else self.fail(key, " or ".join(f'"{k}"' for k in known))

    def number(self, key: str, default: float | None = None) -> float:
        return self._number(key, self.values.get(key, default))

    def whole(self, key: str, default: int | None, lowest: int, highest: int) -> int:
        value = self.number(key, default)
        if not value.is_integer() or not lowest <= value <= highest:
            self.fail(key, f"a whole number from {lowest} to {highest}")
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
        if self.grids is not None and names_grid(self.values.get(key)):
            return self.grids(self, key)
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
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not abs(value) < 1e300:  # NaN, too
            self.fail(key, "a finite number, or an expression in quotes that is one")
        return float(value)
