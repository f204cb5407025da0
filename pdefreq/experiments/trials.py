"""Methods trained on problems for a study: several seeds, the same budget for each, errors read at equal steps or equal times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from pdefreq.core.errors import OptionError
from pdefreq.core.history import Schedule, Stop
from pdefreq.probes.error import ErrorProbe
from pdefreq.runs.solve import solve

if TYPE_CHECKING:
    from pdefreq.core.history import History
    from pdefreq.probes.probe import Probe
    from pdefreq.problem.problem import Problem
    from pdefreq.runs.solution import Solution
    from pdefreq.solvers.solver import Solver

_RECORDS = Schedule(dense=1, per_decade=6)


@dataclass(frozen=True)
class Trial:
    """One method on one problem, once for each seed.

    Args:
        solutions: The run of each seed.
    """

    solutions: Sequence[Solution]

    @classmethod
    def of(
        cls,
        problem: Problem,
        solver: Solver,
        *,
        seeds: int,
        steps: int,
        dtype: str = "float64",
        probe: Probe = ErrorProbe(),  # noqa: B008  # frozen
        schedule: Schedule = _RECORDS,
    ) -> Trial:
        """Train for a number of steps, which no load of the machine changes, with seeds 0, 1, ...

        Raises:
            OptionError: If there are no seeds or no steps.
        """
        require_at_least(1, seeds=seeds, steps=steps)
        common = {"stop": Stop(steps=steps), "probes": [probe], "schedule": schedule, "dtype": dtype}
        return cls([solve(problem, solver, seed=seed, **common) for seed in range(seeds)])

    @property
    def histories(self) -> list[History]:
        """The history of each seed."""
        return [solution.history for solution in self.solutions]

    @property
    def unknowns(self) -> int:
        """Parameters of the network."""
        return self.solutions[0].state.space.num_coefficients

    @property
    def seconds(self) -> list[float]:
        """Time in steps of each seed; measuring is not counted."""
        return [solution.seconds for solution in self.solutions]

    @property
    def errors(self) -> list[float]:
        """Relative L2 error of what each seed hands back."""
        return [solution.error() for solution in self.solutions]

    def errors_at(self, column: Literal["step", "seconds"], place: float) -> list[float]:
        """Relative L2 error of each seed after so many steps or seconds, log e interpolated in the logarithm of these.

        Raises:
            ValueError: If a run is shorter, or began later.
        """
        return [_read(history, column, place) for history in self.histories]


def require_at_least(least: int, **counts: int | None) -> None:
    """Counts that are options of a study; None stands for a default.

    Raises:
        OptionError: If one is too small.
    """
    for name, count in counts.items():
        if count is not None and count < least:
            raise OptionError(f"`{name}` must be at least {least}, got {count}")


def _read(history: History, column: str, place: float) -> float:
    places, errors = history.column(column), history.column("relative_l2")
    later = places > 0
    places, errors = places[later], errors[later]
    if not (len(places) and places[0] <= place <= places[-1]):
        raise ValueError(f"no records around {column} {place:g}")
    return float(np.exp(np.interp(np.log(place), np.log(places), np.log(errors))))


def median(numbers: Sequence[float]) -> float:
    """The middle one."""
    return float(np.median(numbers))


def spread(numbers: Sequence[float]) -> str:
    """The lowest and the highest, for tables; one number alone has none."""
    return f"{min(numbers):.2g} to {max(numbers):.2g}" if len(numbers) > 1 else "-"


def squares(numbers: Sequence[float]) -> list[float]:
    """REL = MSE / mean(u^2), of which the relative L2 error is the root."""
    return [number**2 for number in numbers]


def in_words(steps: Sequence[int | None]) -> str:
    """Steps of several seeds; "never" where there is none."""
    return ", ".join("never" if step is None else str(step) for step in steps)


def seeded(count: int) -> str:
    """How many seeds, for titles."""
    return f"median of {count} seeds" if count > 1 else "1 seed"


def holds(claim: bool) -> str:
    """Whether a claim agrees with the numbers of a run, in words."""
    return "holds in this run" if claim else "does not hold in this run"


def verdict(reached: bool) -> str:
    """Whether a goal was reached, in words."""
    return "reached" if reached else "not reached"
