"""The weak form of a problem in a Galerkin space: its residual, its derivative (a matrix), and its energy."""

from __future__ import annotations

import copy
import functools
import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from pdefreq.core.errors import SingularProblemError
from pdefreq.core.validation import validated
from pdefreq.domains.samples import Samples
from pdefreq.problem.boundary_extent import BoundaryExtent
from pdefreq.spaces.elements.densities import Density, Slopes, TermsAtPoints
from pdefreq.spaces.trial_space import LinearSpace, LinearSystem

if TYPE_CHECKING:
    from pdefreq.core.fields import Field
    from pdefreq.core.shapes import Points, Values
    from pdefreq.problem.problem import Problem
    from pdefreq.problem.terms.equation import Equation

_ROUNDING = 1e-10  # relative size below which column sums of a matrix are rounding errors
_OPEN = 1e-3  # column sums over the skew part: about 1 for flow through the boundary, at most 4e-6 by quadrature on 8^2 cells


class Rule(ABC):
    """A quadrature rule for a space: evaluation at its points, and integrals against the basis functions.

    Arrays over the points have the rule's own shape; gradients have an axis of length d before it.
    """

    @property
    @abstractmethod
    def x(self) -> Points:
        """The points, ``(n, d)``, float64, in C order of the rule's shape."""

    @property
    @abstractmethod
    def weights(self) -> np.ndarray:
        """The weights, in the rule's shape; their sum is the measure of the domain or boundary part."""

    @abstractmethod
    def value(self, c: np.ndarray) -> np.ndarray:
        """The values of u at the points."""

    @abstractmethod
    def gradient(self, c: np.ndarray) -> np.ndarray:
        """The gradient of u at the points."""

    @abstractmethod
    def vector(self, density: Density, flux: np.ndarray | None = None) -> np.ndarray:
        """The integrals of ``density phi_i + flux . grad phi_i``, shape ``(P,)``."""

    @abstractmethod
    def matrix(self, slopes: Slopes) -> Any:
        """The matrix of a bilinear form, sparse ``(P, P)``; rows are test functions, columns trial functions."""

    def integral(self, density: Density) -> float:
        """The integral of a density."""
        return float(np.sum(self.weights * density))


class GalerkinSpace(LinearSpace):
    """A linear space with its own quadrature rules, for Galerkin methods."""

    @abstractmethod
    def constant(self) -> np.ndarray:
        """Coefficients of u = 1, shape ``(P,)``."""

    @abstractmethod
    def inside(self) -> Rule:
        """The rule for integrals over the domain."""

    @abstractmethod
    def on_boundary(self, problem: Problem) -> list[tuple[int, Rule]]:
        """The rules for integrals over the Robin parts, each with the index of the part in ``problem.boundary``."""

    @abstractmethod
    def prescribed(self, problem: Problem) -> tuple[np.ndarray, np.ndarray]:
        """The indices and values of the coefficients that Dirichlet parts prescribe."""

    def assemble(self, problem: Problem) -> LinearSystem:
        """The linear system of a linear problem, by quadrature.

        Raises:
            ProblemFileError: If a coefficient is not finite, or outside its range, at a quadrature point.
        """
        return WeakForm(self, problem).system()


@dataclass(frozen=True)
class _RobinPart:
    """The term alpha u - flux that a Robin part adds to the weak form."""

    rule: Rule
    alpha: Density
    flux: Density


@dataclass(frozen=True)
class ConstantNullSpace:
    """The null space of constants, and the selection of one of the solutions that differ by a constant.

    During the solve the first coefficient is fixed; then the mean is subtracted.

    Args:
        constant: Coefficients of u = 1, shape ``(P,)``; the first is not zero.
        weights: Integrals of the basis functions, shape ``(P,)``.
    """

    constant: np.ndarray
    weights: np.ndarray

    def without_mean(self, c: np.ndarray) -> np.ndarray:
        """The coefficients of u minus its mean."""
        return c - (self.weights @ c) / (self.weights @ self.constant) * self.constant

    def pinned(self, c: np.ndarray) -> np.ndarray:
        """The coefficients of u minus a constant, chosen such that the first coefficient is zero."""
        return c - c[0] / self.constant[0] * self.constant

    def compatible(self, load: np.ndarray) -> np.ndarray:
        """The load minus that of a constant source, such that its product with the coefficients of u = 1 is zero."""
        return load - (load @ self.constant) / (self.weights @ self.constant) * self.weights


