"""Losses of regressions: the distance of u from a known function, and the distance of their gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from pdefreq.functionals.block import ChannelLeastSquares
from pdefreq.functionals.functional import Functional
from pdefreq.functionals.sampling import in_blocks
from pdefreq.spaces.channels import Channels

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Gradients, Values
    from pdefreq.domains.samples import Samples
    from pdefreq.problem.problem import Problem
    from pdefreq.spaces.trial_space import Evaluator, TrialSpace


class Misfit(Functional):
    """The mean of ``|u - f/c|^q``: its integral over the domain, divided by the domain's measure. Term ``misfit``.

    Args:
        problem: A regression problem, c u = f.
        space: The trial space of u.
        samples: Points and weights.
        exponent: The exponent q >= 1.
        source: f at the points, if it is known only there.
        like: A tensor with the dtype and device of the values.

    Raises:
        ProblemFileError: If f is not finite, or c is zero, at one of the points.
    """

    def __init__(
        self,
        problem: Problem,
        space: TrialSpace,
        samples: Samples,
        *,
        exponent: float = 2.0,
        source: Values | None = None,
        like: Tensor,
    ) -> None:
        columns = samples.x, problem.regression_target(samples.x, source), samples.weights / problem.domain.measure
        super().__init__([_MisfitBlock(space.at(x), target, w, exponent) for x, target, w in in_blocks(columns, space, like)])


class GradientMisfit(Functional):
    """The mean of ``|grad u - grad(f/c)|^2``. Term ``gradient``; added to `Misfit` it is the loss L_grad.

    By Parseval's identity this term weights the squared error at frequency xi by |xi|^2, and L_grad by 1 + |xi|^2.

    Args:
        problem: A regression problem, c u = f, with f known everywhere.
        space: The trial space of u.
        samples: Points and weights.
        like: A tensor with the dtype and device of the values.

    Raises:
        ProblemFileError: If c is zero, or f or a gradient is not finite, at one of the points.

    Source:
        Xu, Understanding deep learning (lecture notes), equation 1.23.
    """

    def __init__(self, problem: Problem, space: TrialSpace, samples: Samples, *, like: Tensor) -> None:
        columns = samples.x, problem.regression_target_gradient(samples.x), samples.weights / problem.domain.measure
        super().__init__([_GradientBlock(space.at(x), target, w) for x, target, w in in_blocks(columns, space, like)])


class _MisfitBlock(ChannelLeastSquares):
    """Rows ``sqrt(2 w) sign(e) |e|^(q/2)``."""

    order = 0

    def __init__(self, evaluator: Evaluator, target: Values, weights: Values, exponent: float) -> None:
        super().__init__("misfit", evaluator)
        self._target, self._weights, self._exponent = target, weights, exponent

    @property
    def num_rows(self) -> int:
        return len(self._weights)

    def integral(self, u: Channels) -> Tensor:
        error, q = u.value - self._target, self._exponent
        return (self._weights * (error.square() if q == 2 else error.abs().pow(q))).sum()

    def residual_of(self, u: Channels) -> Tensor:
        error, q = u.value - self._target, self._exponent
        return (2 * self._weights).sqrt() * (error if q == 2 else error.sign() * error.abs().pow(q / 2))

    def rows(self, u: Channels) -> list[Channels]:
        scale, q = (2 * self._weights).sqrt(), self._exponent
        if q != 2:  # for q < 2 the factor is infinite at a zero error, and the gradient is not: keep the error away from zero
            error = (u.value - self._target).abs().clamp_min(torch.finfo(scale.dtype).tiny)
            scale = scale * (q / 2 * error.pow(q / 2 - 1))
        return [Channels(scale)]


class _GradientBlock(ChannelLeastSquares):
    """Rows ``sqrt(2 w) e_k`` for each component k, one component after the other."""

    order = 1

    def __init__(self, evaluator: Evaluator, slope: Gradients, weights: Values) -> None:
        super().__init__("gradient", evaluator)
        self._slope, self._scale = slope, (2 * weights).sqrt()

    @property
    def num_rows(self) -> int:
        return self._slope.numel()

    def residual_of(self, u: Channels) -> Tensor:
        assert u.gradient is not None
        return (self._scale * (u.gradient - self._slope.T)).flatten()

    def rows(self, u: Channels) -> list[Channels]:
        axes = torch.eye(self._slope.shape[1]).to(self._scale)
        return [Channels(torch.zeros_like(self._scale), self._scale * axis[:, None]) for axis in axes]
