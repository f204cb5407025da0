"""The energy whose minimiser solves the boundary value problem."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from pdefreq.checked import checked
from pdefreq.fields import ConstantField
from pdefreq.functionals.block import Block, ByChannels
from pdefreq.functionals.boundary import BoundaryConditions, PenaltyBlock, RobinEnergyBlock
from pdefreq.functionals.flow import size_power
from pdefreq.functionals.functional import Functional
from pdefreq.functionals.sampling import points_at_once
from pdefreq.spaces.channels import Channels

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.domains.domain import Samples
    from pdefreq.fields import Field
    from pdefreq.problem import Problem
    from pdefreq.shapes import Gradients, Points, Values
    from pdefreq.spaces.trial_space import TrialSpace


class RitzEnergy(Functional):
    """``J(u) = int( a/p |grad u|^p + c/2 u^2 - f u ) + int_Robin( alpha/2 u^2 - flux u ) + beta int_Dirichlet (u - g)^2``.

    Integrals, in the domain's measure; terms ``energy`` and ``boundary``, the last. Without `beta` the space must have the
    boundary values itself. With it the minimiser misses them by du/dn / (2 beta) to first order: the penalty is the Robin
    condition alpha = 2 beta, flux = 2 beta g.

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
        integrand = _Integrand.of(problem.exponent, problem.diffusion, problem.reaction, source, interior, like)
        pieces = integrand.split(points_at_once(space, like))
        blocks: list[Block] = [_EnergyBlock(space, piece) for piece in pieces]
        if data is not None:
            samples, values = data
            blocks.append(_LoadBlock(space, samples.x.to(like), (samples.weights * values).to(like)))
        if boundary is not None:
            conditions = BoundaryConditions.of(problem.boundary, problem.part_of(boundary), boundary, like)
            if (robin := conditions.where("robin")) is not None:
                blocks.append(RobinEnergyBlock(space, robin))
            if beta is not None and (dirichlet := conditions.where("dirichlet")) is not None:
                blocks.append(PenaltyBlock(space, dirichlet, beta))
        super().__init__(blocks)


@dataclass(frozen=True)
class _Integrand:
    """``a/p |grad u|^p + c/2 u^2 - f u`` at fixed points, times the quadrature weights."""

    x: Points
    exponent: float
    diffusion: Values
    reaction: Values
    source: Values

    @classmethod
    def of(cls, p: float, diffusion: Field, reaction: Field, source: Field, samples: Samples, like: Tensor) -> _Integrand:
        x, weights = samples.x, samples.weights
        a = checked(diffusion, "[equation] diffusion", x, least=0)
        c = checked(reaction, "[equation] reaction", x, least=0)
        load = weights * checked(source, "[equation] source", x)
        return cls(x.to(like), p, (weights * a / p).to(like), (weights * c / 2).to(like), load.to(like))

    def split(self, size: int) -> list[_Integrand]:
        """The same, for a few points at a time."""
        columns = (self.x, self.diffusion, self.reaction, self.source)
        return [
            replace(self, x=x, diffusion=a, reaction=c, source=f)
            for x, a, c, f in zip(*(column.split(size) for column in columns), strict=True)
        ]

    def energy(self, u: Values, gradient: Gradients) -> Tensor:
        power = gradient.square().sum(dim=1) if self.exponent == 2 else size_power(gradient, self.exponent)
        return (self.diffusion * power + (self.reaction * u - self.source) * u).sum()

    def slopes(self, u: Values, gradient: Gradients) -> tuple[Values, Gradients]:
        """The derivatives of `energy` in u and grad u at each point."""
        p = self.exponent
        flow = p * self.diffusion if p == 2 else p * self.diffusion * size_power(gradient, p - 2)
        return 2 * self.reaction * u - self.source, flow[:, None] * gradient


class _EnergyBlock(ByChannels):
    order = 1

    def __init__(self, space: TrialSpace, integrand: _Integrand) -> None:
        super().__init__("energy", space.at(integrand.x))
        self._integrand = integrand

    @property
    def num_rows(self) -> int:
        n, d = self._integrand.x.shape
        return n * (d + self._has_reaction)

    @property
    def _has_reaction(self) -> bool:
        return bool((self._integrand.reaction > 0).any())

    def integral(self, u: Channels) -> Tensor:
        assert u.gradient is not None
        return self._integrand.energy(u.value, u.gradient.T)

    def slopes(self, u: Channels) -> Channels:
        assert u.gradient is not None
        value, gradient = self._integrand.slopes(u.value, u.gradient.T)
        return Channels(value, gradient.T)

    def rows(self, u: Channels) -> list[Channels]:
        """The root of the second derivative in q = grad u, a |q|^(p-2) (I + (p-2) n n^T) with n = q / |q|, and of c."""
        assert u.gradient is not None
        p, a, q = self._integrand.exponent, self._integrand.diffusion, u.gradient.T
        scale, directions = (p * a).sqrt(), list(torch.eye(q.shape[1]).to(a).expand(len(a), -1, -1).unbind(dim=1))
        if p != 2:
            n = q * size_power(q, -1)[:, None]
            scale = scale * size_power(q, (p - 2) / 2)
            directions = [axis + (math.sqrt(p - 1) - 1) * n[:, k, None] * n for k, axis in enumerate(directions)]
        zero = torch.zeros_like(scale)
        rows = [Channels(zero, scale * direction.T) for direction in directions]
        if self._has_reaction:
            rows.append(Channels((2 * self._integrand.reaction).sqrt()))
        return rows


class _LoadBlock(ByChannels):
    """Minus the work of f, known at points only: linear in u, so it has no part in the second derivative."""

    order = 0

    def __init__(self, space: TrialSpace, x: Points, load: Values) -> None:
        super().__init__("energy", space.at(x))
        self._load = load

    @property
    def num_rows(self) -> int:
        return 0

    def integral(self, u: Channels) -> Tensor:
        return -(self._load * u.value).sum()

    def slopes(self, u: Channels) -> Channels:
        return Channels(-self._load)

    def rows(self, u: Channels) -> list[Channels]:
        return []


def energy_of(problem: Problem, u: Field, interior: Samples, boundary: Samples | None = None) -> float:
    """J(u) of a field, without penalty: of the exact solution it is the lowest energy that there is."""
    fields = problem.diffusion, problem.reaction, problem.source
    integrand = _Integrand.of(problem.exponent, *fields, interior, interior.x)
    energy = integrand.energy(u(interior.x), u.gradient(interior.x))
    if boundary is not None:
        energy = energy + BoundaryConditions.of(problem.boundary, problem.part_of(boundary), boundary, interior.x).robin_energy(
            u(boundary.x)
        )
    return float(energy)
