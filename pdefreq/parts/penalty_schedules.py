"""Schedules of the penalty parameter along a run."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pdefreq.core.composition import Part
from pdefreq.parts.part import COUNT, require
from pdefreq.parts.tables import SCHEDULES

if TYPE_CHECKING:
    from pdefreq.functionals.objective_schedule import StagedPenalty


class PenaltySchedule(Part):
    """A sequence of multipliers of beta."""

    registry = SCHEDULES

    @abstractmethod
    def resolved(self, steps: int) -> PenaltySchedule:
        """The same schedule with all defaults set for a run of `steps` steps."""

    @abstractmethod
    def multipliers(self) -> StagedPenalty:
        """The multiplier of each step."""


@dataclass(frozen=True, kw_only=True)
class Staged(PenaltySchedule):
    """beta times 1, 10, 50, 100, 200, 500 from 0, 10, 20, 25, 50, 75 percent of the steps on.

    Args:
        total_steps: Number of steps to which the percentages refer; null means the initial budget of the run, also for a resumed
            run.

    Source:
        Li, Xu, Zhang (2020), arXiv 2009.14597, the authors' code.
    """

    total_steps: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, COUNT, "total_steps")

    def resolved(self, steps: int) -> Staged:
        return self if self.total_steps is not None else replace(self, total_steps=max(steps, 1))

    def multipliers(self) -> StagedPenalty:
        from pdefreq.functionals.objective_schedule import StagedPenalty

        assert self.total_steps is not None
        return StagedPenalty(self.total_steps)
