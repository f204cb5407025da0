"""Objective schedules: the functional of each step depends on the step alone, so that a resumed run repeats it."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from pdefreq.domains.samples import Samples

if TYPE_CHECKING:
    from pdefreq.core.shapes import Values
    from pdefreq.domains.domain import Domain
    from pdefreq.functionals.functional import Functional
    from pdefreq.functionals.sampling import Sampling


_STARTS, _MULTIPLIERS = (0.0, 0.1, 0.2, 0.25, 0.5, 0.75), (1.0, 10.0, 50.0, 100.0, 200.0, 500.0)  # of `StagedPenalty`


class ObjectiveSchedule(Protocol):
    """The functional that each step of `TrainingIteration` minimizes."""

    def at(self, step: int) -> Functional:
        """The functional that a step minimizes."""
        ...

    def whole(self, step: int) -> Functional:
        """The functional of a step at all interior points, if the step uses a batch of them."""
        ...

    def key(self, step: int) -> Hashable:
        """A key that is equal for two steps if and only if they minimize the same functional."""
        ...

    def is_final(self, step: int) -> bool:
        """Whether all steps from this one on minimize the same functional, which a network may then overfit."""
        ...

    def stage(self, step: int) -> int:
        """The number of changes of the weights in the objective so far; within a stage at most the points change."""
        ...

    def is_last_stage(self, step: int) -> bool:
        """Whether the weights do not change after this step."""
        ...

    @property
    def quadrature(self) -> Samples | None:
        """The interior points of all steps with their weights; None if they change, or belong to the problem."""
        ...


@dataclass(frozen=True)
class ConstantSchedule:
    """One functional for all steps.

    Args:
        functional: The functional of all steps.
    """

    functional: Functional

    def at(self, step: int) -> Functional:
        return self.functional

    def whole(self, step: int) -> Functional:
        return self.functional

    def key(self, step: int) -> int:
        return 0

    def is_final(self, step: int) -> bool:
        return True

    def stage(self, step: int) -> int:
        return 0

    def is_last_stage(self, step: int) -> bool:
        return True

    @property
    def quadrature(self) -> None:
        return None


@dataclass(frozen=True)
class StagedPenalty:
    """A multiplier of the penalty parameter that increases in stages over a given number of steps and then stays constant.

    Args:
        steps: The number of steps.

    Source:
        Li, Xu, Zhang (2020), arXiv 2009.14597, the authors' code: gamma_0 times 1, 10, 50, 100, 200, 500 from 0, 10, 20, 25,
        50, 75 percent of the epochs on.
    """

    steps: int

    def stage(self, step: int) -> int:
        """The number of the stage of a step, from 0."""
        return sum(step >= start * self.steps for start in _STARTS) - 1

    def is_last_stage(self, step: int) -> bool:
        """Whether all later steps have the multiplier of this step."""
        return self.stage(step) == len(_MULTIPLIERS) - 1

    def multiplier(self, step: int) -> float:
        """The multiplier at a step."""
        return _MULTIPLIERS[self.stage(step)]


class SampledSchedule:
    """A schedule of functionals on the points of a sampling, or on the points at which the source is known.

    Args:
        domain: The domain of the points.
        regular: A function that removes singular points from samples.
        sampling: The points of each step.
        build: A function that returns the functional for interior points, for boundary points if the boundary is sampled, and
            for f at the interior points if it is known only there.
        penalty: The schedule of the penalty parameter; None keeps it constant.
        known: The points at which f is known and the values of f, for functionals that are sums over these; otherwise None.
        validation: Further such points, which no step uses; None if there are none.
    """

    def __init__(
        self,
        domain: Domain,
        regular: Callable[[Samples], Samples],
        sampling: Sampling,
        build: Callable[[Samples, Samples | None, Values | None], Functional],
        penalty: StagedPenalty | None = None,
        known: tuple[Samples, Values] | None = None,
        validation: tuple[Samples, Values] | None = None,
    ) -> None:
        self._domain, self._regular, self._sampling, self._build = domain, regular, sampling, build
        self._penalty, self._known, self._validation = penalty, known, validation
        self._interior = lru_cache(maxsize=1)(self._draw_interior)
        self._sampled = lru_cache(maxsize=1)(self._build_at)
        self._of_draw = lru_cache(maxsize=1)(lambda draw: self._build_at(draw, None, None))

    def key(self, step: int) -> tuple[int, int, int]:
        """The draw, the step if each step has its own batch, and the stage of the penalty."""
        return self._draw(step), 0 if self._sampling.batch is None else step, self.stage(step)

    def at(self, step: int, interior: Samples | None = None) -> Functional:
        """The functional that a step minimizes, on given interior points if these depend on the iterate."""
        draw, batch, _ = self.key(step)
        return self._staged(self._sampled(draw, batch, interior), step)

    def whole(self, step: int) -> Functional:
        """The functional of a step at all interior points, if the step uses a batch of them."""
        return self.at(step) if self._sampling.batch is None else self._staged(self._of_draw(self._draw(step)), step)

    def on(self, interior: Samples) -> Functional:
        """The part of the functional that belongs to interior points, on given points."""
        return self._build(interior, None, None)

    def is_final(self, step: int) -> bool:
        fixed = self._sampling.rule.is_fixed or self._known is not None
        return fixed and self.is_last_stage(step) and self._sampling.batch is None

    def stage(self, step: int) -> int:
        return 0 if self._penalty is None else self._penalty.stage(step)

    def is_last_stage(self, step: int) -> bool:
        return self._penalty is None or self._penalty.is_last_stage(step)

    @property
    def quadrature(self) -> Samples | None:
        return self._interior(0)[0] if self._sampling.rule.is_fixed and self._known is None else None

    def held_out(self) -> Functional | None:
        """The functional with its last penalty on points that no step uses; None if there are no other points."""
        if self._known is not None:
            return None if self._validation is None else self._build(self._validation[0], None, self._validation[1])
        interior, boundary = self._sampling.held_out(self._domain)
        functional = self._build(self._regular(interior), None if boundary is None else self._regular(boundary), None)
        return functional if self._penalty is None else self._staged(functional, self._penalty.steps)

    def _draw(self, step: int) -> int:
        return 0 if self._known is not None else self._sampling.draw(step)

    def _draw_interior(self, draw: int) -> tuple[Samples, Values | None]:
        if self._known is not None:
            return self._known
        return self._regular(self._sampling.interior(self._domain, draw)), None

    def _build_at(self, draw: int, step: int | None, given: Samples | None) -> Functional:
        interior, source = self._interior(draw) if given is None else (given, None)
        boundary = self._sampling.boundary(self._domain, draw)
        boundary = None if boundary is None else self._regular(boundary)
        count = len(interior.x)
        chosen = None if step is None else self._sampling.batch_at(step, count)
        if chosen is not None:
            # The expected objective of a batch is the objective of the whole set.
            interior = Samples(interior.x[chosen], interior.weights[chosen] * (count / len(chosen)))
            source = None if source is None else source[chosen]
        return self._build(interior, boundary, source)

    def _staged(self, functional: Functional, step: int) -> Functional:
        if self._penalty is None:
            return functional
        multiplier = self._penalty.multiplier(step)
        return functional.weighted({name: multiplier for name in ("boundary", "robin") if name in functional.names})
