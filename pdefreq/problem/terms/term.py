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
"""A function that converts the user's value of a coefficient and its key to a field."""


class Weak(NamedTuple):
    """The contribution of a term to the weak form at n points; None stands for zero.

    Args:
        value: G, which multiplies the test function, shape ``(n,)``.
        flux: F, which multiplies the gradient of the test function, shape ``(n, d)``.
    """

    value: Values | None = None
    flux: Gradients | None = None


class WeakSlopes(NamedTuple):
    """The derivatives of `Weak` with respect to u and q = grad u at n points; None stands for zero.

    The derivative of the flux with respect to q is ``isotropic I + strength n n^T + matrix``.

    Args:
        value_u: The derivative of G with respect to u, ``(n,)``.
        value_q: The derivative of G with respect to q, ``(n, d)``.
        isotropic: The factor of the identity, ``(n,)``.
        directed: The strength ``(n,)`` and the direction n ``(n, d)``, a unit vector or zero.
        matrix: The remaining symmetric matrix, ``(n, d, d)``.
    """

    value_u: Values | None = None
    value_q: Gradients | None = None
    isotropic: Values | None = None
    directed: tuple[Values, Gradients] | None = None
    matrix: Tensor | None = None


class AtPoints:
    """Base of the frozen dataclasses that hold the coefficients of a term at fixed points."""

    def to(self, like: Tensor) -> Self:
        """A copy with the dtype and the device of `like`."""
        import torch

        moved = {f.name: getattr(self, f.name) for f in fields(self)}  # pyright: ignore[reportArgumentType]
        movable = {name: t.to(like) for name, t in moved.items() if isinstance(t, (torch.Tensor, AtPoints))}
        return replace(self, **movable)  # pyright: ignore[reportArgumentType]


class WeakTerm(AtPoints, ABC):
    """The weak form of a term at fixed points."""

    @abstractmethod
    def densities(self, u: Values, q: Gradients) -> Weak:
        """The factors of the test function and of its gradient, for u and q = grad u at the points."""

    @abstractmethod
    def slopes(self, u: Values, q: Gradients) -> WeakSlopes:
        """The derivatives of `densities` with respect to u and q."""

    def energy(self, u: Values, q: Gradients) -> Values:
        """The energy density, ``(n,)``, whose derivatives with respect to u and q are `densities`. Requires `Term.has_energy`."""
        raise NotImplementedError(f"{type(self).__name__} has no energy")


class StrongTerm(AtPoints, ABC):
    """The strong form ``L(u, q) - S(u, q) : D^2 u`` of a term at fixed points."""

    @abstractmethod
    def lower(self, u: Values, q: Gradients) -> Values | None:
        """The lower-order part L, shape ``(n,)``; None stands for zero."""

    @abstractmethod
    def lower_slopes(self, u: Values, q: Gradients) -> tuple[Values | None, Gradients | None]:
        """The derivatives of L with respect to u, ``(n,)``, and q, ``(n, d)``; None stands for zero."""

    def lower_gradient(self, u: Values, q: Gradients) -> Gradients | None:
        """The gradient of L with respect to x for fixed u and q, ``(n, d)``; None stands for zero."""
        return None

    def second(self, u: Values, q: Gradients) -> Tensor | None:
        """The matrix S: ``(n,)`` or 0-d for a multiple of the identity, or ``(n, d, d)``; None stands for zero."""
        return None

    def second_gradient(self) -> Tensor | None:
        """The gradient of S with respect to x, for linear terms; None stands for zero.

        The shape is ``(n, d)`` for a multiple of the identity, otherwise ``(n, d, d, d)`` with the derivative last.
        """
        return None


@dataclass(frozen=True)
class FiniteDifferenceCoefficients:
    """The coefficients of a term in a second-order finite difference scheme.

    Args:
        diffusion: The coefficients A_k of the fluxes ``-A_k du/dx_k`` along the axes, or one coefficient for all axes; empty
            stands for zero.
        convection: The components of b in ``b . grad u``, one for each axis; empty stands for zero.
        reaction: The coefficient c of ``c u``; None stands for zero.
    """

    diffusion: tuple[Field, ...] = ()
    convection: tuple[Field, ...] = ()
    reaction: Field | None = None


