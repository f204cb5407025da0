"""Terms without second derivatives: a function of x, u and grad u, whose weak and strong forms are the same."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pdefreq.terms.term import AtPoints, StrongTerm, Term, Weak, WeakSlopes, WeakTerm

if TYPE_CHECKING:
    from pdefreq.shapes import Gradients, Points, Values


class PointFunction(AtPoints, ABC):
    """``L(u, q)`` at fixed points."""

    @abstractmethod
    def value(self, u: Values, q: Gradients) -> Values:
        """L, shape ``(n,)``."""

    @abstractmethod
    def slopes(self, u: Values, q: Gradients) -> tuple[Values | None, Gradients | None]:
        """The derivatives of L in u, ``(n,)``, and in q, ``(n, d)``; None is zero."""

    def gradient(self, u: Values, q: Gradients) -> Gradients | None:
        """The gradient of L in x with u and q held, ``(n, d)``; None is zero."""
        return None

    def energy(self, u: Values, q: Gradients) -> Values:
        """A function of u whose derivative is L, ``(n,)``. Only where the term has an energy."""
        raise NotImplementedError(f"{type(self).__name__} has no energy")


class LowerOrderTerm(Term):
    """A term ``L(x, u, grad u)``."""

    @abstractmethod
    def at(self, x: Points) -> PointFunction:
        """L at points ``(n, d)``, float64.

        Raises:
            ProblemFileError: If a coefficient is not finite, or outside its range, at one of the points.
        """

    def weak(self, x: Points) -> WeakTerm:
        return _Weak(self.at(x))

    def strong(self, x: Points) -> StrongTerm:
        return _Strong(self.at(x))


@dataclass(frozen=True)
class _Weak(WeakTerm):
    function: PointFunction

    def densities(self, u: Values, q: Gradients) -> Weak:
        return Weak(value=self.function.value(u, q))

    def slopes(self, u: Values, q: Gradients) -> WeakSlopes:
        return WeakSlopes(*self.function.slopes(u, q))

    def energy(self, u: Values, q: Gradients) -> Values:
        return self.function.energy(u, q)


@dataclass(frozen=True)
class _Strong(StrongTerm):
    function: PointFunction

    def lower(self, u: Values, q: Gradients) -> Values:
        return self.function.value(u, q)

    def lower_slopes(self, u: Values, q: Gradients) -> tuple[Values | None, Gradients | None]:
        return self.function.slopes(u, q)

    def lower_gradient(self, u: Values, q: Gradients) -> Gradients | None:
        return self.function.gradient(u, q)
