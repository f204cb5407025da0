"""The names an expression may use."""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

import sympy
from sympy import Expr, Symbol

from pdefreq.core.errors import ProblemFileError
from pdefreq.core.shapes import axis_names
from pdefreq.problem.expressions.arithmetic import exact_number
from pdefreq.problem.expressions.functions import FUNCTIONS

_OWN_WORDS = {"pi", "sum", "prod", "where", "and", "or", "not", *FUNCTIONS}
_OVERRIDES = {"dimension", "variant"}  # what can be chosen beside parameters when a problem is loaded
COORDINATE = re.compile(r"[xyz]|x[1-9]\d{0,5}")


@dataclass(frozen=True)
class Scope:
    """The names an expression may use.

    Args:
        dimension: Number of coordinates; None where the expression must be a number.
        parameters: Names and their values.
        unknowns: Further names that stand for themselves, such as ``"u"`` in a term that is nonlinear in u; where formulas are
            evaluated their values follow the coordinates.

    Raises:
        ProblemFileError: If a parameter has the name of a coordinate or an unknown.
    """

    dimension: int | None = None
    parameters: Mapping[str, float] = field(default_factory=dict)
    unknowns: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in self._variable_names():
            if name in self.parameters:
                what = "the solution" if name in self.unknowns else f"a coordinate in dimension {self.dimension}"
                raise ProblemFileError(f"[parameters]: '{name}' is {what}; choose another name")

    @property
    def coordinates(self) -> list[Symbol]:
        """The coordinates, under the names that people read."""
        return [Symbol(name) for name in axis_names(self.dimension or 0)]

    @property
    def variables(self) -> list[Symbol]:
        """The coordinates and the unknowns: what the columns of points stand for."""
        return [*self.coordinates, *map(Symbol, self.unknowns)]

    def names(self) -> dict[str, Expr]:
        """All names and their meanings."""
        parameters = {name: exact_number(value) for name, value in self.parameters.items()}
        return {"pi": sympy.pi} | parameters | self._variable_names()

    def _variable_names(self) -> dict[str, Symbol]:
        return {f"x{k}": s for k, s in enumerate(self.coordinates, 1)} | {s.name: s for s in self.variables}


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
