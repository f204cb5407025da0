"""Requirements of methods: properties of the equation, the domain and the data, with the reason why a problem violates them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pdefreq.core.fields import Field
    from pdefreq.domains.domain import Domain
    from pdefreq.problem.data import Data
    from pdefreq.problem.rough_values import RoughPoint
    from pdefreq.problem.terms.equation import Equation
    from pdefreq.problem.terms.term import Term


@dataclass(frozen=True)
class Need:
    """A requirement of a method. `Problem.lacks` returns the first requirement that a problem violates.

    Args:
        what: The required property, for messages: ``"a symmetric equation"``.
        of: The attribute of the problem that is tested.
        lacking: A function of this attribute that returns the reason of a violation as a clause, or None.
    """

    what: str
    of: str
    lacking: Callable[[Any], str | None]


def _terms(what: str, holds: Callable[[Term], bool | None], why: str) -> Need:
    """A requirement that every term must meet. An unknown property counts as met."""

    def lacking(equation: Equation) -> str | None:
        term = next((term for term in equation if holds(term) is False), None)
        return None if term is None else f"the {term.name} term {term.text} {why}"

    return Need(what, "equation", lacking)


def _at_most(dimensions: int) -> Need:
    def lacking(domain: Domain) -> str | None:
        return None if domain.dimension <= dimensions else f"this problem has {domain.dimension}"

    return Need(f"at most {dimensions} dimension{'s' * (dimensions > 1)}", "domain", lacking)


def _is_regression(equation: Equation) -> str | None:
    return "this problem is a regression" if equation.is_regression else None


def _is_differential(equation: Equation) -> str | None:
    return None if equation.is_regression else "this is a differential equation"


def _is_sampled(data: Data | None) -> str | None:
    return None if data is None else "this problem gives it only at points ([data])"


def _is_no_box(domain: Domain) -> str | None:
    from pdefreq.domains.box import Box

    return None if isinstance(domain, Box) else f"this domain is not a box ({domain.title})"


def _has_no_values(values: Field | None) -> str | None:
    return "this problem has other boundary conditions" if values is None else None


def _has_pairs(periodic_axes: tuple[int, ...]) -> str | None:
    return "this problem has periodic sides" if periodic_axes else None


def _has_jumps(discontinuous: Term | None) -> str | None:
    if discontinuous is None:
        return None
    return (
        f"the coefficient of the {discontinuous.name} term {discontinuous.text} jumps: a residual at points does not enforce "
        "that the flux is continuous"
    )


def _is_indefinite(indefinite: Term | None) -> str | None:
    return None if indefinite is None else f"the {indefinite.name} term {indefinite.text} can make it indefinite"


def _has_no_built_in(no_built_in: str | None) -> str | None:
    return no_built_in


def _values_with(derivatives: int) -> Need:
    """A requirement for methods that take derivatives of a lifting of the boundary values."""

    def lacking(rough: RoughPoint | None) -> str | None:
        return None if rough is None or rough.order >= derivatives else f"those of this problem {rough.text}"

    of_order = {1: "first", 2: "second", 3: "third"}[derivatives]
    return Need(f"boundary values with square integrable {of_order} derivatives", "rough_values", lacking)


def _is_rough_in_space(rough: RoughPoint | None) -> str | None:
    return None if rough is None or len(rough.at) < 3 or rough.order >= 2 else f"those of this problem {rough.text}"


def _has_ends(is_periodic: bool) -> str | None:
    return None if is_periodic else "this problem has sides that are not periodic"


EQUATION = Need("a differential equation", "equation", _is_regression)
REGRESSION = Need("a given function to fit", "equation", _is_differential)
LINEAR = _terms("a linear equation", lambda term: term.linear, "is nonlinear")
SEMILINEAR = _terms(
    "second derivatives whose coefficients depend only on x",
    lambda term: term.semilinear,
    "has coefficients that depend on u or grad u",
)
CONTINUOUS = Need("second-order coefficients that do not jump", "discontinuous", _has_jumps)
SYMMETRIC = _terms("a symmetric equation", lambda term: term.symmetric, "is not symmetric")
COERCIVE = Need("a positive definite equation", "indefinite", _is_indefinite)
ENERGY = _terms("an equation with an energy", lambda term: term.has_energy, "is not the derivative of an energy")
CONSTANT = _terms("constant coefficients", lambda term: term.constant, "has a coefficient that varies")
DIFFERENCES = _terms(
    "derivatives along the axes only", lambda term: term.finite_difference_coefficients() is not None, "has other derivatives"
)
SOURCE = Need("the source everywhere", "data", _is_sampled)
BOX = Need("a box", "domain", _is_no_box)
BUILT_IN_VALUES = Need("boundary values that can be built in", "no_built_in", _has_no_built_in)
VALUES = Need("values prescribed on the whole boundary", "dirichlet", _has_no_values)
VALUES_WITH_DERIVATIVES = {number: _values_with(number) for number in (1, 2, 3)}
SMOOTH_VALUES_IN_SPACE = Need("boundary values without kinks in three dimensions", "rough_values", _is_rough_in_space)
NO_PERIODIC_SIDES = Need("sides that are not periodic", "periodic_axes", _has_pairs)
PERIODIC = Need("sides that are all periodic", "is_periodic", _has_ends)
PLANE_OR_SPACE = _at_most(3)
