"""The mean square error of published figures, as a probe and as a history."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from pdefreq.core.errors import OptionError
from pdefreq.core.history import Schedule
from pdefreq.domains.box import Box
from pdefreq.experiments.trials import Trial
from pdefreq.probes.probe import Measurement, Probe
from pdefreq.probes.sampled import field_values

if TYPE_CHECKING:
    from pdefreq.core.history import History
    from pdefreq.probes.iterate import Iterate
    from pdefreq.probes.target import Target
    from pdefreq.problem.problem import Problem
    from pdefreq.solvers.solver import Solver

HALF_LIFE = math.log(2) / 5e-7
"""Steps in which a learning rate halves that is multiplied by 1 - 5e-7 in each, as in the programs of Liu, Cai and Xu."""


@dataclass(frozen=True)
class MeanSquareError(Probe):
    """Records ``mean_square_error``, the mean of (u - u*)^2 over uniform points of an interval, both ends among them.

    Args:
        number: Number of points.
    """

    number: int = 201

    def prepare(
        self, target: Target, iterate: Iterate, *, discrete_solution: Iterate | None, facts: Mapping[str, Any]
    ) -> MeanSquareMeasurement:
        assert target.solution is not None
        x = self.points(target.problem)
        return MeanSquareMeasurement(x, target.solution.values(x))

    def points(self, problem: Problem) -> torch.Tensor:
        """The points, ``(number, 1)``."""
        domain = problem.domain
        if not (isinstance(domain, Box) and domain.dimension == 1):
            raise OptionError(f"the mean square over uniform points is for an interval, got {domain.title}")
        return torch.linspace(domain.lower[0], domain.upper[0], self.number, dtype=torch.float64)[:, None]

    def of_zero(self, problem: Problem) -> float:
        """The mean of u*^2: the error of u = 0, the plateau of an untrained network."""
        assert problem.exact is not None
        return float(np.mean(field_values(problem.exact, self.points(problem)) ** 2))


class MeanSquareMeasurement(Measurement):
    """The solution at the points."""

    def __init__(self, x: torch.Tensor, exact: np.ndarray) -> None:
        self._x, self._exact = x, exact

    def __call__(self, iterate: Iterate) -> Mapping[str, float]:
        return {"mean_square_error": float(np.mean((iterate.values(self._x) - self._exact) ** 2))}


@dataclass(frozen=True)
class TrainingHistory:
    """The mean square error of one run, step by step.

    Args:
        steps: Where it was taken, ascending, shape ``(n,)``.
        errors: The error there, shape ``(n,)``.
    """

    steps: np.ndarray
    errors: np.ndarray

    def times(self, factor: float) -> TrainingHistory:
        """The same in another unit."""
        return replace(self, errors=factor * self.errors)

    @classmethod
    def of(cls, history: History) -> TrainingHistory:
        """What `MeanSquareError` recorded."""
        return cls(history.column("step"), history.column("mean_square_error"))

    @property
    def end(self) -> float:
        """The median over the last tenth of the steps, since single values are noisy if points are redrawn."""
        return float(np.median(self.errors[self.steps >= 0.9 * self.steps[-1]]))

    def near(self, step: int) -> float:
        """The error at the recorded step that is nearest to `step`; nan after the last step."""
        return float(self.errors[np.abs(self.steps - step).argmin()]) if step <= self.steps[-1] else math.nan

    def first_below(self, level: float) -> int | None:
        """The first recorded step with an error below `level`; None if there is none."""
        below = self.errors < level
        return int(self.steps[below.argmax()]) if below.any() else None

    def stays_below(self, level: float) -> int | None:
        """The first recorded step from which on the error is below `level`; None if it is above at the end."""
        above = np.nonzero(self.errors >= level)[0]
        if len(above) == 0:
            return int(self.steps[0])
        return int(self.steps[above[-1] + 1]) if above[-1] + 1 < len(self.steps) else None


def training_histories(
    problem: Problem, solvers: Mapping[str, Solver], *, steps: int, seeds: int, per_decade: int
) -> dict[str, list[TrainingHistory]]:
    """Histories of several methods, one for each seed, trained in float32 as in the papers.

    Raises:
        OptionError: If there are no seeds or no steps.
    """
    measured = {"probe": MeanSquareError(), "schedule": Schedule(dense=100, per_decade=per_decade), "dtype": "float32"}
    trials = {name: Trial.of(problem, solver, seeds=seeds, steps=steps, **measured) for name, solver in solvers.items()}
    return {name: [TrainingHistory.of(history) for history in trial.histories] for name, trial in trials.items()}
