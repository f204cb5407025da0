"""Least-squares distance to a known function: regression, the member of order zero."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch

from pdefreq.functionals.functional import Functional
from pdefreq.functionals.sampling import points_at_once
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
        columns = x, source / reaction, samples.weights / samples.weights.sum()
        pieces = zip(*(column.to(like).split(points_at_once(like)) for column in columns), strict=True)
        self._pieces = [(space.at(x), target, weights) for x, target, weights in pieces]

    def terms(self, c: Coefficients) -> dict[str, Tensor]:
        return {"misfit": sum(self.parts(c), start=c.new_zeros(()))}

    def parts(self, c: Coefficients) -> Iterator[Tensor]:
        for evaluator, target, weights in self._pieces:
            yield (weights * (evaluator.value(c) - target).square()).sum()
