"""The names an expression may use."""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

import sympy
from sympy import Expr, Symbol

from pdefreq.domains.box import axis_names
from pdefreq.errors import ProblemFileError
from pdefreq.expressions.arithmetic import exact_number
from pdefreq.expressions.functions import FUNCTIONS

_OWN_WORDS = {"pi", "sum", "prod", "where", "and", "or", "not", *FUNCTIONS}
_OVERRIDES = {"dimension", "variant"}  # what can be chosen beside parameters when a problem is loaded
COORDINATE = re.compile(r"[xyz]|x[1-9]\d{0,5}")


@dataclass(frozen=True)
class Scope:
    """The names an expression may use.

    Args:
        dimension: Number of coordinates; None where the expression must be a number.
        parameters: Names and their values.

    Raises:
        ProblemFileError: If a parameter has the name of a coordinate.
    """

    dimension: int | None = None
    parameters: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in self._coordinate_names():
            if name in self.parameters:
                raise ProblemFileError(
                    f"[parameters]: '{name}' is a coordinate in dimension {self.dimension}; choose another name"
                )

    @property
    def coordinates(self) -> list[Symbol]:
        """The coordinates, under the names that people read."""
        return [Symbol(name) for name in axis_names(self.dimension or 0)]

    def names(self) -> dict[str, Expr]:
        """All names and their meanings."""
        parameters = {name: exact_number(value) for name, value in self.parameters.items()}
        return {"pi": sympy.pi} | parameters | self._coordinate_names()

    def _coordinate_names(self) -> dict[str, Symbol]:
        coordinates = self.coordinates
        return {f"x{k}": s for k, s in enumerate(coordinates, 1)} | {s.name: s for s in coordinates}


def check_parameter_name(name: str, key: str) -> None:
    """Refuse a name that means something else in every expression, or is no name.

    Names of coordinates are refused by `Scope`, which knows the dimension.

    Raises:
        ProblemFileError: In one sentence.
    """
    if not name.isidentifier() or unicodedata.normalize("NFKC", name) != name:  # Python reads names in this normal form
        raise ProblemFileError(f"{key}: {shorten(name)} is not a name; use letters, digits and _, and a letter first")
    if name in _OWN_WORDS:
        raise ProblemFileError(f"{key}: '{name}' has a meaning of its own in expressions; choose another name")
    if name in _OVERRIDES:
        raise ProblemFileError(f"{key}: '{name}' is an argument of its own when a problem is loaded; choose another name")


def shorten(text: object) -> str:
    """A text in quotes on one line, cut where it is long."""
    line = "".join(c if c.isprintable() else "?" for c in " ".join(str(text).split()))
    return f"'{textwrap.shorten(line, 60, placeholder=' ...') if ' ' in line[:60] else line[:60]}'"