class Term(Content, ABC):
    """A summand of the left-hand side of an equation: a frozen dataclass whose fields are coefficients and numbers.

    Attributes:
        order: The order of the highest derivative of u.
        keys: The keys of the [equation] table that describe the term: first the coefficient, then options.
    """

    order: ClassVar[int]
    keys: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def read(cls, values: Mapping[str, Any], dimension: int, coefficient: CoefficientReader) -> Term | None:  # noqa: ARG003
        """The term described by values, or None if they make the term zero. By default each value is converted to a field.

        Args:
            values: Values by `keys`, as in a problem file or an argument; at least one key is present.
            dimension: The dimension of the domain.
            coefficient: Converts values to fields.

        Raises:
            ProblemFileError: If a value is malformed or outside its range.
        """
        of_keys = dict(zip(cls.keys, (f.name for f in fields(cls)), strict=False))  # pyright: ignore[reportArgumentType]
        return cls(**{of_keys.get(key, key): coefficient(value, key) for key, value in values.items()})

    @property
    def values(self) -> dict[str, Any]:
        """The values by `keys` from which `read` creates this term."""
        return {key: getattr(self, f.name) for key, f in zip(self.keys, fields(self), strict=True)}  # pyright: ignore[reportArgumentType]

    @property
    def name(self) -> str:
        """The name of the term in messages: ``"convection"``."""
        name = TERMS.name_of(type(self))
        return type(self).__name__ if name is None or is_file(name) else name

    @property
    def linear(self) -> bool:
        """Whether the term is linear in u."""
        return True

    @property
    def semilinear(self) -> bool:
        """Whether the coefficients of the second derivatives depend only on x, not on u or grad u."""
        return self.linear or self.order < 2

    @property
    def symmetric(self) -> bool:
        """Whether the bilinear form of the term, or of its linearization, is symmetric."""
        return True

    @property
    def coercive(self) -> bool | None:
        """Whether the form is nonnegative: ``int G u + F . grad u >= 0`` for all u that vanish on the boundary.

        For a nonlinear term, whether its weak form is monotone. None if this is not known.
        """
        return None

    def depends_on_value(self, x: Points) -> bool:
        """Whether the term at points ``(n, d)`` changes if a constant is added to u."""
        return self.order == 0

    def is_negative_at(self, x: Points) -> bool:
        """Whether the coefficients at points ``(n, d)`` show that the term is not coercive."""
        return False

    @property
    def constant(self) -> bool:
        """Whether the coefficients are constant."""
        return False

    @property
    def has_energy(self) -> bool:
        """Whether the weak form is the derivative of an energy."""
        return False

    @property
    def stages(self) -> Sequence[Term]:
        """The terms of a continuation, from the easiest one to this term; Newton's method solves them in this order."""
        return (self,)

    @property
    @abstractmethod
    def text(self) -> str:
        """The term as a formula for display: ``"(b) . grad u"``."""

    @property
    def flux_text(self) -> str:
        """The normal flux F . n as a formula for display; empty if the term has no flux."""
        return ""

    @property
    def coefficients(self) -> Mapping[str, Field]:
        """The coefficients of the term by their display names."""
        return {}

    @abstractmethod
    def symbolic(self, u: Expr, x: Sequence[Symbol]) -> Expr:
        """The strong form applied to a formula."""

    def symbolic_flux(self, u: Expr, x: Sequence[Symbol]) -> Sequence[Expr] | None:
        """The flux F of a formula, one expression for each axis; None stands for zero."""
        return None

    @abstractmethod
    def weak(self, x: Points) -> WeakTerm:
        """The weak form at points ``(n, d)``, float64.

        If the term is `constant`, the weak form at a single point can be evaluated for any number of values u and q.

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
        """Check that the coefficients at points ``(n, d)`` are finite and within their range.

        Raises:
            ProblemFileError: If they are not; the message contains the point.
        """
        self.weak(x)

    def finite_difference_coefficients(self) -> FiniteDifferenceCoefficients | None:
        """The coefficients for finite differences, or None if finite differences can't express the term."""
        return None

    def symbol(self, xi: Tensor) -> Tensor | None:
        """The symbol: the factor by which the term multiplies ``exp(i xi . x)``, for wavevectors ``(m, d)``, shape ``(m,)``.

        It is complex for convection. None if the coefficients are not constant or the term is not linear.
        """
        return None
