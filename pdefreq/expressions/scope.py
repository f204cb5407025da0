"""The names an expression may use."""

from __future__ import annotations

import keyword
import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field

import sympy
from sympy import Expr, Integer, Symbol

from pdefreq.domains.axes import axis_names
from pdefreq.errors import ProblemFileError
from pdefreq.expressions.symbolic import FUNCTIONS

_RESERVED = {"pi", "k", "xk", "sum", "prod", "where", "dimension", *FUNCTIONS}
COORDINATE = re.compile(r"[xyz]|x[1-9]\d{0,5}")


@dataclass(frozen=True)
class Scope:
    """The names an expression may use.

    Args:
        dimension: Number of coordinates; None where the expression must be a number.
        parameters: Names and their values.
    """

    dimension: int | None = None
    parameters: Mapping[str, float] = field(default_factory=dict)

    @property
    def coordinates(self) -> list[Symbol]:
        """The coordinates, under the names that people read."""
        return [Symbol(name) for name in axis_names(self.dimension or 0)]

    def names(self) -> dict[str, Expr]:
        """All names and their meanings."""
        coordinates = self.coordinates
        return (
            {"pi": sympy.pi}
            | {name: exact_number(value) for name, value in self.parameters.items()}
            | {f"x{k}": s for k, s in enumerate(coordinates, 1)}
            | {s.name: s for s in coordinates}
        )


def check_parameter_name(name: str, key: str) -> None:
    """Refuse a name that means something else already, or is no name.

    Raises:
        ProblemFileError: In one sentence.
    """
    if name in _RESERVED or COORDINATE.fullmatch(name):
        raise ProblemFileError(f"{key}: '{name}' has a meaning of its own in expressions; choose another name")
    if not (name.isidentifier() and name.isascii()) or keyword.iskeyword(name):
        raise ProblemFileError(f"{key}: {shorten(name)} is not a name; use letters, digits and _")


def exact_number(value: float) -> Expr:
    """A number for sympy: whole ones exact, so that x^2.0 is x^2."""
    return Integer(value) if float(value).is_integer() and abs(value) < 1e15 else sympy.Float(value)


def shorten(text: object) -> str:
    """A text in quotes on one line, cut where it is long."""
    line = "".join(c if c.isprintable() else "?" for c in " ".join(str(text).split()))
    return f"'{textwrap.shorten(line, 60, placeholder=' ...') if ' ' in line[:60] else line[:60]}'"
