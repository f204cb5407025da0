"""The squared residual of the equation, which is the loss of physics-informed networks, and its squared gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from pdefreq.core.validation import validated
from pdefreq.functionals.block import AutodiffLeastSquares, Block, ChannelLeastSquares, LinearizedLeastSquares
from pdefreq.functionals.boundary_penalty import ConditionsAtPoints, PenaltyBlock, RobinResidualBlock
from pdefreq.functionals.equation_at_points import StrongEquation, WeakEquation, as_matrix
from pdefreq.functionals.functional import Functional
from pdefreq.functionals.residual_metric import InMetric, residual_metric
from pdefreq.functionals.sampling import points_at_once
from pdefreq.problem.terms.lower_order import derivatives
from pdefreq.spaces.channels import Channels

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from pdefreq.core.shapes import Coefficients, Gradients, Points, Values
    from pdefreq.domains.samples import Samples
    from pdefreq.functionals.residual_metric import MetricName
    from pdefreq.problem.problem import Problem
    from pdefreq.spaces.trial_space import Evaluator, TrialSpace


class StrongResidual(Functional):
    """``int ( L(x, u, grad u) - S(x, u, grad u) : D^2 u - f )^2 + beta int_Dirichlet (u - g)^2 + beta_r int_Robin r^2``.

    In a metric of H^-1 or H^-2 (`pdefreq.functionals.residual_metric`) the first integral is the squared
    norm of the residual there.

    L - S : D^2 u is the strong form of the equation, and r = F . n + alpha u - flux with the flux F of its weak form. The terms
    ``residual``, ``boundary`` and ``robin`` are integrals without a factor 1/2; the means that other codes print are these terms
    divided by the measure. For p < 2 the equation is singular at points with grad u = 0.

    Args:
        problem: The problem.
        space: The trial space of u.
        interior: Points and weights for the first integral.
        boundary: Points and weights for the others.
        beta: The penalty parameter beta; without it, or without `boundary`, the space must satisfy the boundary values.
        robin_beta: The parameter beta_r of the Robin conditions, or a function that returns it for the Robin coefficients alpha
            at points, ``(n,)``; by default beta.
        source: f at the interior points, where it is known only there.
        metric: The norm of the residual in the first integral.
        like: A tensor with the dtype and device of the values.

    Raises:
        ProblemFileError: If a coefficient, its gradient or f is not finite, or outside its range, at one of the points.
        OptionError: If the metric needs too much memory at these points.

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
        beta: float | None = 1.0,
        robin_beta: float | Callable[[Values], Values] | None = None,
        source: Values | None = None,
        metric: MetricName = "l2",
        like: Tensor,
    ) -> None:
        equation, f = problem.equation, validated(problem.source, "[equation] source", interior.x) if source is None else source
        kind = _SemilinearBlock if equation.is_semilinear else _QuasilinearBlock
        size = points_at_once(space, like, channels=interior.x.shape[1], number=len(interior.x))
        pieces = zip(*(column.split(size) for column in (interior.x, f, interior.weights)), strict=True)
        residual = [
            kind(space, x.to(like), StrongEquation.at(equation, x, like), f.to(like), weights.to(like))
            for x, f, weights in pieces
        ]
        rows = None if metric == "l2" else residual_metric(problem, interior, metric, like)
        blocks: list[Block] = [*residual] if rows is None else [InMetric(residual, rows)]
        if boundary is not None:
            conditions = ConditionsAtPoints.of(problem.boundary, problem.part_of(boundary), boundary, like)
            for robin in conditions.where("robin"):
                weak = WeakEquation.at(equation, robin.x.double().cpu(), like)
                usual = 1.0 if beta is None else beta
                factor = robin_beta(robin.alpha) if callable(robin_beta) else usual if robin_beta is None else robin_beta
                blocks.append(RobinResidualBlock(weak, space, robin, factor))
            if beta is not None:
                blocks += [PenaltyBlock(space, dirichlet, beta) for dirichlet in conditions.where("dirichlet")]
        super().__init__(blocks)


class GradientOfResidual(Functional):
    """``int |grad( L(x, u, grad u) - S : D^2 u - f )|^2``. Term ``gradient``, to be added to `StrongResidual`.

    Args:
        problem: The problem, with f known everywhere and an S that depends on x alone (`Equation.is_semilinear`).
        space: The trial space of u.
        interior: Points and weights.
        like: A tensor with the dtype and device of the values.

    Raises:
        ProblemFileError: If a coefficient, a derivative of it or of f is not finite, or outside its range, at one of the points.

    Source:
        Yu, Lu, Meng, Karniadakis (2022), Gradient-enhanced physics-informed neural networks, CMAME 393.
    """

    def __init__(self, problem: Problem, space: TrialSpace, interior: Samples, *, like: Tensor) -> None:
        equation = problem.equation
        assert equation.is_semilinear
        slope = validated(problem.source.gradient, "the gradient of [equation] source", interior.x)
        size = points_at_once(space, like, channels=interior.x.shape[1], number=len(interior.x))
        pieces = zip(*(column.split(size) for column in (interior.x, slope, interior.weights)), strict=True)
        super().__init__(
            [
                _GradientBlock(space, x.to(like), StrongEquation.at(equation, x, like), slope.to(like), weights.to(like))
                for x, slope, weights in pieces
            ]
        )