class WeakForm:
    """The weak form ``int( G v + F . grad v - f v ) + int_Robin( alpha u - flux ) v`` of the terms of a problem, for all v.

    If fluxes are prescribed on the whole boundary and no term depends on u itself, u is the solution of mean zero and
    `null_space` is not None. The part of the load that violates the compatibility condition by quadrature errors is then
    subtracted.

    Args:
        space: The space of u.
        problem: The problem, with its equation, source and boundary conditions.
        samples: For a source known at points only, the points with weights (the measure over their number) and the values.
            The load is then the weighted sum of the basis functions at the points, as for a sum of point sources.

    Raises:
        ProblemFileError: If a field is not finite, or a coefficient outside its range, at a quadrature point; if the problem
            has no solution.
    """

    def __init__(self, space: GalerkinSpace, problem: Problem, samples: tuple[Samples, Values] | None = None) -> None:
        self.space, self.equation = space, problem.equation
        self._inside = space.inside()
        _ = self._terms
        if self.equation.is_linear:
            _ = self._linear_matrix  # assembled before the mesh stores its facets, since memory is used most during assembly
        self._robin = [
            _RobinPart(
                edge,
                _density(edge, problem.boundary[part].alpha, "[boundary] alpha", least=0),
                _density(edge, problem.boundary[part].flux, "[boundary] flux"),
            )
            for part, edge in space.on_boundary(problem)
        ]
        self._robin_matrices = [part.rule.matrix(Slopes(value_u=part.alpha)) for part in self._robin if np.any(part.alpha)]
        self.load = _point_load(space, *samples) if samples is not None else self._source_load(problem)
        for part in self._robin:
            self.load += part.rule.vector(part.flux)
        self.fixed, self.values = space.prescribed(problem)
        self.null_space: ConstantNullSpace | None = None
        free = not self._robin_matrices and not self._depends_on_values
        if BoundaryExtent(problem).is_singular(fixed=len(self.fixed), free=free):
            constants = ConstantNullSpace(space.constant(), self._inside.vector(1.0))
            self.load = constants.compatible(self.load)
            if not len(self.fixed):
                self.null_space = constants
                self.fixed, self.values = np.zeros(1, dtype=int), np.zeros(1)

    @property
    def dimension(self) -> int:
        """The dimension of the domain."""
        return self._inside.x.shape[1]

    @property
    def quadrature(self) -> Samples:
        """The interior points of the rule with their weights."""
        return Samples(self._inside.x, torch.from_numpy(self._inside.weights.reshape(-1).copy()))

    @property
    def stages(self) -> list[WeakForm]:
        """The weak forms of a continuation, the easiest equation first and this one last, with the same load."""
        return [*map(self._of, self.equation.stages[:-1]), self]

    @property
    def start(self) -> np.ndarray:
        """Initial coefficients for Newton's method, shape ``(P,)``.

        They are zero, except for the prescribed ones. Without prescribed ones they represent u = 1, because at u = 0 the
        derivative of a nonlinear term such as u^3 may vanish, and the matrix would be singular.
        """
        c = np.zeros(self.space.num_coefficients) if len(self.fixed) or self._robin_matrices else self.space.constant()
        c[self.fixed] = self.values
        return c

    def system(self) -> LinearSystem:
        """The linear system of a linear problem."""
        return self._system(self._linear_matrix, self._terms.slopes()[1], self.load, self.values)

    def linearization(self, c: np.ndarray) -> LinearSystem:
        """The linear system of the Newton correction at u."""
        slopes, nonnegative = self._terms.slopes(*self._at(c))
        return self._system(self._inside.matrix(slopes), nonnegative, -self.residual(c), np.zeros(len(self.fixed)))

    def jacobian(self, c: np.ndarray) -> Any:
        """The derivative of the residual, sparse ``(P, P)``."""
        return self._with_robin(self._inside.matrix(self._terms.slopes(*self._at(c))[0]))

    def residual(self, c: np.ndarray) -> np.ndarray:
        """The weak form tested with every basis function, shape ``(P,)``; the gradient of the energy, if there is one."""
        total = self._inside.vector(*self._terms.densities(*self._at(c))) - self.load
        for matrix in self._robin_matrices:
            total += matrix @ c
        return total

    def residual_along(self, c: np.ndarray, direction: np.ndarray) -> Callable[[float], float]:
        """The residual at ``u + t v`` applied to v, as a function of t, from one pass over the points without assembly."""
        (u, q), (v, e) = self._at(c), self._at(direction)
        work = float(self.load @ direction)
        images = [matrix @ direction for matrix in self._robin_matrices]
        first, second = (sum(float(image @ x) for image in images) for x in (c, direction))

        def along(t: float) -> float:
            value, flux = self._terms.densities(u + t * v, q + t * e)
            density = value * v if flux is None else value * v + (flux * e).sum(axis=0)
            return self._inside.integral(density) + first + t * second - work

        return along

    def energy(self, c: np.ndarray) -> float:
        """The energy of u, if the equation has an energy."""
        total = self._inside.integral(self._terms.energy(*self._at(c)))
        for matrix in self._robin_matrices:
            total += float(c @ (matrix @ c)) / 2
        return total - float(self.load @ c)

    @functools.cached_property
    def _terms(self) -> TermsAtPoints:
        return TermsAtPoints(self.equation.terms, self._inside.x, self._inside.weights.shape)

    @functools.cached_property
    def _linear_matrix(self) -> Any:
        """The integrals over the domain, of a linear equation."""
        return self._inside.matrix(self._terms.slopes()[0])

    @property
    def _depends_on_values(self) -> bool:
        """Whether a constant added to u changes the terms."""
        if not self.equation.is_linear:
            return self.equation.depends_on_value(self._inside.x)
        return bool(np.any(self._terms.slopes()[0].value_u))

    def _of(self, equation: Equation) -> WeakForm:
        form = copy.copy(self)
        for cached in ("_terms", "_linear_matrix"):
            form.__dict__.pop(cached, None)
        form.equation = equation
        return form

    def _at(self, c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The values and gradients of u at the points."""
        return self._inside.value(c), self._inside.gradient(c)

    def _system(self, inside: Any, nonnegative: bool, load: np.ndarray, values: np.ndarray) -> LinearSystem:
        matrix, symmetric = self._with_robin(inside), self.equation.is_symmetric
        if self.null_space is not None and not symmetric:
            self._require_closed(matrix)
        return LinearSystem(matrix, load, self.fixed, values, symmetric=symmetric, definite=symmetric and nonnegative)

    def _require_closed(self, matrix: Any) -> None:
        """Check that the equations add up to zero, so that one of them may be omitted.

        Raises:
            SingularProblemError: If they do not, as for flow through the boundary.
        """
        sums = np.abs(self.space.constant() @ matrix)
        if sums.max() > _OPEN * np.abs(matrix - matrix.T).max() + _ROUNDING * np.abs(matrix).max():
            raise SingularProblemError(
                "with fluxes prescribed on the whole boundary, convection through it and no reaction, the solution is determined "
                "only up to a constant and may not exist: prescribe values on a part of the boundary, or add a reaction"
            )

    def _with_robin(self, inside: Any) -> Any:
        total = inside
        for matrix in self._robin_matrices:
            total = total + matrix
        return total

    def _source_load(self, problem: Problem) -> np.ndarray:
        return self._inside.vector(_density(self._inside, problem.source, "[equation] source"))


def _density(rule: Rule, field: Field, name: str, *, least: float = -math.inf) -> Density:
    """The validated values of a field at the points of a rule."""
    if field.constant is not None:
        return float(validated(field, name, rule.x[:1], least=least)[0])
    return validated(field, name, rule.x, least=least).numpy().reshape(rule.weights.shape)


def _point_load(space: GalerkinSpace, samples: Samples, values: Values) -> np.ndarray:
    """The load ``sum_i w_i f_i phi_j(x_i)`` of point sources, the adjoint of evaluation."""
    c = torch.zeros(space.num_coefficients, dtype=torch.float64, requires_grad=True)
    work = (samples.weights * values * space.at(samples.x).value(c)).sum()
    return torch.autograd.grad(work, c)[0].numpy()
