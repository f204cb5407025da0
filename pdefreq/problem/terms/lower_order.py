"""Terms without second derivatives: a function of x, u and grad u, whose weak and strong forms are the same."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pdefreq.core.streams import stream
from pdefreq.core.validation import validated
from pdefreq.problem.terms.term import AtPoints, StrongTerm, Term, Weak, WeakSlopes, WeakTerm

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from pdefreq.core.shapes import Gradients, Points, Values

_GAUSS = 20  # points of the integral over u


class PointFunction(AtPoints, ABC):
    """``L(u, q)`` at fixed points."""

    @abstractmethod
    def value(self, u: Values, q: Gradients) -> Values:
        """L, shape ``(n,)``."""

    def slopes(self, u: Values, q: Gradients) -> tuple[Values | None, Gradients | None]:
        """The derivatives of L in u, ``(n,)``, and in q, ``(n, d)``; None is zero. The default differentiates `value`."""
        at_u, at_q = derivatives(self.value, u, q)
        return at_u, at_q

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


class PointwiseTerm(LowerOrderTerm):
    """A term ``L(x, u, grad u)`` that is stated by its value alone, nonlinear in general.

    A subclass states `order`, 0 or 1, `value` and `symbolic`. Derivatives follow by automatic differentiation. Where the order is
    0, the energy follows by integration over u. A subclass that is linear, has constant coefficients or is known to be monotone
    overrides `linear`, `constant` or `coercive`.
    """

    @abstractmethod
    def value(self, x: Points, u: Values, q: Gradients) -> Values:
        """L, shape ``(n,)``, written with torch operations.

        Args:
            x: Points, ``(n, d)``.
            u: The values of u there, ``(n,)``.
            q: The gradients of u there, ``(n, d)``.
        """

    @property
    def linear(self) -> bool:
        return False

    @property
    def symmetric(self) -> bool:
        return self.order == 0

    @property
    def has_energy(self) -> bool:
        return self.order == 0

    @property
    def text(self) -> str:
        return f"{self.name}(x, u{', grad u' * (self.order > 0)})"

    def depends_on_value(self, x: Points) -> bool:
        import torch

        draw = stream(0, "values of a term")
        u, q = (torch.randn(size, generator=draw, dtype=torch.float64) for size in (x.shape[:1], x.shape))
        slope = self.at(x).slopes(u, q)[0]
        return slope is not None and bool((slope != 0).any())

    def check(self, x: Points) -> None:
        """At u = 0."""
        import torch

        validated(lambda x: self.value(x, torch.zeros_like(x[:, 0]), torch.zeros_like(x)), f"[equation] {self.name}", x)

    def at(self, x: Points) -> PointFunction:
        return _Pointwise(self, x)


@dataclass(frozen=True)
class _Pointwise(PointFunction):
    """A term at points x, for any u."""

    term: PointwiseTerm
    x: Points

    def value(self, u: Values, q: Gradients) -> Values:
        return self.term.value(self.x, u, q)

    def slopes(self, u: Values, q: Gradients) -> tuple[Values | None, Gradients | None]:
        if self.term.order == 0:
            return derivatives(lambda u: self.value(u, q), u, held=(q,))[0], None
        return super().slopes(u, q)

    def gradient(self, u: Values, q: Gradients) -> Gradients:
        return derivatives(lambda x: self.term.value(x, u, q), self.x, held=(u, q))[0]

    def energy(self, u: Values, q: Gradients) -> Values:
        """``u int_0^1 L(s u) ds``, by a Gauss rule in s that is exact for polynomials of degree 39 in u."""
        import numpy as np
        import torch

        if not self.term.has_energy:
            return super().energy(u, q)
        nodes, weights = np.polynomial.legendre.leggauss(_GAUSS)
        total = torch.zeros_like(u)
        for s, w in zip(((nodes + 1) / 2).tolist(), (weights / 2).tolist(), strict=True):
            total = total + w * self.value(s * u, q)
        return u * total


def derivatives(function: Callable[..., Values], *at: Tensor, held: Sequence[Tensor] = ()) -> Sequence[Tensor]:
    """The derivatives of values at points in each argument at the same point; they can be differentiated again where those can.

    Args:
        function: From the arguments to values ``(n,)``, each of which depends on the arguments at its own point alone.
        at: The arguments, ``(n,)`` or ``(n, d)``.
        held: What else the function takes.
    """
    import torch

    keep = torch.is_grad_enabled() and any(t.requires_grad for t in (*at, *held))
    with torch.enable_grad():
        # views are nodes of their own: what an argument depends on, perhaps another one, does not count
        own = [t.view_as(t) if keep and t.requires_grad else t.detach().requires_grad_() for t in at]
        values = function(*own)
        if not values.requires_grad:
            return [torch.zeros_like(t) for t in at]
        return torch.autograd.grad(values.sum(), own, create_graph=keep, materialize_grads=True)


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
