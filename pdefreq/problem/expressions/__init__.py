"""Fields, conditions and numbers given by formulas in the language of `pdefreq.problem.expressions.grammar`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self

import torch
from sympy import Expr, Symbol

from pdefreq.core.content import Content, Opaque
from pdefreq.core.errors import FormulaError
from pdefreq.core.fields import ConstantField, Field, Profile
from pdefreq.problem.expressions.arithmetic import exact_number
from pdefreq.problem.expressions.canonical import from_canonical, to_canonical
from pdefreq.problem.expressions.formula_text import formula_text
from pdefreq.problem.expressions.functions import Condition
from pdefreq.problem.expressions.grammar import Parser
from pdefreq.problem.expressions.level_sets import level_set_functions
from pdefreq.problem.expressions.profiles import profile_functions
from pdefreq.problem.expressions.scope import Scope
from pdefreq.problem.expressions.symbolic import Program, constant_value, derivative

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Gradients, Points, Values


@dataclass(frozen=True)
class ExpressionField(Field):
    """A field given by a formula, whose gradient is computed by symbolic differentiation.

    Args:
        expression: The formula.
        dimension: The number of coordinates.
        unknowns: Further names in the formula. Their values are columns of the points after the coordinates.
        derived_from: The terms and the exact solution from which the formula was derived.
    """

    content_type: ClassVar[str] = "expression"
    expression: Expr
    dimension: int
    unknowns: tuple[str, ...] = ()
    derived_from: tuple[Any, Any] | None = field(default=None, compare=False, repr=False)

    def content(self) -> Any:
        """The constant, or the expression as plain data; opaque if a problem file can't express it."""
        if self.constant is not None:
            return ConstantField(self.constant).content()
        content = _content(self, self.expression)
        return content if not self.unknowns or isinstance(content, Opaque) else content | {"unknowns": [*self.unknowns]}

    @classmethod
    def from_content(cls, arguments: dict[str, Any]) -> Self:
        dimension, unknowns = arguments["dimension"], tuple(arguments.get("unknowns", ()))
        return cls(from_canonical(arguments["expression"], dimension, unknowns), dimension, unknowns)

    def __call__(self, x: Points) -> Values:
        return self._value(x)[0]

    def gradient(self, x: Points) -> Gradients:
        return torch.stack(self._gradient(x), dim=1)

    @cached_property
    def constant(self) -> float | None:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The value if the formula does not contain coordinates, otherwise None."""
        return constant_value(self.expression)

    @property
    def has_kinks(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Whether the formula has level set functions, for example because of abs, atan2 or a quotient; see `level_sets`."""
        return bool(level_set_functions(self.expression))

    @property
    def level_sets(self) -> tuple[Field, ...]:
        """The fields of `level_set_functions`, without those that depend on unknowns."""
        unknowns = set(self._variables[self.dimension :])
        functions = (function for function in level_set_functions(self.expression) if not function.free_symbols & unknowns)
        return tuple(map(self._of, functions))

    @property
    def profiles(self) -> tuple[Profile, ...]:
        """The profiles of `profile_functions`, without those that depend on unknowns."""
        found = profile_functions(self.expression, self._variables[: self.dimension])
        return tuple(
            Profile(formula_text(f.function), self._of(f.argument), self._of(f.peak), f.change, f.exponent, f.is_wave)
            for f in found
        )

    def _of(self, function: Expr) -> ExpressionField:
        return ExpressionField(function, self.dimension)

    @property
    def text(self) -> str:
        """The formula."""
        return formula_text(self.expression)

    @cached_property
    def _value(self) -> Program:
        return Program([self.expression], self._variables)

    @cached_property
    def _gradient(self) -> Program:
        return Program([derivative(self.expression, s) for s in self._variables], self._variables)

    @property
    def _variables(self) -> list[Symbol]:
        return Scope(self.dimension, unknowns=self.unknowns).variables


def expression_of(field: Field) -> Expr:
    """The formula of a field.

    Raises:
        FormulaError: If the field is not a formula, but a Python function or a table of values.
    """
    if isinstance(field, ExpressionField):
        return field.expression
    if field.constant is not None:
        return exact_number(field.constant)
    raise FormulaError(f"{field.text} is not a formula, so the source can't be derived from it: give `source` as well")


@dataclass(frozen=True)
class Region(Content):
    """The set of points at which a condition holds."""

    content_type: ClassVar[str] = "region"
    condition: Condition
    dimension: int

    def content(self) -> Any:
        """The condition as plain data; opaque if a problem file can't express it."""
        return _content(self, self.condition)

    @classmethod
    def from_content(cls, arguments: dict[str, Any]) -> Self:
        return cls(from_canonical(arguments["expression"], arguments["dimension"]), arguments["dimension"])

    def __call__(self, x: Points) -> Tensor:
        """Whether each point belongs to the region, shape ``(n,)``, bool."""
        return self._program(x)[0]

    @property
    def level_sets(self) -> tuple[Field, ...]:
        """Fields whose zero sets contain the boundary of the region, as in `Field.level_sets`."""
        return tuple(ExpressionField(function, self.dimension) for function in level_set_functions(self.condition))  # pyright: ignore[reportArgumentType]

    @property
    def text(self) -> str:
        """The condition."""
        return formula_text(self.condition)

    @cached_property
    def _program(self) -> Program:
        return Program([self.condition], Scope(self.dimension).coordinates)


def _content(of: ExpressionField | Region, expression: Any) -> Any:
    try:
        return {"type": of.content_type, "expression": to_canonical(expression), "dimension": of.dimension}
    except ValueError:
        return Opaque(of)


def parse_field(text: str, scope: Scope, key: str) -> ExpressionField:
    """The field of an expression.

    Args:
        text: The text of the expression.
        scope: The names that the expression may use; its dimension must not be None.
        key: The key of the expression, for messages: ``"[equation] source"``.

    Raises:
        ProblemFileError: If the text is not a valid expression; the message contains the key and the invalid part.
    """
    assert scope.dimension is not None
    return ExpressionField(Parser(text, scope, key).expression(), scope.dimension, scope.unknowns)


def parse_number(text: str, parameters: Mapping[str, float], key: str) -> float:
    """The value of an expression without coordinates, such as ``"2*pi*mu"``.

    Raises:
        ProblemFileError: If the text is not a valid expression.
    """
    value = constant_value(Parser(text, Scope(None, parameters), key).expression())
    assert value is not None  # the scope contains no coordinates
    return value


def parse_condition(text: str, scope: Scope, key: str) -> Region:
    """The region in which a condition such as ``"x < 0 and y > 0"`` holds.

    Raises:
        ProblemFileError: If the text is not a valid condition.
    """
    assert scope.dimension is not None
    return Region(Parser(text, scope, key).condition(), scope.dimension)
