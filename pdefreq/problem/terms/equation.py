"""The left-hand side of an equation: a sum of terms, and what the sum is."""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from pdefreq.core.errors import ProblemFileError
from pdefreq.problem.terms import TERMS
from pdefreq.problem.terms.term import CoefficientReader, FiniteDifferenceCoefficients, Term

if TYPE_CHECKING:
    from sympy import Expr, Symbol
    from torch import Tensor

    from pdefreq.core.fields import Field
    from pdefreq.core.shapes import Gradients, Points, Values

T = TypeVar("T", bound=Term)


@dataclass(frozen=True)
class Equation:
    """A sum of terms. Facts are True, False, or None where they are not known.

    Args:
        terms: At least one, in the order of the registry, one of each built-in kind at most.

    Raises:
        ProblemFileError: If there is no term, or terms of first order or nonlinear ones lack a term of second order.
    """

    terms: tuple[Term, ...]

    def __post_init__(self) -> None:
        if not self.terms:
            raise ProblemFileError("[equation] diffusion and reaction are both zero: there is no equation; give one of them")
        if not self.is_regression and self.order < 2:
            lone = next(term for term in self.terms if term.order > 0 or not term.linear)
            raise ProblemFileError(f"[equation] {lone.name} needs a diffusion that is not zero: give one, such as diffusion = 1")

    def __iter__(self) -> Iterator[Term]:
        return iter(self.terms)

    def find(self, kind: type[T]) -> T | None:
        """The first term of a class; None where there is none."""
        return next((term for term in self.terms if isinstance(term, kind)), None)

    @property
    def order(self) -> int:
        """The order of the highest derivative of u."""
        return max(term.order for term in self.terms)

    @property
    def is_regression(self) -> bool:
        """Whether no derivative of u occurs and u occurs linearly: c u = f."""
        return self.order == 0 and self.is_linear

    @property
    def is_linear(self) -> bool:
        """Whether every term is linear in u."""
        return all(term.linear for term in self.terms)

    @property
    def is_semilinear(self) -> bool:
        """Whether the coefficients of the second derivatives depend on x alone, neither on u nor on grad u."""
        return all(term.semilinear for term in self.terms)

    @property
    def is_symmetric(self) -> bool:
        """Whether the bilinear form of every term is symmetric."""
        return all(term.symmetric for term in self.terms)

    @property
    def is_coercive(self) -> bool | None:
        """Whether no term can make the quadratic form of u negative; None where a term does not know."""
        facts = [term.coercive for term in self.terms]
        return False if False in facts else None if None in facts else True

    @property
    def is_constant(self) -> bool:
        """Whether every coefficient is the same everywhere."""
        return all(term.constant for term in self.terms)

    @property
    def has_energy(self) -> bool:
        """Whether the equation is the derivative of an energy."""
        return all(term.has_energy for term in self.terms)

    def depends_on_value(self, x: Points) -> bool:
        """Whether a constant added to u changes the left-hand side, as seen at points ``(n, d)``."""
        return any(term.depends_on_value(x) for term in self.terms)

    @property
    def coefficients(self) -> dict[str, Field]:
        """The fields of all terms by a name for people."""
        return {name: field for term in self.terms for name, field in term.coefficients.items()}

    @property
    def stages(self) -> list[Equation]:
        """Equations that lead to this one, the easiest first and itself the last; all terms go through their stages together."""
        ways = [term.stages for term in self.terms]
        count = max(map(len, ways))
        return [Equation(tuple(way[min(k, len(way) - 1)] for way in ways)) for k in range(count)]

    @property
    def text(self) -> str:
        """The left-hand side for people: ``"-div( grad u ) + (2) u"``."""
        return " + ".join(term.text for term in self.terms)

    def zero_order(self, x: Points) -> Values:
        """The coefficient c of a regression, c u = f, at points ``(n, d)``, shape ``(n,)``.

        Raises:
            ProblemFileError: If a coefficient is not finite, or c is zero, at one of the points.
        """
        import torch

        one, zero = torch.ones_like(x[:, 0]), torch.zeros_like(x)
        c = sum((c for term in self.terms if (c := term.strong(x).lower(one, zero)) is not None), zero[:, 0])
        wrong = c == 0
        if bool(wrong.any()):
            at = ", ".join(f"{v:g}" for v in x[wrong][0].tolist())
            raise ProblemFileError(f"[equation] {self.terms[0].name} must not be zero in a regression, as it is at ({at})")
        return c

    def zero_order_gradient(self, x: Points) -> Gradients:
        """The gradient of `zero_order`, shape ``(n, d)``.

        Raises:
            ProblemFileError: If a coefficient or its gradient is not finite at one of the points.
        """
        import torch

        one, zero = torch.ones_like(x[:, 0]), torch.zeros_like(x)
        return sum((slope for term in self.terms if (slope := term.strong(x).lower_gradient(one, zero)) is not None), zero)

    def symbolic(self, u: Expr, x: Sequence[Symbol]) -> Expr:
        """The strong form applied to a formula."""
        from pdefreq.problem.expressions.arithmetic import add

        return add(*(term.symbolic(u, x) for term in self.terms))

    def symbolic_flux(self, u: Expr, x: Sequence[Symbol]) -> list[Expr]:
        """The flux F of a formula, one expression for each axis."""
        from pdefreq.problem.expressions.arithmetic import add

        parts = [flux for term in self.terms if (flux := term.symbolic_flux(u, x)) is not None]
        return [add(*(part[k] for part in parts)) for k in range(len(x))]

    def symbol(self, xi: Tensor) -> Tensor | None:
        """The sum of the symbols of the terms, ``(m,)``; None where a coefficient varies or a term is nonlinear."""
        symbols = [term.symbol(xi) for term in self.terms]
        if any(symbol is None for symbol in symbols):
            return None
        return functools.reduce(operator.add, symbols)  # pyright: ignore[reportArgumentType]

    def finite_difference_coefficients(self) -> list[FiniteDifferenceCoefficients] | None:
        """What finite differences take of each term; None where they can't express one."""
        found = [term.finite_difference_coefficients() for term in self.terms]
        return None if any(each is None for each in found) else found  # pyright: ignore[reportReturnType]


def read_terms(
    values: Mapping[str, Any], dimension: int, coefficient: CoefficientReader, kept: Sequence[Term] = ()
) -> tuple[Term, ...]:
    """The terms that values by key describe, in the order of the registry.

    Args:
        values: By the keys of the [equation] table.
        dimension: Of the domain.
        coefficient: Makes fields of values.
        kept: Terms that stand unless `values` hold one of their keys: these replace the first term of the class, whose other keys
            stand.

    Raises:
        ProblemFileError: If a value does not fit its term.
    """
    found: list[Term] = []
    classes: list[type[Term]] = [TERMS.load(name) for name in TERMS]
    for kind in classes:
        own = {key: values[key] for key in kind.keys if key in values}
        before = [term for term in kept if type(term) is kind]
        if not own:
            found += before
            continue
        old = before[0].values if before else {}
        if (term := kind.read({**old, **own}, dimension, coefficient)) is not None:
            found.append(term)
        found += before[1:]
    return (*found, *(term for term in kept if type(term) not in classes))
