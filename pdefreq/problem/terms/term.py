"""Terms: the summands of the left-hand side of an equation.

The left-hand side is a sum of terms. Its weak form is the integral of ``G v + F . grad v`` over the domain with functions G and F
of x, u and q = grad u. Its strong form is ``L(x, u, q) - S(x, u, q) : D^2 u`` with a lower-order part L and a symmetric matrix S.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self, TypeAlias

from pdefreq.core.content import Content
from pdefreq.core.fields import Field
from pdefreq.core.registry import is_file
from pdefreq.problem.terms import TERMS

if TYPE_CHECKING:
    from sympy import Expr, Symbol
    from torch import Tensor

    from pdefreq.core.shapes import Gradients, Points, Values

CoefficientReader: TypeAlias = Callable[[Any, str], Field]
"""Makes a field of what a user wrote for a coefficient, and of the key under which it stands."""


class Weak(NamedTuple):
    """What a term contributes to the weak form at n points; None is zero.

    Args:
        value: G, which multiplies the test function, shape ``(n,)``.
        flux: F, which multiplies the gradient of the test function, shape ``(n, d)``.
    """

    value: Values | None = None
    flux: Gradients | None = None


class WeakSlopes(NamedTuple):
    """The derivatives of `Weak` in u and q = grad u at n points; None is zero.

    The derivative of the flux in q is ``isotropic I + strength n n^T + matrix``.

    Args:
        value_u: The derivative of G in u, ``(n,)``.
        value_q: The derivative of G in q, ``(n, d)``.
        isotropic: The multiple of the identity, ``(n,)``.
        directed: The strength ``(n,)`` and the direction n ``(n, d)``, a unit vector or zero.
        matrix: The rest, symmetric, ``(n, d, d)``.
    """

    value_u: Values | None = None
    value_q: Gradients | None = None
    isotropic: Values | None = None
    directed: tuple[Values, Gradients] | None = None
    matrix: Tensor | None = None


class AtPoints:
    """Base of the frozen dataclasses that hold the coefficients of a term at fixed points."""

    def to(self, like: Tensor) -> Self:
        """The same in the dtype and on the device of `like`."""
        import torch

        moved = {f.name: getattr(self, f.name) for f in fields(self)}  # pyright: ignore[reportArgumentType]
        movable = {name: t.to(like) for name, t in moved.items() if isinstance(t, (torch.Tensor, AtPoints))}
        return replace(self, **movable)  # pyright: ignore[reportArgumentType]


class WeakTerm(AtPoints, ABC):
    """The weak form of a term at fixed points."""

    @abstractmethod
    def densities(self, u: Values, q: Gradients) -> Weak:
        """What multiplies the test function and its gradient, for u and q = grad u at the points."""

    @abstractmethod
    def slopes(self, u: Values, q: Gradients) -> WeakSlopes:
        """The derivatives of `densities` in u and q."""

    def energy(self, u: Values, q: Gradients) -> Values:
        """The density of the energy, ``(n,)``: its derivatives in u and q are `densities`. Only where `Term.has_energy`."""
        raise NotImplementedError(f"{type(self).__name__} has no energy")


class StrongTerm(AtPoints, ABC):
    """The strong form ``L(u, q) - S(u, q) : D^2 u`` of a term at fixed points."""

    @abstractmethod
    def lower(self, u: Values, q: Gradients) -> Values | None:
        """L, shape ``(n,)``; None is zero."""

    @abstractmethod
    def lower_slopes(self, u: Values, q: Gradients) -> tuple[Values | None, Gradients | None]:
        """The derivatives of L in u, ``(n,)``, and in q, ``(n, d)``; None is zero."""

    def lower_gradient(self, u: Values, q: Gradients) -> Gradients | None:
        """The gradient of L in x with u and q held, ``(n, d)``; None is zero."""
        return None

    def second(self, u: Values, q: Gradients) -> Tensor | None:
        """S: ``(n,)`` or 0-d for a multiple of the identity, or ``(n, d, d)``; None is zero."""
        return None

    def second_gradient(self) -> Tensor | None:
        """The gradient of S in x, ``(n, d)`` or ``(n, d, d, d)`` with the derivative last; None is zero. For linear terms."""
        return None


@dataclass(frozen=True)
class FiniteDifferenceCoefficients:
    """The coefficients of a term that second-order finite differences take.

    Args:
        diffusion: A of the flux ``-A_k du/dx_k`` along each axis; empty is zero.
        convection: b of ``b . grad u``, one for each axis; empty is zero.
        reaction: c of ``c u``; None is zero.
    """

    diffusion: tuple[Field, ...] = ()
    convection: tuple[Field, ...] = ()
    reaction: Field | None = None


class Term(Content, ABC):
    """A summand of the left-hand side of an equation. Terms are frozen dataclasses; their fields are coefficients and numbers.

    Attributes:
        order: The order of the highest derivative of u.
        keys: The keys of the [equation] table that describe the term: the coefficient, then options.
    """

    order: ClassVar[int]
    keys: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def read(cls, values: Mapping[str, Any], dimension: int, coefficient: CoefficientReader) -> Term | None:  # noqa: ARG003
        """The term that values by key describe, or None where they make it zero; by default a field of each key.

        Args:
            values: By `keys`, as they stand in a problem file or in an argument; at least one of the keys is there.
            dimension: Of the domain.
            coefficient: Makes fields of values.

        Raises:
            ProblemFileError: If a value does not fit.
        """
        of_keys = dict(zip(cls.keys, (f.name for f in fields(cls)), strict=False))  # pyright: ignore[reportArgumentType]
        return cls(**{of_keys.get(key, key): coefficient(value, key) for key, value in values.items()})

    @property
    def values(self) -> dict[str, Any]:
        """The values by `keys` that `read` makes this term of."""
        return {key: getattr(self, f.name) for key, f in zip(self.keys, fields(self), strict=True)}  # pyright: ignore[reportArgumentType]

    @property
    def name(self) -> str:
        """What messages call the term: ``"convection"``."""
        name = TERMS.name_of(type(self))
        return type(self).__name__ if name is None or is_file(name) else name

    @property
    def linear(self) -> bool:
        """Whether the term is linear in u."""
        return True

    @property
    def semilinear(self) -> bool:
        """Whether the coefficients of the second derivatives depend on x alone, neither on u nor on grad u."""
        return self.linear or self.order < 2

    @property
    def symmetric(self) -> bool:
        """Whether the bilinear form of the term, or of its linearization, is symmetric."""
        return True

    @property
    def coercive(self) -> bool | None:
        """Whether the form is nonnegative: ``int G u + F . grad u >= 0`` for all u that are zero on the boundary.

        For a nonlinear term, whether its weak form is monotone. None where it is not known.
        """
        return None

    def depends_on_value(self, x: Points) -> bool:
        """Whether a constant added to u changes the term, as seen at points ``(n, d)``."""
        return self.order == 0

    def is_negative_at(self, x: Points) -> bool:
        """Whether the coefficients at points ``(n, d)`` show that the term is not coercive."""
        return False

    @property
    def constant(self) -> bool:
        """Whether the coefficients are the same everywhere."""
        return False

    @property
    def has_energy(self) -> bool:
        """Whether the weak form is the derivative of an energy."""
        return False

    @property
    def stages(self) -> Sequence[Term]:
        """Terms that lead to this one, the easiest first and itself the last: Newton's method goes through them in order."""
        return (self,)

    @property
    @abstractmethod
    def text(self) -> str:
        """The term in a formula, for people: ``"(b) . grad u"``."""

    @property
    def flux_text(self) -> str:
        """F . n in a formula, for people; empty where the term has no flux."""
        return ""

    @property
    def coefficients(self) -> Mapping[str, Field]:
        """The fields of the term by a name for people."""
        return {}

    @abstractmethod
    def symbolic(self, u: Expr, x: Sequence[Symbol]) -> Expr:
        """The strong form applied to a formula."""

    def symbolic_flux(self, u: Expr, x: Sequence[Symbol]) -> Sequence[Expr] | None:
        """F of a formula, one expression for each axis; None is zero."""
        return None

    @abstractmethod
    def weak(self, x: Points) -> WeakTerm:
        """The weak form at points ``(n, d)``, float64.

        Where the term is `constant` it may be asked for at one point and evaluated with any number of values u and q.

        Raises:
            ProblemFileError: If a coefficient is not finite, or outside its range, at one of the points.
        """

    @abstractmethod
    def strong(self, x: Points) -> StrongTerm:
        """The strong form at points ``(n, d)``, float64.

        Raises:
            ProblemFileError: If a coefficient or its gradient is not finite, or outside its range, at one of the points.
        """

    def check(self, x: Points) -> None:
        """Refuse coefficients that are not finite or outside their range at points ``(n, d)``.

        Raises:
            ProblemFileError: In one sentence with the point.
        """
        self.weak(x)

    def finite_difference_coefficients(self) -> FiniteDifferenceCoefficients | None:
        """What finite differences take; None where they can't express the term."""
        return None

    def symbol(self, xi: Tensor) -> Tensor | None:
        """The symbol: the factor by which the term multiplies ``exp(i xi . x)``, for wavevectors ``(m, d)``, shape ``(m,)``.

        It is complex for convection. None where the coefficients are not constant or the term is not linear.
        """
        return None
