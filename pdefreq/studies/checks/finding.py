"""The result of a check, and what a check receives."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pdefreq.core.streams import stream

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.functionals.functional import Functional
    from pdefreq.iterations.iteration import Iteration
    from pdefreq.runs.solution import Solution

_POINTS = 512  # at which units are tested


@dataclass(frozen=True)
class Finding:
    """A reason why a run may fail.

    Args:
        check: The name of the check; `diagnose` fills it in.
        severity: The measured quantity relative to the largest value that does no harm. It is severe from 1 on.
        evidence: What was measured, with numbers.
        remedy: The next thing to try, with options to paste in backquotes.
    """

    severity: float
    evidence: str
    remedy: str
    check: str = ""

    @property
    def is_severe(self) -> bool:
        """Whether the finding explains a failure."""
        return self.severity >= 1


@dataclass(frozen=True, eq=False)
class Subject:
    """A run that is diagnosed.

    Args:
        run: The run.
        seeds: The summaries of the runs with other seeds, by seed.
    """

    run: Solution
    seeds: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)

    @functools.cached_property
    def iteration(self) -> Iteration:
        """The iteration of the method, prepared again."""
        from pdefreq.runs.prepared_run import Given, PreparedRun

        return PreparedRun.of(self.run.spec, Given(self.run.problem, self.run.solver, reference=self.run.reference)).iteration

    @functools.cached_property
    def functional(self) -> Functional | None:
        """The objective of the first step of a network; None for other methods."""
        from pdefreq.iterations.protocols import HasTangentKernel

        found = self.iteration.find(HasTangentKernel)
        return None if found is None else found.start()[0]

    @functools.cached_property
    def points(self) -> Tensor:
        """Fixed random points in the domain."""
        return self.run.problem.domain.interior(_POINTS, stream(0, "diagnosis")).x


def option_of(run: Solution, name: str) -> tuple[str, Any] | None:
    """The path and the value of an option of the method of a run, the first one with this name; None if it has none."""

    def search(options: Mapping[str, Any], before: str) -> tuple[str, Any] | None:
        if name in options:
            return before + name, options[name]
        parts = ((key, each) for key, each in options.items() if isinstance(each, Mapping))
        return next((found for key, each in parts if (found := search(each, f"{before}{key}."))), None)

    return search(run.spec.solver or {}, "")
