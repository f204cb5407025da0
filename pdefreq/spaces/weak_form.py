"""The weak form of a problem in a space of basis functions: its energy, and the derivatives that Galerkin methods solve with."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch

from pdefreq.checked import checked
from pdefreq.spaces.compatibility import require_compatible
from pdefreq.spaces.trial_space import LinearSpace, LinearSystem

if TYPE_CHECKING:
    from pdefreq.domains.domain import Samples
    from pdefreq.fields import Field
    from pdefreq.problem import Problem
    from pdefreq.shapes import Points, Values

Density: TypeAlias = "np.ndarray | float"
"""A function at the points of a rule, in the rule's shape; a number where it is the same everywhere."""

_WIDEST = 1e12  # ratio of the largest to the smallest |grad u|^(p-2) in a matrix: beyond, rounding would make it indefinite


class Rule(ABC):
    """A space at the points of a quadrature rule: evaluation, and integrals against its basis functions.

    Arrays over the points have the rule's own shape, gradients an axis of length d before it.
    """

    @property
    @abstractmethod
    def x(self) -> Points:
        """The points, ``(n, d)``, float64, in C order of the rule's shape."""

    @property
    @abstractmethod
    def weights(self) -> np.ndarray:
        """The weights, in the rule's shape; they sum to the measure of what is integrated over."""

    @abstractmethod
    def value(self, c: np.ndarray) -> np.ndarray:
        """The values of u at the points."""

    @abstractmethod
    def gradient(self, c: np.ndarray) -> np.ndarray:
        """The gradient of u at the points."""

    @abstractmethod
    def vector(self, density: Density, flux: np.ndarray | None = None) -> np.ndarray:
        """Int density phi_i + flux . grad phi_i, shape ``(P,)``."""

    @abstractmethod
    def matrix(self, diffusion: Density, reaction: Density, directed: tuple[np.ndarray, np.ndarray] | None = None) -> Any:
        """Int diffusion grad phi_i . grad phi_j + reaction phi_i phi_j, sparse ``(P, P)``.

        Args:
            diffusion: Of all directions alike.
            reaction: Of the values.
            directed: b of shape ``(d, ...)`` and s add s (b . grad phi_i) (b . grad phi_j).
        """

    def integral(self, density: Density) -> float:
        """Int density."""
        return float(np.sum(self.weights * density))


class GalerkinSpace(LinearSpace):
    """A space of basis functions with quadrature rules of its own."""

    @abstractmethod
    def constant(self) -> np.ndarray:
        """Coefficients of u = 1, shape ``(P,)``."""

    @abstractmethod
    def inside(self) -> Rule:
        """The rule for integrals over the domain."""

    @abstractmethod
    def on_boundary(self, problem: Problem) -> list[tuple[int, Rule]]:
        """Rules for integrals over the Robin parts, each with the part's index in ``problem.boundary``."""

    @abstractmethod
    def prescribed(self, problem: Problem) -> tuple[np.ndarray, np.ndarray]:
        """Indices and values of the coefficients that Dirichlet parts fix."""

    def assemble(self, problem: Problem) -> LinearSystem:
        """The linear system of a problem with exponent 2, by quadrature.

        Raises:
            ProblemFileError: If a field is not finite, or a coefficient negative, where it is needed.
        """
        return WeakForm(self, problem).system()


@dataclass(frozen=True)
class _RobinPart:
    """``alpha u = flux`` added to the natural condition on a part of the boundary."""

    rule: Rule
    alpha: Density
    flux: Density


@dataclass(frozen=True)
class Mean:
    """What tells solutions apart that differ by a constant: the first coefficient is pinned, then the mean taken off.

    Args:
        constant: Coefficients of u = 1, shape ``(P,)``; the first is not zero.
        weights: Integrals of the basis functions, shape ``(P,)``.
    """

    constant: np.ndarray
    weights: np.ndarray

    def removed(self, c: np.ndarray) -> np.ndarray:
        """The coefficients of u less its mean."""
        return c - (self.weights @ c) / (self.weights @ self.constant) * self.constant

    def pinned(self, c: np.ndarray) -> np.ndarray:
        """The coefficients of u less a constant, the first of them zero."""
        return c - c[0] / self.constant[0] * self.constant

    def compatible(self, load: np.ndarray) -> np.ndarray:
        """A load less a constant source, so that constants feel none of it."""
        return load - (load @ self.constant) / (self.weights @ self.constant) * self.weights


