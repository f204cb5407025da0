"""Least-squares distance to a known function: regression, the member of order zero."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from pdefreq.functionals.functional import Functional
from pdefreq.spaces.checked import checked

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.domains.domain import Samples
    from pdefreq.problem import Problem
    from pdefreq.shapes import Coefficients, Values
    from pdefreq.spaces.trial_space import TrialSpace


class Misfit(Functional):
    """The mean square of ``u - f/c``: its integral over the domain, divided by the domain's measure.

    Args:
        problem: A regression problem, c u = f.
        space: Where u lives.
        samples: Points and weights.
        source: f at the points, where it is known only there.
        like: A tensor whose dtype and device the values take.

    Raises:
        ProblemFileError: If f is not finite, or c not positive, at one of the points.
    """

    order = 0
    tends_to_zero = True

    def __init__(
        self, problem: Problem, space: TrialSpace, samples: Samples, *, source: Values | None = None, like: Tensor
    ) -> None:
        x = samples.x
        reaction = checked(problem.reaction, "[equation] reaction", x, least=torch.finfo(x.dtype).tiny)
        source = checked(problem.source, "[equation] source", x) if source is None else source
        self._target = (source / reaction).to(like)
        self._weights = (samples.weights / samples.weights.sum()).to(like)
        self._evaluator = space.at(x.to(like))

    def terms(self, c: Coefficients) -> dict[str, Tensor]:
        return {"misfit": (self._weights * (self._evaluator.value(c) - self._target).square()).sum()}