class _SemilinearBlock(ChannelLeastSquares):
    """The residual for an S that depends on x alone, so that S : D^2 u is a channel; for S = s I it is the Laplacian."""

    order = 2

    def __init__(self, space: TrialSpace, x: Points, equation: StrongEquation, f: Values, weights: Values) -> None:
        second, evaluator = _fixed_second(equation, space.at(x), x)
        super().__init__("residual", evaluator)
        self._equation, self._second, self._f = equation, second, f
        self._scale = (2 * weights).sqrt()

    @property
    def num_rows(self) -> int:
        return len(self._scale)

    def residual_of(self, u: Channels) -> Tensor:
        assert u.gradient is not None and u.second is not None
        lower = self._equation.lower(u.value, u.gradient.T)
        return self._scale * (lower - self._second * u.second - self._f)

    def rows(self, u: Channels) -> list[Channels]:
        assert u.gradient is not None
        at_u, at_q = self._equation.lower_slopes(u.value, u.gradient.T)
        return [Channels(at_u, at_q.T, -self._second).times(self._scale)]


class _QuasilinearBlock(LinearizedLeastSquares):
    """The residual for an S that depends on u or grad u. A first-order pass gives these, and S is then held fixed."""

    order = 2

    def __init__(self, space: TrialSpace, x: Points, equation: StrongEquation, f: Values, weights: Values) -> None:
        super().__init__("residual", space.at(x))
        self._equation, self._f = equation, f
        self._scale = (2 * weights).sqrt()

    @property
    def num_rows(self) -> int:
        return len(self._scale)

    def residual(self, c: Coefficients) -> Tensor:
        u, q = self.evaluator.value_and_gradient(c)
        second = self.evaluator.with_second(self._matrix(u, q)).second(c)
        return self._scale * (self._equation.lower(u, q) - second - self._f)

    def linearized(self, c: Coefficients) -> tuple[Evaluator, list[Channels]]:
        """The derivatives of L - S : D^2 u in u and q = grad u, with the second derivatives held fixed."""
        (u, q), hessian = self.evaluator.value_and_gradient(c), self.evaluator.hessian(c)
        at_u, at_q = self._equation.lower_slopes(u, q)
        by_u, by_q = derivatives(lambda u, q: (self._matrix(u, q) * hessian).sum(dim=(1, 2)), u, q)
        rows = Channels(at_u - by_u, (at_q - by_q).T, -torch.ones_like(u)).times(self._scale)
        return self.evaluator.with_second(self._matrix(u, q)), [rows]

    def _matrix(self, u: Values, q: Gradients) -> Tensor:
        return as_matrix(self._equation.second(u, q), *q.shape)


class _GradientBlock(AutodiffLeastSquares):
    """Rows of grad( L - S : D^2 u - f ), one component after the other.

    It is ``d_x L + L_u grad u + H L_q - (d_x S) : H - S : grad H - grad f`` with H the Hessian of u.
    """

    order = 3

    def __init__(self, space: TrialSpace, x: Points, equation: StrongEquation, f_slope: Gradients, weights: Values) -> None:
        evaluator = space.at(x)
        second, bound = _fixed_second(equation, evaluator, x)
        super().__init__("gradient", evaluator)
        self._equation, self._second, self._bound, self._f_slope = equation, second, bound, f_slope
        self._second_slope = equation.second_gradient(isotropic=bound is evaluator)
        self._scale = (2 * weights).sqrt()

    @property
    def num_rows(self) -> int:
        return self._f_slope.numel()

    def residual(self, c: Coefficients) -> Tensor:
        u, q = self.evaluator.value_and_gradient(c)
        at_u, at_q = self._equation.lower_slopes(u, q)
        slope = self._bound.gradient_of(c, at_u, at_q, -self._second) - self._f_slope
        if (lower := self._equation.lower_gradient(u, q)) is not None:
            slope = slope + lower
        if self._second_slope is not None and self._second_slope.ndim == 2:
            slope = slope - self.evaluator.second(c)[:, None] * self._second_slope
        elif self._second_slope is not None:
            slope = slope - torch.einsum("nijk,nij->nk", self._second_slope, self.evaluator.hessian(c))
        return (self._scale[:, None] * slope).T.flatten()


def _fixed_second(equation: StrongEquation, evaluator: Evaluator, x: Points) -> tuple[Values, Evaluator]:
    """The factor of the second-order channel, ``(n,)``, and the evaluator with this channel, for an S independent of u.

    For S = s I these are s and the evaluator itself, whose channel is the Laplacian; otherwise 1 and the evaluator for S.
    """
    second = equation.second(torch.zeros_like(x[:, 0]), torch.zeros_like(x))
    return (second, evaluator) if second.ndim == 1 else (torch.ones_like(x[:, 0]), evaluator.with_second(second))
