"""The energy whose minimiser solves the boundary value problem."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from pdefreq.fields import ConstantField
from pdefreq.functionals.boundary import BoundaryConditions
from pdefreq.functionals.functional import Functional
from pdefreq.functionals.sampling import points_at_once
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
    def of(cls, problem: Problem, samples: Samples, source: Field, like: Tensor) -> _Integrand:
        x, weights = samples.x, samples.weights
        diffusion = checked(problem.diffusion, "[equation] diffusion", x, least=0)
        reaction = checked(problem.reaction, "[equation] reaction", x, least=0)
        load = weights * checked(source, "[equation] source", x)
        p = problem.exponent
        return cls(x.to(like), p, (weights * diffusion / p).to(like), (weights * reaction / 2).to(like), load.to(like))

    def split(self, size: int) -> list[_Integrand]:
        """The same, for a few points at a time."""
        columns = (self.x, self.diffusion, self.reaction, self.source)
        return [
            replace(self, x=x, diffusion=a, reaction=c, source=f)
            for x, a, c, f in zip(*(column.split(size) for column in columns), strict=True)
        ]

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
        data: Where f is known at points only: points, weights and values. The term int f u is then the weighted sum of f u over
            them, as in Ritz-Galerkin. The others stay integrals: were they sums over few points too, there would be no minimum.
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
        data: tuple[Samples, Values] | None = None,
        like: Tensor,
    ) -> None:
        source = problem.source if data is None else ConstantField(0.0)
        pieces = _Integrand.of(problem, interior, source, like).split(points_at_once(like))
        self._inside = [(piece, space.at(piece.x)) for piece in pieces]
        self._conditions = None if boundary is None else BoundaryConditions.of(problem, boundary, like)
        self._edge = None if self._conditions is None else space.at(self._conditions.x)
        self._beta = beta
        self._known = None if data is None else (space.at(data[0].x.to(like)), (data[0].weights * data[1]).to(like))

    def terms(self, c: Coefficients) -> dict[str, Tensor]:
        edge = self._edge_terms(c)
        energy = sum(self._inside_energies(c), start=edge.pop("energy", c.new_zeros(())))
        return {"energy": energy} | edge

    def parts(self, c: Coefficients) -> Iterator[Tensor]:
        yield from self._inside_energies(c)
        if edge := list(self._edge_terms(c).values()):
            yield torch.stack(edge).sum()

    def _inside_energies(self, c: Coefficients) -> Iterator[Tensor]:
        for integrand, evaluator in self._inside:
            yield integrand.energy(*evaluator.value_and_gradient(c))
        if self._known is not None:
            evaluator, load = self._known
            yield -(load * evaluator.value(c)).sum()

    def _edge_terms(self, c: Coefficients) -> dict[str, Tensor]:
        if self._conditions is None or self._edge is None:
            return {}
        u = self._edge.value(c)
        terms = {"energy": self._conditions.robin_energy(u)}
        return terms if self._beta is None else terms | {"boundary": self._beta * self._conditions.penalty(u)}


def energy_of(problem: Problem, u: Field, interior: Samples, boundary: Samples | None = None) -> float:
    """J(u) of a field, without penalty: of the exact solution it is the lowest energy that there is."""
    integrand = _Integrand.of(problem, interior, problem.source, interior.x)
    energy = integrand.energy(u(interior.x), u.gradient(interior.x))
    if boundary is not None:
        energy = energy + BoundaryConditions.of(problem, boundary, interior.x).robin_energy(u(boundary.x))
    return float(energy)
