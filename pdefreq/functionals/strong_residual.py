"""The residual of the equation itself, squared: the loss of physics-informed networks, and its gradient beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from pdefreq.checked import checked
from pdefreq.errors import IncompatibleError
from pdefreq.functionals.block import Block, DifferentiatedSquares, Squares, SquaresByChannels
from pdefreq.functionals.boundary import BoundaryConditions, PenaltyBlock, RobinResidualBlock
from pdefreq.functionals.flow import divergence_of_flow
from pdefreq.functionals.functional import Functional
from pdefreq.functionals.sampling import in_blocks
from pdefreq.spaces.channels import Channels

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.domains.domain import Samples
    from pdefreq.problem import Problem
    from pdefreq.shapes import Coefficients, Gradients, Values
    from pdefreq.spaces.trial_space import Evaluator, TrialSpace


class StrongResidual(Functional):
    """``int ( -div(a |grad u|^(p-2) grad u) + c u - f )^2 + beta int_Dirichlet (u - g)^2 + beta int_Robin r^2``.

    Here r = a |grad u|^(p-2) du/dn + alpha u - flux. Integrals, in the domain's measure, without a factor 1/2; terms
    ``residual``, ``boundary`` and ``robin``. The mean that others print is the term divided by the measure. Where p < 2
    the equation is singular at points with grad u = 0.

    Args:
        problem: The problem, of any exponent p > 1.
        space: Where u lives.
        interior: Points and weights for the first integral.
        boundary: Points and weights for the others; without it the space must have the boundary values itself.
        beta: The factor of both boundary terms.
        source: f at the interior points, where it is known only there.
        like: A tensor whose dtype and device the values take.

    Raises:
        ProblemFileError: If a field or the gradient of a is not finite, or a coefficient negative, at one of the points.

    Source:
        Lagaris, Likas, Fotiadis (1998), IEEE Trans. Neural Networks 9(5); Raissi, Perdikaris, Karniadakis (2019),
        J. Comput. Phys. 378.
    """

    def __init__(
        self,
        problem: Problem,
        space: TrialSpace,
        interior: Samples,
        boundary: Samples | None = None,
        *,
        beta: float = 1.0,
        source: Values | None = None,
        like: Tensor,
    ) -> None:
        x = interior.x
        columns = (
            x,
            checked(problem.diffusion, "[equation] diffusion", x, least=0),
            checked(problem.diffusion.gradient, "the gradient of [equation] diffusion", x),
            checked(problem.reaction, "[equation] reaction", x, least=0),
            checked(problem.source, "[equation] source", x) if source is None else source,
            interior.weights,
        )
        pieces = in_blocks(columns, space, like, channels=x.shape[1])
        kind = _LinearBlock if problem.exponent == 2 else _NonlinearBlock
        blocks: list[Block] = [kind(space.at(x), problem.exponent, *rest) for x, *rest in pieces]
        if boundary is not None:
            conditions = BoundaryConditions.of(problem.boundary, problem.part_of(boundary), boundary, like)
            if (robin := conditions.where("robin")) is not None:
                diffusion = checked(problem.diffusion, "[equation] diffusion", robin.x.double().cpu(), least=0).to(like)
                blocks.append(RobinResidualBlock(problem.exponent, space, robin, beta, diffusion))
            if (dirichlet := conditions.where("dirichlet")) is not None:
                blocks.append(PenaltyBlock(space, dirichlet, beta))
        super().__init__(blocks)


class GradientOfResidual(Functional):
    """``int |grad( -div(a grad u) + c u - f )|^2``. Term ``gradient``; added to `StrongResidual` it enhances it.

    Args:
        problem: The problem, with p = 2 and f known everywhere.
        space: Where u lives.
        interior: Points and weights.
        like: A tensor whose dtype and device the values take.

    Raises:
        IncompatibleError: If p is not 2.
        ProblemFileError: If a field or a derivative of one is not finite, or a coefficient negative, at one of the points.

    Source:
        Yu, Lu, Meng, Karniadakis (2022), Gradient-enhanced physics-informed neural networks, CMAME 393.
    """

    def __init__(self, problem: Problem, space: TrialSpace, interior: Samples, *, like: Tensor) -> None:
        if problem.exponent != 2:
            raise IncompatibleError(
                f"the gradient of the residual is formed for exponent = 2, got {problem.exponent:g}: use `pinn` or `deep-ritz`"
            )
        x = interior.x
        columns = (
            x,
            checked(problem.diffusion, "[equation] diffusion", x, least=0),
            checked(problem.diffusion.gradient, "the gradient of [equation] diffusion", x),
            checked(problem.diffusion.hessian, "the second derivative of [equation] diffusion", x),
            checked(problem.reaction, "[equation] reaction", x, least=0),
            checked(problem.reaction.gradient, "the gradient of [equation] reaction", x),
            checked(problem.source.gradient, "the gradient of [equation] source", x),
            interior.weights,
        )
        pieces = in_blocks(columns, space, like, channels=x.shape[1])
        varies = problem.diffusion.constant is None or problem.reaction.constant is None
        super().__init__([_GradientBlock(space.at(x), varies, *rest) for x, *rest in pieces])


class _ResidualSquares(Squares):
    order = 2

    def __init__(
        self, evaluator: Evaluator, exponent: float, a: Values, a_slope: Gradients, c: Values, f: Values, weights: Values
    ) -> None:
        super().__init__("residual", evaluator)
        self._exponent, self._a, self._a_slope, self._c, self._f = exponent, a, a_slope, c, f
        self._scale = (2 * weights).sqrt()

    @property
    def num_rows(self) -> int:
        return len(self._scale)

    def _scaled(self, u: Channels, bent: Gradients | None) -> Tensor:
        assert u.gradient is not None and u.second is not None
        divergence = divergence_of_flow(self._exponent, self._a, self._a_slope, u.gradient.T, u.second, bent)
        return self._scale * (self._c * u.value - divergence - self._f)


class _LinearBlock(_ResidualSquares, SquaresByChannels):
    def residual_of(self, u: Channels) -> Tensor:
        return self._scaled(u, None)

    def rows(self, u: Channels) -> list[Channels]:
        return [Channels(self._c, -self._a_slope.T, -self._a).times(self._scale)]


class _NonlinearBlock(_ResidualSquares, DifferentiatedSquares):
    """Its derivative takes the Hessian of the direction, which is no channel."""

    def residual(self, c: Coefficients) -> Tensor:
        u = self.evaluator.channels(c, 2)
        assert u.gradient is not None
        return self._scaled(u, self.evaluator.gradient_of(c, gradient=u.gradient.T))


class _GradientBlock(DifferentiatedSquares):
    """Rows of grad( c u - grad a . grad u - a lap u - f ), one component after the other."""

    order = 3

    def __init__(
        self,
        evaluator: Evaluator,
        varies: bool,
        a: Values,
        a_slope: Gradients,
        a_bend: Tensor,
        c: Values,
        c_slope: Gradients,
        f_slope: Gradients,
        weights: Values,
    ) -> None:
        super().__init__("gradient", evaluator)
        self._varies = varies
        self._a, self._a_slope, self._a_bend = a, a_slope, a_bend
        self._c, self._c_slope, self._f_slope = c, c_slope, f_slope
        self._scale = (2 * weights).sqrt()

    @property
    def num_rows(self) -> int:
        return self._f_slope.numel()

    def residual(self, c: Coefficients) -> Tensor:
        slope = self.evaluator.gradient_of(c, self._c, -self._a_slope, -self._a) - self._f_slope
        if self._varies:
            u, q, laplacian = self.evaluator.second_order(c)
            slope = slope + u[:, None] * self._c_slope - laplacian[:, None] * self._a_slope
            slope = slope - torch.einsum("nij,nj->ni", self._a_bend, q)
        return (self._scale[:, None] * slope).T.flatten()
