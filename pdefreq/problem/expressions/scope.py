"""The names that an expression may use."""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

import sympy
from sympy import Expr, Symbol

from pdefreq.core.errors import FormulaError
from pdefreq.core.shapes import axis_names
from pdefreq.problem.expressions.arithmetic import exact_number
from pdefreq.problem.expressions.functions import FUNCTIONS

_OWN_WORDS = {"pi", "sum", "prod", "where", "and", "or", "not", *FUNCTIONS}
_OVERRIDES = {"dimension", "variant"}  # other arguments of `load_problem`
COORDINATE = re.compile(r"[xyz]|x[1-9]\d{0,5}")


@dataclass(frozen=True)
class Scope:
    """The names that an expression may use.

    Args:
        dimension: Number of coordinates; None if the expression must be a number.
        parameters: Names of parameters and their values.
        unknowns: Further variables, such as ``"u"`` in a term that is nonlinear in u. Their values are columns of the points
            after the coordinates.

    Raises:
        FormulaError: If a parameter has the name of a coordinate or of an unknown.
    """

    dimension: int | None = None
    parameters: Mapping[str, float] = field(default_factory=dict)
    unknowns: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in self._variable_names():
            if name in self.parameters:
                what = "the solution" if name in self.unknowns else f"a coordinate in dimension {self.dimension}"
                raise FormulaError(f"[parameters]: '{name}' is {what}; choose another name")

    @property
    def coordinates(self) -> list[Symbol]:
        """The coordinates under their display names."""
        return [Symbol(name) for name in axis_names(self.dimension or 0)]

    @property
    def variables(self) -> list[Symbol]:
        """The variables of the columns of points: the coordinates, then the unknowns."""
        return [*self.coordinates, *map(Symbol, self.unknowns)]

    def names(self) -> dict[str, Expr]:
        """All names and their meanings."""
        parameters = {name: exact_number(value) for name, value in self.parameters.items()}
        return {"pi": sympy.pi} | parameters | self._variable_names()

    def _variable_names(self) -> dict[str, Symbol]:
        return {f"x{k}": s for k, s in enumerate(self.coordinates, 1)} | {s.name: s for s in self.variables}


def check_parameter_name(name: str, key: str) -> None:
    """Check that a parameter name is valid and not reserved in expressions.

    Names of coordinates depend on the dimension and are checked by `Scope`.

    Raises:
        FormulaError: If the name is invalid or reserved.
    """
    if not name.isidentifier() or unicodedata.normalize("NFKC", name) != name:  # Python's parser normalizes names to this form
        raise FormulaError(f"{key}: {shorten(name)} is not a name; use letters, digits and _, and a letter first")
    if name in _OWN_WORDS:
        raise FormulaError(f"{key}: '{name}' is a reserved name in expressions; choose another name")
    if name in _OVERRIDES:
        raise FormulaError(f"{key}: '{name}' is reserved for an argument of load_problem; choose another name")


def shorten(text: object) -> str:
    """A text in quotes on one line, truncated if it is long."""
    line = "".join(c if c.isprintable() else "?" for c in " ".join(str(text).split()))
    return f"'{textwrap.shorten(line, 60, placeholder=' ...') if ' ' in line[:60] else line[:60]}'"
