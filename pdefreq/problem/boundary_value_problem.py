"""Boundary value problems: an equation and boundary conditions for fields on a domain, and properties that follow.

    -div( A |grad u|^(p-2) grad u ) + b . grad u + c u + N(x, u) = f   in Omega,
    u = g   on Dirichlet parts,      A |grad u|^(p-2) grad u . n + alpha u = flux   on Robin parts,
    u and its flux agree at opposite points of periodic pairs of sides.

The left-hand side is a sum of terms (`pdefreq.problem.terms`). An equation without derivatives, c u = f, is a regression.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from pdefreq.core.fields import ConstantField, Field
from pdefreq.core.streams import stream
from pdefreq.core.validation import validated
from pdefreq.domains.samples import Samples
from pdefreq.problem.boundary_conditions import BoundaryConditions

if TYPE_CHECKING:
    from pdefreq.core.shapes import Gradients, Points, Values
    from pdefreq.problem.data import Data
    from pdefreq.problem.features import Feature
    from pdefreq.problem.rough_values import RoughPoint
    from pdefreq.problem.terms.equation import Equation
    from pdefreq.problem.terms.term import Term

_MANY, _FEW = 1024, 64  # numbers of points at which the signs of coefficients and the derivatives of terms are tested
_NEAR = 1e-12  # relative to the size of the domain: points within this distance of a singular point are left out


@dataclass(frozen=True, kw_only=True)
class BoundaryValueProblem(BoundaryConditions):
    """An equation on a domain with conditions on its boundary.

    Args:
        source: The source f.
        terms: The terms of the left-hand side.
        exact: The exact solution, if it is known.
        data: Points at which the source is known, if it is not known everywhere.
        singular: Points at which fields may be infinite or undefined.

    The other arguments are those of `BoundaryConditions`.
    """

    source: Field
    terms: tuple[Term, ...] = ()
    exact: Field | None = None
    data: Data | None = None
    singular: tuple[tuple[float, ...], ...] = ()

    @cached_property
    def equation(self) -> Equation:
        """The left-hand side."""
        from pdefreq.problem.terms.equation import Equation

        return Equation(self.terms)

    @property
    def diffusion(self) -> Field | tuple[tuple[Field, ...], ...]:
        """The coefficient of the diffusion term, zero if the term is absent."""
        from pdefreq.problem.terms.diffusion import Diffusion

        term = self.equation.find(Diffusion)
        return ConstantField(0.0) if term is None else term.coefficient

    @property
    def exponent(self) -> float:
        """The exponent of the diffusion term."""
        from pdefreq.problem.terms.diffusion import Diffusion

        term = self.equation.find(Diffusion)
        return 2.0 if term is None else term.exponent

    @property
    def reaction(self) -> Field:
        """The coefficient of the reaction term, zero if the term is absent."""
        from pdefreq.problem.terms.reaction import Reaction

        term = self.equation.find(Reaction)
        return ConstantField(0.0) if term is None else term.coefficient

    @property
    def is_regression(self) -> bool:
        """Whether the equation has no derivative: c u = f, so u = f / c."""
        return self.equation.is_regression

    @property
    def is_fit_of_points(self) -> bool:
        """Whether this is a regression of values that are known at points only, so that there is no solution between them."""
        return self.is_regression and self.data is not None and self.exact is None

    @property
    def is_known_at_points(self) -> bool:
        """Whether this is a fit of points whose values are given, so that measurements can use the points themselves."""
        return self.is_fit_of_points and self.data is not None and self.data.values is not None

    @property
    def is_linear(self) -> bool:
        """Whether the equation is linear in u."""
        return self.equation.is_linear

    @cached_property
    def discontinuous(self) -> Term | None:
        """The first term of second order with a coefficient that jumps inside the domain, or None."""
        from pdefreq.problem.jumps import jumps

        def has_jumps(term: Term) -> bool:
            return any(field.has_kinks and jumps(field, self.domain) for field in term.coefficients.values())

        return next((term for term in self.equation if term.order == 2 and has_jumps(term)), None)

    @cached_property
    def level_sets(self) -> tuple[Field, ...]:
        """Functions whose zero sets contain the interfaces that the formulas of the equation define, inner ones first.

        An interface is a set of points at which the source, a coefficient or one of their derivatives may jump.
        """
        fields = [self.source, *(field for term in self.terms for field in term.coefficients.values())]
        return tuple(dict.fromkeys(level_set for field in fields for level_set in field.level_sets))

    @cached_property
    def interfaces(self) -> tuple[float, ...]:
        """The interfaces inside an interval, in ascending order: the roots of `level_sets`.

        Raises:
            ValueError: If the domain has more than one dimension.
        """
        from pdefreq.problem.interfaces import interfaces

        return interfaces(self.level_sets, self.domain)

    @cached_property
    def kinks(self) -> tuple[float, ...]:
        """The points of an interval at which the source, a coefficient or `exact` may lose smoothness, in ascending order.

        Raises:
            ValueError: If the domain has more than one dimension.
        """
        from pdefreq.problem.interfaces import interfaces

        return interfaces([*dict.fromkeys(level_set for field in self._formulas for level_set in field.level_sets)], self.domain)

    @cached_property
    def features(self) -> list[Feature]:
        """The features of the source, the coefficients and `exact` that have a length scale, the finest first.

        Values on the boundary are not read, because their formulas need not be those of the solution inside the domain.
        """
        from pdefreq.problem.features import features

        return features(self._formulas, self.domain)

    @property
    def _formulas(self) -> list[Field]:
        """The fields inside the domain: the source, the coefficients and, if it is known, the exact solution."""
        coefficients = [field for term in self.terms for field in term.coefficients.values()]
        return [self.source, *coefficients, *([] if self.exact is None else [self.exact])]

    @cached_property
    def rough_values(self) -> RoughPoint | None:
        """The roughest point of `side_values`, or None if there are none, or they are smooth as far as sampling shows.

        See `rough_point`.
        """
        from pdefreq.problem.rough_values import rough_point

        values = self.dirichlet or self.side_values
        return rough_point(values, self.domain) if values else None

    @cached_property
    def indefinite(self) -> Term | None:
        """The first term that can make the quadratic form negative, by its kind or by its values at sample points, or None."""
        x = self.domain.interior(_MANY, stream(0, "coercivity")).x
        return next((term for term in self.equation if term.coercive is False or term.is_negative_at(x)), None)

    def regular(self, samples: Samples) -> Samples:
        """The samples without those at singular points, up to rounding; the weights of the other samples do not change."""
        if not self.singular:
            return samples
        size = max(b - a for a, b in zip(*self.domain.bounds, strict=True))
        gap = (samples.x[:, None, :] - samples.x.new_tensor(self.singular)).abs().amax(dim=2).amin(dim=1)
        keep = gap > _NEAR * size
        return Samples(*(None if column is None else column[keep] for column in vars(samples).values()))  # pyright: ignore[reportArgumentType]

    def regression_target(self, x: Points, source: Values | None = None) -> Values:
        """The solution f / c of a regression at points ``(n, d)``, shape ``(n,)``.

        Args:
            x: The points.
            source: The values of f at the points, if f is known only there.

        Raises:
            ProblemFileError: If f is not finite, or c is zero, at one of the points.
        """
        source = validated(self.source, "[equation] source", x) if source is None else source
        return source / self.equation.zero_order(x)

    def regression_target_gradient(self, x: Points) -> Gradients:
        """The gradient of `regression_target`, shape ``(n, d)``. Requires f to be known everywhere.

        Raises:
            ProblemFileError: If f, c or one of their gradients is not finite, or c is zero, at one of the points.
        """
        c, c_slope = self.equation.zero_order(x)[:, None], self.equation.zero_order_gradient(x)
        slope = validated(self.source.gradient, "the gradient of [equation] source", x)
        return (slope - self.regression_target(x)[:, None] * c_slope) / c

    @cached_property
    def side_values(self) -> Mapping[str, Field] | None:
        """The values that are prescribed on whole sides, by their names; None if a side has values and fluxes."""
        from pdefreq.problem.side_values import side_values

        return {} if self.is_regression else side_values(BoundaryConditions(domain=self.domain, boundary=self.boundary))

    @property
    def lifting(self) -> Field:
        """The lifting of the values that are prescribed on all sides that are not periodic.

        Raises:
            IncompatibleError: If the domain has no lifting of values that vary.
        """
        assert self.dirichlet is not None and self.side_values is not None
        return self.domain.lifting_from(self.side_values)

    @property
    def no_built_in(self) -> str | None:
        """The reason why boundary values can't be built into a network, as a clause; None if they can be."""
        values, domain = self.side_values, self.domain
        if values is None:
            names = ", ".join(domain.part_names[:6])
            return (
                "values and fluxes are prescribed on one side, or on parts of curved sides that `where` selects (for whole "
                f"sides, use `name`: {names})"
            )
        if values and not domain.can_lift(values):
            return f"there is no function that vanishes on some parts of the boundary of the {domain.title} only"
        return None

    @cached_property
    def is_up_to_constant(self) -> bool:
        """Whether u is determined only up to a constant: there is no reaction, and all sides have fluxes or are periodic."""
        return (
            bool(self.boundary)
            and not self.is_regression
            and (self.is_periodic or all(part.kind != "dirichlet" and part.alpha.constant == 0 for part in self.boundary))
            and not self.equation.depends_on_value(self.domain.interior(_FEW, stream(0, "coercivity")).x)
        )
