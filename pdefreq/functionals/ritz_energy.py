"""The energy whose minimiser solves the boundary value problem."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from pdefreq.functionals.boundary import BoundaryConditions
from pdefreq.functionals.functional import Functional
from pdefreq.spaces.checked import checked

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.domains.domain import Samples
    from pdefreq.fields import Field
    from pdefreq.problem import Problem
    from pdefreq.shapes import Coefficients, Gradients, Points, Values
    from pdefreq.spaces.trial_space import TrialSpace


@dataclass(frozen=True)
class _Integrand:
    """``a/p |grad u|^p + c/2 u^2 - f u`` at fixed points, times the quadrature weights."""

    x: Points
    exponent: float
    diffusion: Values
    reaction: Values
    source: Values

    @classmethod
    def of(cls, problem: Problem, samples: Samples, source: Values | None, like: Tensor) -> _Integrand:
        x, weights = samples.x, samples.weights
        diffusion = checked(problem.diffusion, "[equation] diffusion", x, least=0)
        reaction = checked(problem.reaction, "[equation] reaction", x, least=0)
        source = checked(problem.source, "[equation] source", x) if source is None else source
        p = problem.exponent
        return cls(
            x.to(like), p, (weights * diffusion / p).to(like), (weights * reaction / 2).to(like), (weights * source).to(like)
        )

    def energy(self, u: Values, gradient: Gradients) -> Tensor:
        squared = gradient.square().sum(dim=1)
        # The power has an infinite slope at zero for p < 2, where |q|^(p-2) q is zero: keep it off zero.
        power = squared if self.exponent == 2 else squared.clamp_min(torch.finfo(u.dtype).tiny).pow(self.exponent / 2)
        return (self.diffusion * power + (self.reaction * u - self.source) * u).sum()


class RitzEnergy(Functional):
    """``J(u) = int( a/p |grad u|^p + c/2 u^2 - f u ) + int_Robin( alpha/2 u^2 - flux u ) + beta int_Dirichlet (u - g)^2``.

    Integrals, in the domain's measure. Without `beta` the space must have the boundary values itself. With it the
    minimiser misses them by du/dn / (2 beta) to first order: the penalty is the Robin condition alpha = 2 beta, flux = 2 beta g.

    Args:
        problem: The problem.
        space: Where u lives.
        interior: Points and weights for the first integral.
        boundary: Points and weights for the others; needed for Robin parts and for the penalty.
        beta: The penalty factor.
        source: f at the interior points, where it is known only there.
        like: A tensor whose dtype and device the values take.

    Raises:
        ProblemFileError: If a field is not finite or a coefficient negative at one of the points.

    Source:
        E and Yu (2018), The Deep Ritz method, Commun. Math. Stat. 6, equations 2 and 17.
    """

    order = 1
    tends_to_zero = False

    def __init__(
        self,
        problem: Problem,
        space: TrialSpace,
        interior: Samples,
        boundary: Samples | None = None,
        *,
        beta: float | None = None,
        source: Values | None = None,
        like: Tensor,
    ) -> None:
        self._integrand = _Integrand.of(problem, interior, source, like)
        self._inside = space.at(self._integrand.x)
        self._conditions = None if boundary is None else BoundaryConditions.of(problem, boundary, like)
        self._edge = None if self._conditions is None else space.at(self._conditions.x)
        self._beta = beta

    def terms(self, c: Coefficients) -> dict[str, Tensor]:
        energy = self._integrand.energy(*self._inside.value_and_gradient(c))
        if self._conditions is None or self._edge is None:
            return {"energy": energy}
        u = self._edge.value(c)
        energy = energy + self._conditions.robin_energy(u)
        if self._beta is None:
            return {"energy": energy}
        return {"energy": energy, "boundary": self._beta * self._conditions.penalty(u)}


def energy_of(problem: Problem, u: Field, interior: Samples, boundary: Samples | None = None) -> float:
    """J(u) of a field, without penalty: of the exact solution it is the lowest energy that there is."""
    integrand = _Integrand.of(problem, interior, None, interior.x)
    energy = integrand.energy(u(interior.x), u.gradient(interior.x))
    if boundary is not None:
        energy = energy + BoundaryConditions.of(problem, boundary, interior.x).robin_energy(u(boundary.x))
    return float(energy)
