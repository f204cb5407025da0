"""The energy whose minimizer solves the boundary value problem."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from pdefreq.core.fields import ConstantField
from pdefreq.core.reduce import block_size
from pdefreq.core.validation import validated
from pdefreq.functionals.block import Block, ChannelBlock
from pdefreq.functionals.boundary_penalty import ConditionsAtPoints, PenaltyBlock, RobinEnergyBlock
from pdefreq.functionals.equation_at_points import WeakEquation
from pdefreq.functionals.functional import Functional
from pdefreq.functionals.sampling import points_at_once
from pdefreq.spaces.channels import Channels

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.fields import Field
    from pdefreq.core.shapes import Points, Values
    from pdefreq.domains.samples import Samples
    from pdefreq.problem.problem import Problem
    from pdefreq.spaces.trial_space import TrialSpace


class RitzEnergy(Functional):
    """``J(u) = int( W(x, u, grad u) - f u ) + int_Robin( alpha/2 u^2 - flux u ) + beta int_Dirichlet (u - g)^2``.

    W is the sum of the energies of the terms: a/p |grad u|^p or (A grad u) . grad u / 2 for diffusion, c/2 u^2 for reaction, and
    the integral of N(x, v) over v from 0 to u. The integrals are not divided by the measure of the domain. The terms of the
    objective are ``energy`` and ``boundary``, the penalty. Without `beta` the space must satisfy the boundary values. With it the
    minimizer satisfies u - g = -F . n / (2 beta) there, with the flux F of the weak form: the penalty is the Robin condition
    alpha = 2 beta, flux = 2 beta g.

    The Gauss-Newton matrix consists of the second derivatives of W in u and in grad u. Their negative parts, as for an
    N(x, u) that decreases in u, are omitted, so that the matrix is positive semidefinite.

    Args:
        problem: The problem, whose equation has an energy (`Equation.has_energy`).
        space: The trial space of u.
        interior: Points and weights for the first integral.
        boundary: Points and weights for the others; needed for Robin parts and for the penalty.
        beta: The penalty parameter.
        data: Points, weights and values of f, if f is known at points only. The term int f u is then a weighted sum over these
            points, as in Ritz-Galerkin. The other terms remain integrals, since sums over few points would have no minimum.
        like: A tensor with the dtype and device of the values.

    Raises:
        ProblemFileError: If a coefficient or f is not finite, or outside its range, at one of the points.

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
        size = points_at_once(space, like, number=len(interior.x))
        load = interior.weights * validated(source, "[equation] source", interior.x)
        pieces = zip(*(column.split(size) for column in (interior.x, interior.weights, load)), strict=True)
        blocks: list[Block] = [
            _EnergyBlock(space, x.to(like), WeakEquation.at(problem.equation, x, like), weights.to(like), load.to(like))
            for x, weights, load in pieces
        ]
        if data is not None:
            samples, values = data
            load = samples.weights * values
            size = block_size(len(load), len(load))
            pieces = zip(samples.x.split(size), load.split(size), strict=True)
            blocks += [_LoadBlock(space, x.to(like), some.to(like)) for x, some in pieces]
        if boundary is not None:
            conditions = ConditionsAtPoints.of(problem.boundary, problem.part_of(boundary), boundary, like)
            blocks += [RobinEnergyBlock(space, robin) for robin in conditions.where("robin")]
            if beta is not None:
                blocks += [PenaltyBlock(space, dirichlet, beta) for dirichlet in conditions.where("dirichlet")]
        super().__init__(blocks)


class _EnergyBlock(ChannelBlock):
    """``int ( W - f u )`` over some of the points."""

    order = 1

    def __init__(self, space: TrialSpace, x: Points, equation: WeakEquation, weights: Values, load: Values) -> None:
        super().__init__("energy", space.at(x))
        self._equation, self._weights, self._load, self._dimension = equation, weights, load, x.shape[1]
        self._has_value = equation.root(torch.zeros_like(load), torch.zeros_like(x))[0] is not None

    @property
    def num_rows(self) -> int:
        return len(self._load) * (self._dimension + self._has_value)

    def integral(self, u: Channels) -> Tensor:
        assert u.gradient is not None
        return (self._weights * self._equation.energy(u.value, u.gradient.T) - self._load * u.value).sum()

    def slopes(self, u: Channels) -> Channels:
        assert u.gradient is not None
        value, flux = self._equation.densities(u.value, u.gradient.T)
        value = -self._load if value is None else self._weights * value - self._load
        return Channels(value, torch.zeros_like(u.gradient) if flux is None else self._weights * flux.T)

    def rows(self, u: Channels) -> list[Channels]:
        """The square roots of the second derivatives of W in q = grad u and in u, without their negative parts."""
        assert u.gradient is not None
        value, gradient = self._equation.root(u.value, u.gradient.T)
        scale, zero = self._weights.sqrt(), torch.zeros_like(self._weights)
        rows = [Channels(zero, scale * row.T) for row in gradient.unbind(dim=1)]
        return rows if value is None else [*rows, Channels(scale * value)]


class _LoadBlock(ChannelBlock):
    """The term -int f u for f known at points only. It is linear in u, and its second derivative is zero."""

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
    """J(u) of a field, without the penalty; for the exact solution this is the minimum of the energy."""
    x, weights = interior.x, interior.weights
    values = u(x)
    density = WeakEquation.at(problem.equation, x, x).energy(values, u.gradient(x))
    energy = (weights * (density - validated(problem.source, "[equation] source", x) * values)).sum()
    if boundary is not None:
        energy = energy + ConditionsAtPoints.of(problem.boundary, problem.part_of(boundary), boundary, x).robin_energy(
            u(boundary.x)
        )
    return float(energy)
