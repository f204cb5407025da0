"""Fields, conditions and numbers given by formulas; `pdefreq.grammar` says what a formula may hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import sympy
import torch
from sympy import Expr

from pdefreq.fields import Field
from pdefreq.grammar import Parser, Scope
from pdefreq.symbolic import Program, constant_value, derivative

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.shapes import Gradients, Points, Values


@dataclass(frozen=True)
class ExpressionField(Field):
    """A field given by a formula; its gradient is the formula's derivative."""

    expression: Expr
    dimension: int

    def __call__(self, x: Points) -> Values:
        return self._value(x)[0]

    def gradient(self, x: Points) -> Gradients:
        return torch.stack(self._gradient(x), dim=1)

    @cached_property
    def constant(self) -> float | None:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The value, where the formula has no coordinates."""
        return constant_value(self.expression)

    @property
    def text(self) -> str:
        """The formula."""
        return sympy.sstr(self.expression, full_prec=False)

    @cached_property
    def _value(self) -> Program:
        return Program([self.expression], Scope(self.dimension).coordinates)

    @cached_property
    def _gradient(self) -> Program:
        coordinates = Scope(self.dimension).coordinates
        return Program([derivative(self.expression, s) for s in coordinates], coordinates)


def parse_field(text: str, scope: Scope, key: str) -> ExpressionField:
    """The field that a text describes.

    Args:
        text: The expression.
        scope: The names it may use; its dimension is set.
        key: Where the text stands, for messages: ``"[equation] source"``.

    Raises:
        ProblemFileError: If the text is no expression; one sentence names the key and the offending part.
    """
    assert scope.dimension is not None
    return ExpressionField(Parser(text, scope, key).expression(), scope.dimension)


def parse_number(text: str, parameters: Mapping[str, float], key: str) -> float:
    """The number that a text such as ``"2*pi*mu"`` describes.

    Raises:
        ProblemFileError: As `parse_field`.
    """
    value = constant_value(Parser(text, Scope(None, parameters), key).expression())
    assert value is not None  # no coordinate is in scope
    return value


def parse_condition(text: str, scope: Scope, key: str) -> Callable[[Tensor], Tensor]:
    """Whether a condition such as ``"x < 0 and y > 0"`` holds at points ``(n, d)``: a function that returns ``(n,)``, bool.

    Raises:
        ProblemFileError: As `parse_field`.
    """
    program = Program([Parser(text, scope, key).condition()], scope.coordinates)
    return lambda x: program(x)[0]