class WeakForm:
    """The energy ``J(u) = int( a/p |grad u|^p + c/2 u^2 - f u ) + int_Robin( alpha/2 u^2 - flux u )`` of coefficients.

    The exponent is an argument, so that a method may approach the problem's own through easier ones.

    With fluxes given on all of the boundary and neither reaction nor alpha, u is the one of mean zero (`mean` is not None
    then); what the quadrature leaves of the load's mean is taken off.

    Args:
        space: Where u lives.
        problem: Its exponent is not used.
        samples: Where f is known at points only: the points, their weights (the measure over their number), and the values.
            The load is then the weighted sum of the basis functions at the points, as for a sum of point sources.

    Raises:
        ProblemFileError: If a field is not finite, or a coefficient negative, where it is needed; if the problem has no solution.
    """

    def __init__(self, space: GalerkinSpace, problem: Problem, samples: tuple[Samples, Values] | None = None) -> None:
        self.space = space
        self._inside = rule = space.inside()
        self._diffusion = _density(rule, problem.diffusion, "[equation] diffusion", least=0)
        self._reaction = _density(rule, problem.reaction, "[equation] reaction", least=0)
        self._robin = [
            _RobinPart(
                edge,
                _density(edge, problem.boundary[part].alpha, "[boundary] alpha", least=0),
                _density(edge, problem.boundary[part].flux, "[boundary] flux"),
            )
            for part, edge in space.on_boundary(problem)
        ]
        self.load = _point_load(space, *samples) if samples is not None else self._source_load(problem)
        for part in self._robin:
            self.load += part.rule.vector(part.flux)
        self.fixed, self.values = space.prescribed(problem)
        self.mean = None
        if not len(self.fixed) and not self._squares():
            require_compatible(problem)
            self.mean = Mean(space.constant(), self._inside.vector(1.0))
            self.load = self.mean.compatible(self.load)
            self.fixed, self.values = np.zeros(1, dtype=int), np.zeros(1)

    def system(self, p: float = 2.0) -> LinearSystem:
        """The equations at |grad u| = 1: for p = 2 those of the problem."""
        return LinearSystem(self.curvature(self.space.constant(), p), self.load, self.fixed, self.values)

    def energy(self, c: np.ndarray, p: float) -> float:
        """J(u)."""
        total = self._inside.integral(self._diffusion * _norm(self._inside.gradient(c)) ** p) / p
        for rule, factor in self._squares():
            total += rule.integral(factor * rule.value(c) ** 2) / 2
        return total - float(self.load @ c)

    def slope(self, c: np.ndarray, p: float) -> np.ndarray:
        """The derivative of J, shape ``(P,)``."""
        q = self._inside.gradient(c)
        total = self._inside.vector(0.0, self._diffusion * _power(_norm(q), p - 2) * q) - self.load
        for rule, factor in self._squares():
            total += rule.vector(factor * rule.value(c))
        return total

    def slope_along(self, c: np.ndarray, direction: np.ndarray, p: float) -> Callable[[float], float]:
        """The derivative of ``t -> J(u + t v)``, as a function of t: one pass over the points, no assembly."""
        q, e = self._inside.gradient(c), self._inside.gradient(direction)
        quadratic = np.zeros(2)  # slopes of the quadratic terms: constant, and times t
        for rule, factor in self._squares():
            u, v = rule.value(c), rule.value(direction)
            quadratic += [rule.integral(factor * u * v), rule.integral(factor * v * v)]
        work = float(self.load @ direction)

        def slope(t: float) -> float:
            r = q + t * e
            density = self._diffusion * _power(_norm(r), p - 2) * (r * e).sum(axis=0)
            return self._inside.integral(density) + quadratic[0] + t * quadratic[1] - work

        return slope

    def curvature(self, c: np.ndarray, p: float) -> Any:
        """The second derivative of J, sparse ``(P, P)``; |grad u|^(p-2) is kept within a range that can be solved with."""
        if p == 2:
            total = self._inside.matrix(self._diffusion, self._reaction)
        else:
            q = self._inside.gradient(c)
            size = _norm(q)
            stiffness = _moderate_power(size, p - 2)
            unit = np.divide(q, size, out=np.zeros_like(q), where=size > 0)
            diffusion = self._diffusion * stiffness
            total = self._inside.matrix(diffusion, self._reaction, ((p - 2) * diffusion, unit))
        for part in self._robin:
            if np.any(part.alpha):
                total = total + part.rule.matrix(0.0, part.alpha)
        return total

    def _source_load(self, problem: Problem) -> np.ndarray:
        return self._inside.vector(_density(self._inside, problem.source, "[equation] source"))

    def _squares(self) -> list[tuple[Rule, Density]]:
        """The terms ``factor / 2 u^2``, without those that vanish."""
        terms = [(self._inside, self._reaction), *((part.rule, part.alpha) for part in self._robin)]
        return [(rule, factor) for rule, factor in terms if np.any(factor)]


def _density(rule: Rule, field: Field, name: str, *, least: float = -math.inf) -> Density:
    """A field at the points of a rule, checked."""
    if field.constant is not None:
        return float(checked(field, name, rule.x[:1], least=least)[0])
    return checked(field, name, rule.x, least=least).numpy().reshape(rule.weights.shape)


def _point_load(space: GalerkinSpace, samples: Samples, values: Values) -> np.ndarray:
    """``sum_i w_i f_i phi_j(x_i)``: the adjoint of evaluation."""
    c = torch.zeros(space.num_coefficients, dtype=torch.float64, requires_grad=True)
    work = (samples.weights * values * space.at(samples.x).value(c)).sum()
    return torch.autograd.grad(work, c)[0].numpy()


def _norm(q: np.ndarray) -> np.ndarray:
    return np.sqrt((q * q).sum(axis=0))


def _power(size: np.ndarray, exponent: float) -> np.ndarray:
    """``size ** exponent``; zero where `size` is."""
    return np.power(size, exponent, out=np.zeros_like(size), where=size > 0)


def _moderate_power(size: np.ndarray, exponent: float) -> np.ndarray:
    """``size ** exponent``, kept within a ratio of the value at the largest size."""
    top = float(size.max(initial=0.0)) or 1.0
    limit = _WIDEST ** (-1 / abs(exponent))
    return top**exponent * np.power((size / top).clip(min=limit), exponent)
