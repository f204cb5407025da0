"""What methods need of problems: facts of the equation, the domain and the data, each with the reason why one lacks it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pdefreq.problem import Problem
    from pdefreq.terms.term import Term


@dataclass(frozen=True)
class Need:
    """Something that a method needs of a problem.

    Args:
        what: What the method works on, for messages: ``"a symmetric equation"``.
        lacking: Why a problem does not have it: a clause for messages; None where it has.
    """

    what: str
    lacking: Callable[[Problem], str | None]


def _of_terms(what: str, holds: Callable[[Term], bool | None], why: str) -> Need:
    """A need that each term has to meet by itself; what is not known counts as met."""

    def lacking(problem: Problem) -> str | None:
        term = next((term for term in problem.equation if holds(term) is False), None)
        return None if term is None else f"the {term.name} term {term.text} {why}"

    return Need(what, lacking)


def _at_most(dimensions: int) -> Need:
    def lacking(problem: Problem) -> str | None:
        d = problem.domain.dimension
        return None if d <= dimensions else f"this problem has {d}"

    return Need(f"at most {dimensions} dimension{'s' * (dimensions > 1)}", lacking)


def _no_box(problem: Problem) -> str | None:
    from pdefreq.domains.box import Box

    return None if isinstance(problem.domain, Box) else f"this domain is none ({problem.domain.title})"


EQUATION = Need("a differential equation", lambda p: "this problem is a regression" if p.is_regression else None)
REGRESSION = Need("a given function to fit", lambda p: None if p.is_regression else "this is a differential equation")
LINEAR = _of_terms("a linear equation", lambda term: term.linear, "is nonlinear")
SEMILINEAR = _of_terms(
    "second derivatives whose coefficients do not depend on u", lambda term: term.semilinear, "has coefficients that do"
)
SYMMETRIC = _of_terms("a symmetric equation", lambda term: term.symmetric, "is not symmetric")
COERCIVE = _of_terms("a positive definite equation", lambda term: term.coercive, "may be negative")
ENERGY = _of_terms("an equation with an energy", lambda term: term.has_energy, "is no derivative of an energy")
CONSTANT = _of_terms("constant coefficients", lambda term: term.constant, "has a coefficient that varies")
DIFFERENCES = _of_terms(
    "an equation for finite differences", lambda term: term.differences() is not None, "has no differences along the axes"
)
SOURCE = Need("the source everywhere", lambda p: None if p.data is None else "this problem gives it at points only ([data])")
BOX = Need("a box", _no_box)
PLANE_OR_SPACE = _at_most(3)


def unmet(problem: Problem, needs: Sequence[Need]) -> tuple[Need, str] | None:
    """The first need that a problem does not meet, and why; None where it meets all."""
    for need in needs:
        if (why := need.lacking(problem)) is not None:
            return need, why
    return None
