"""Interior points that depend on the current iterate. They are part of the memory of a run, so that it can be resumed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch

from pdefreq.core.streams import stream
from pdefreq.domains.samples import Samples
from pdefreq.functionals.block import LeastSquaresBlock

if TYPE_CHECKING:
    from pdefreq.core.shapes import Coefficients, Points, Values
    from pdefreq.domains.domain import Domain
    from pdefreq.functionals.functional import Functional


class AdaptiveRule(Protocol):
    """A rule that chooses points by the residual."""

    def draw(self, step: int) -> int:
        """Which choice a step uses, counted from 0."""
        ...

    def interior(self, domain: Domain, seed: int, draw: int) -> Samples:
        """The points of the first steps."""
        ...

    def offered(self, domain: Domain, seed: int, draw: int) -> Samples:
        """The candidates of a choice."""
        ...

    def chosen(self, current: Points, offered: Points, residual: Values, generator: torch.Generator) -> Points:
        """The points of the next steps."""
        ...


@dataclass(frozen=True)
class AdaptiveSampling:
    """The points of each step, as a function of the points so far and of the coefficients at the time of a choice.

    Args:
        rule: The rule.
        domain: The domain.
        seed: The seed of the run.
        regular: A function that removes singular points from samples.
        build: The functional for interior points; the rows of its first term are the residual.
    """

    rule: AdaptiveRule
    domain: Domain
    seed: int
    regular: Callable[[Samples], Samples]
    build: Callable[[Samples], Functional]

    def first(self, like: torch.Tensor) -> Points:
        """The points before the first choice, ``(n, d)``, in the dtype and on the device of `like`."""
        return self.regular(self.rule.interior(self.domain, self.seed, 0)).x.to(like)

    def is_due(self, step: int) -> bool:
        """Whether points are chosen before a step."""
        return step > 0 and self.rule.draw(step) != self.rule.draw(step - 1)

    def samples(self, points: Points) -> Samples:
        """Points with equal weights, float64 on the CPU."""
        x = points.double().cpu()
        return Samples(x, torch.full((len(x),), self.domain.measure / len(x), dtype=torch.float64))

    def next(self, points: Points, c: Coefficients, step: int) -> Points:
        """The points for the steps from `step` on; the same points if a residual is not finite, which the loop detects."""
        draw = self.rule.draw(step)
        offered = self.regular(self.rule.offered(self.domain, self.seed, draw))
        residual = self.residual(self.samples(offered.x), c)
        if not bool(residual.isfinite().all()):
            return points
        generator = stream(self.seed, "adaptive", draw)
        return self.rule.chosen(points.double().cpu(), offered.x, residual, generator).to(points)

    @torch.no_grad()
    def residual(self, samples: Samples, c: Coefficients) -> Values:
        """|r| at points with equal weights, up to a factor, ``(n,)``, float64 on the CPU."""
        functional = self.build(samples)
        first = functional.names[0]
        rows = [b.residual(c) for b in functional.blocks if isinstance(b, LeastSquaresBlock) and b.name == first]
        return torch.cat(rows).abs().double().cpu()
