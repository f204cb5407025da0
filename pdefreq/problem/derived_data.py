"""The source and the boundary conditions of a problem: as given, or derived from its exact solution or its data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pdefreq.core.errors import FormulaError, InconsistentProblemError, ProblemFileError
from pdefreq.core.fields import CallableField, Field
from pdefreq.problem.boundary_conditions import BoundaryPart

if TYPE_CHECKING:
    from pdefreq.problem.coefficient_reader import CoefficientReader
    from pdefreq.problem.data import Data
    from pdefreq.problem.terms.equation import Equation


def source_of(given: Any, equation: Equation, exact: Field | None, data: Data | None, read: CoefficientReader) -> Field:
    """The source f: the given source, or that of the data, or the source derived from the exact solution.

    Args:
        given: The source as given, or None.
        equation: The left-hand side.
        exact: The exact solution, if it is known.
        data: The points at which the source is known, if any.
        read: Converts the given source to a field.

    Raises:
        ProblemFileError: If there is no source, or it can't be derived.
    """
    if isinstance(given, Field) and given.is_stale(equation.terms, exact):
        given = None  # the source was derived from another equation or another exact solution
    if given is not None:
        return read(given, "source")
    if data is not None and data.field is not None:
        return data.field
    if exact is not None and not isinstance(exact, CallableField):
        return derived_source(equation, exact, read.dimension)
    raise ProblemFileError("a problem needs source=..., or data with values of the source: data=Data(x=..., values=...)")


def boundary_of(given: Any, equation: Equation, exact: Field | None, read: CoefficientReader) -> tuple[BoundaryPart, ...]:
    """The boundary conditions: the given ones, or the values of the exact solution if none are given.

    Args:
        given: A sequence of boundary conditions, or a value that is prescribed on the whole boundary.
        equation: The left-hand side.
        exact: The exact solution, if it is known.
        read: Converts a given value to a field.

    Raises:
        InconsistentProblemError: If a flux was derived from another equation or another exact solution.
    """
    if not (isinstance(given, (list, tuple)) and all(isinstance(part, BoundaryPart) for part in given)):
        return (BoundaryPart("dirichlet", value=read(given, "boundary")),)
    if not given and exact is not None and not equation.is_regression:
        return (BoundaryPart("dirichlet", value=exact),)
    _require_current(given, equation, exact)
    return tuple(given)


def _require_current(boundary: Sequence[BoundaryPart], equation: Equation, exact: Field | None) -> None:
    second = tuple(term for term in equation.terms if term.order == 2)
    if any(part.flux.is_stale(second, exact) for part in boundary):
        raise InconsistentProblemError(
            "the flux on the boundary was derived from another diffusion or another exact solution: "
            "give boundary=... or exact=None as well"
        )


def derived_source(equation: Equation, exact: Field, dimension: int) -> Field:
    """The source for which `exact` solves an equation.

    Raises:
        FormulaError: If `exact` or a coefficient is not a formula, or the formula is too long to be differentiated.
    """
    from pdefreq.problem.expressions import ExpressionField, expression_of
    from pdefreq.problem.expressions.scope import Scope

    if not isinstance(exact, ExpressionField) and exact.constant is None:
        raise FormulaError(f"the source can't be derived from {exact.text}, which is not a formula: give source=... as well")
    u = expression_of(exact)
    source = equation.symbolic(u, Scope(dimension).coordinates)
    return ExpressionField(source, dimension, derived_from=(equation.terms, exact))
