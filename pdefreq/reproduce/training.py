"""What reproductions of training share: the error that papers plot, and its curve over several seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from pdefreq.domains.box import Box
from pdefreq.errors import OptionError
from pdefreq.history import Schedule, Stop
from pdefreq.loop import solve
from pdefreq.probes.probe import Measurement, Probe
from pdefreq.probes.sampled import Sampled, field_values

if TYPE_CHECKING:
    from pdefreq.fields import Field
    from pdefreq.iterations.iteration import State
    from pdefreq.problem import Problem
    from pdefreq.shapes import Coefficients
    from pdefreq.solvers.solver import Solver

HALF_LIFE = math.log(2) / 5e-7
"""Steps in which a learning rate halves that is multiplied by 1 - 5e-7 in each, as in the programs of Liu, Cai and Xu."""


@dataclass(frozen=True)
class MeanSquareError(Probe):
    """Records ``mean_square_error``, the mean of (u - u*)^2 over uniform points of an interval, both ends among them.

    Args:
        number: Points.
    """

    number: int = 201

    def prepare(
        self,
        problem: Problem,
        state: State,
        *,
        reference: Field | None,
        limit: Coefficients | None,
        facts: Mapping[str, Any],
    ) -> MeanSquareMeasurement:
        assert reference is not None
        return MeanSquareMeasurement(self.points(problem), state, reference)

    def points(self, problem: Problem) -> torch.Tensor:
        """The points, ``(number, 1)``."""
        domain = problem.domain
        if not (isinstance(domain, Box) and domain.dimension == 1):
            raise OptionError(f"the mean square over uniform points is for an interval, got {domain.title}")
        return torch.linspace(domain.lower[0], domain.upper[0], self.number, dtype=torch.float64)[:, None]

    def of_zero(self, problem: Problem) -> float:
        """The mean of u*^2: the error of u = 0, the plateau of a network that has learnt nothing."""
        assert problem.exact is not None
        return float(np.mean(field_values(problem.exact, self.points(problem)) ** 2))


class MeanSquareMeasurement(Measurement):
    """The space and the solution at the points."""

    def __init__(self, x: torch.Tensor, state: State, reference: Field) -> None:
        self._inside = Sampled(state, x)
        self._exact = field_values(reference, x)

    def __call__(self, state: State) -> Mapping[str, float]:
        return {"mean_square_error": float(np.mean((self._inside(state.coefficients) - self._exact) ** 2))}


@dataclass(frozen=True)
class ErrorCurve:
    """The error of one run, step by step.

    Args:
        steps: Where it was taken, ascending, shape ``(n,)``.
        errors: The error there, shape ``(n,)``.
    """

    steps: np.ndarray
    errors: np.ndarray

    def times(self, factor: float) -> ErrorCurve:
        """The same in another unit."""
        return replace(self, errors=factor * self.errors)

    @classmethod
    def of(cls, problem: Problem, solver: Solver, *, steps: int, seed: int, per_decade: int) -> ErrorCurve:
        """Train in float32, as the papers do, and record the mean square error."""
        history = solve(
            problem,
            solver,
            stop=Stop(steps=steps),
            seed=seed,
            dtype="float32",
            probes=(MeanSquareError(),),
            schedule=Schedule(dense=100, per_decade=per_decade),
        ).history
        return cls(history.column("step"), history.column("mean_square_error"))

    @property
    def end(self) -> float:
        """The median over the last tenth of the steps: single values are noise where points are drawn anew."""
        return float(np.median(self.errors[self.steps >= 0.9 * self.steps[-1]]))

    def near(self, step: int) -> float:
        """The error at the recorded step that is nearest to `step`; nan behind the end."""
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


def each_error_curve(
    problem: Problem, solvers: Mapping[str, Solver], *, steps: int, seeds: int, per_decade: int
) -> dict[str, list[ErrorCurve]]:
    """Error curves of several methods, one for each seed.

    Raises:
        OptionError: If there are no seeds or no steps.
    """
    require_positive(steps=steps, seeds=seeds)
    return {
        name: [ErrorCurve.of(problem, solver, steps=steps, seed=seed, per_decade=per_decade) for seed in range(seeds)]
        for name, solver in solvers.items()
    }


def require_positive(**counts: int) -> None:
    """Options of reproductions that count something.

    Raises:
        OptionError: If one is below 1.
    """
    for name, count in counts.items():
        if count < 1:
            raise OptionError(f"`{name}` must be at least 1, got {count}")


def in_words(steps: Sequence[int | None]) -> str:
    """Steps of several seeds; "never" where there is none."""
    return ", ".join("never" if step is None else str(step) for step in steps)
