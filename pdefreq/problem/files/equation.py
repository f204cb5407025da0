"""Reading of the [equation] table of a problem file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, cast

from pdefreq.core.errors import FormulaError, ProblemFileError
from pdefreq.core.fields import Field, Quotient
from pdefreq.core.findings import MissingValueError
from pdefreq.core.number_kinds import PointList
from pdefreq.core.registry import nearest
from pdefreq.core.table_keys import Key, Other, Table
from pdefreq.core.text_kinds import Formula
from pdefreq.problem.coefficient_reader import SOLUTION
from pdefreq.problem.data import Data
from pdefreq.problem.derived_data import derived_source
from pdefreq.problem.expressions import ExpressionField, expression_of
from pdefreq.problem.expressions.arithmetic import add, divide, multiply
from pdefreq.problem.expressions.scope import Scope, shorten
from pdefreq.problem.files.checks import Claim
from pdefreq.problem.files.coefficient_files import names_grid
from pdefreq.problem.terms import TERMS
from pdefreq.problem.terms.equation import Equation, read_terms
from pdefreq.problem.terms.reaction import Reaction
from pdefreq.problem.terms.term import CoefficientReader, Term
from pdefreq.problem.toml_tables import Files, TomlTable

if TYPE_CHECKING:
    from sympy import Expr

TERM_KEYS = (
    Key(
        "kind",
        Other("a term, or my_terms.py:Name with `--trust`"),
        "the term; its coefficients are the other keys",
        examples=("reaction",),
    ),
)
EQUATION_KEYS = (
    Key(
        "source",
        Formula(),
        "the source f",
        examples=("1",),
        otherwise="derived from `exact`; required if there is neither `exact` nor [data] from a file",
    ),
    Key(
        "exact",
        Formula(),
        "the exact solution, from which missing data are derived and against which errors are measured",
        otherwise="unknown",
        examples=("prod(sin(pi*xk)) + 0.1*prod(sin(k1*pi*xk))",),
    ),
    Key(
        "singular",
        PointList(),
        "points at which u or f may be infinite; no point set contains them",
        default=[],
        examples=([[0, 0]],),
    ),
    Key("term", Table(None, repeated=True), "further terms of the equation"),
)


@dataclass(frozen=True)
class StatedEquation:
    """The equation as stated in a file. Missing data are derived from the exact solution."""

    equation: Equation
    given: Field | None
    exact: Field | None
    dimension: int

    @classmethod
    def read(cls, table: TomlTable, data: Data | None, files: Files) -> StatedEquation:
        table = replace(table, keys=EQUATION_KEYS)
        given = table.read("source") if table.has("source") else None
        exact = table.read("exact") if table.has("exact") else None
        known = None if data is None or data.values is None else data
        if given is not None and known is not None:
            raise ProblemFileError(f"[equation] source and the values in {known.points} both define f: leave one of them out")
        if given is None and exact is None and known is None:
            raise MissingValueError('[equation] needs source or exact: give one of them, such as source = "sin(x)"', "equation")
        equation = Equation(_terms(table, files))
        reaction = equation.find(Reaction)
        if exact is None and given is not None and equation.is_regression and reaction is not None:
            exact = _quotient(given, reaction.coefficient, cast("int", table.scope.dimension))
        return cls(equation, given, exact, cast("int", table.scope.dimension))

    @property
    def source(self) -> Field | None:
        """The stated source, or the source derived from the exact solution; None if only data define it."""
        return self.given if self.given is not None else None if self.exact is None else self._derived()

    def _derived(self) -> Field:
        assert self.exact is not None
        return derived_source(self.equation, self.exact, self.dimension)

    def claims(self) -> list[Claim]:
        """Pairs of fields that must agree inside the domain."""
        if self.given is None or self.exact is None or not self._has_formulas:
            return []
        return [Claim("[equation] source", self.given, self._derived(), part=None)]

    @property
    def _has_formulas(self) -> bool:
        fields = [self.exact, *self.equation.coefficients.values()]
        return all(field is None or field.constant is not None or isinstance(field, ExpressionField) for field in fields)

    def flux(self, alpha: Field, outward: Sequence[Expr]) -> ExpressionField:
        """The Robin data of the exact solution for a given outward unit normal."""
        assert self.exact is not None
        u = expression_of(self.exact)
        flux = self.equation.symbolic_flux(u, Scope(self.dimension).coordinates)
        through = add(*(multiply(n, component) for n, component in zip(outward, flux, strict=True)))
        second = tuple(term for term in self.equation if term.order == 2)
        flux = add(through, multiply(expression_of(alpha), u))
        return ExpressionField(flux, self.dimension, derived_from=(second, self.exact))


def _terms(table: TomlTable, files: Files) -> tuple[Term, ...]:
    """The terms described by keys of the table, then those of [[equation.term]]."""

    def coefficient(value: Any, key: str) -> Field:
        unknowns = (SOLUTION,) if key == "nonlinear" else ()
        if unknowns and names_grid(value):
            raise FormulaError(f"{table.key(key)} must be an expression in the coordinates and u, got the file {shorten(value)}")
        return replace(table, values={key: value}, scope=replace(table.scope, unknowns=unknowns)).field(key)

    dimension = cast("int", table.scope.dimension)
    own = [_own_term(row, dimension, coefficient, files) for row in table.values.get("term", [])]
    return (*read_terms({"diffusion": "1", **table.values}, dimension, coefficient), *(term for term in own if term is not None))


def _own_term(row: Mapping[str, Any], dimension: int, coefficient: CoefficientReader, files: Files) -> Term | None:
    """The term of one [[equation.term]]. Its kind is a registered name, or a class in a Python file beside the problem file."""
    name = row.get("kind")
    if not isinstance(name, str):
        raise ProblemFileError('[[equation.term]] kind must be the name of a term, such as kind = "my_terms.py:Hyper"')
    kind = files.registered(TERMS, name, "[[equation.term]] kind")
    values = {key: value for key, value in row.items() if key != "kind"}
    known = [f.name for f in fields(kind)]
    for key in values:
        if key not in (*known, *kind.keys):
            raise ProblemFileError(f"[[equation.term]] unknown key {shorten(key)}: {nearest(key, known)}")
    try:
        return kind.read(values, dimension, coefficient)
    except TypeError:
        raise ProblemFileError(f"[[equation.term]] {name} needs {', '.join(known)}, got {', '.join(values) or 'none'}") from None


def _quotient(given: Field, reaction: Field, dimension: int) -> Field:
    """The solution f / c of a regression."""
    if isinstance(given, ExpressionField) and (reaction.constant is not None or isinstance(reaction, ExpressionField)):
        return ExpressionField(divide(given.expression, expression_of(reaction)), dimension)
    return given if reaction.constant == 1 else Quotient(given, reaction)
