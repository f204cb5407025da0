"""One run of a benchmark: its errors, times and order of the frequencies as plain numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pdefreq.core.history import Status
from pdefreq.spectrum.bias import BiasIndex, Relation, bias_of_stored


@dataclass(frozen=True)
class Run:
    """One run of a benchmark.

    Args:
        problem: The problem as the suite names it.
        digest: The digest of the content of the problem.
        method: The method as the suite names it.
        budget: The budget in words.
        seed: The seed.
        status: How the run ended; ``"refused"`` if the method can't solve the problem, ``"failed"`` for an error of another
            program, ``"not run"`` after an interruption.
        failed: Whether there is no result.
        sentence: The reason, if it failed; otherwise the order of the frequencies.
        steps: The number of steps.
        seconds: The time of the steps.
        unknowns: The number of coefficients.
        relative_l2: The relative L2 error, like the other errors as in docs/errors.md; None if unknown.
        relative_h1: The relative H1 error.
        max_error: The largest error.
        reference_error: The estimated relative L2 error of the reference solution.
        bias_index: The bias index B.
        bias_index_is_bound: Whether some modes were not halved, so that a longer run has another B.
        half_times: For each watched mode whose relative error begins above one half, in the order of the wavenumbers: the
            wavenumber, and the step and the seconds at which its error is halved, None if it is not.
        curve: Pairs of seconds and relative L2 errors along the run.
        outside: Whether another program made the run.
    """

    problem: str
    digest: str
    method: str
    budget: str
    seed: int
    status: str
    failed: bool = False
    sentence: str = ""
    steps: int | None = None
    seconds: float | None = None
    unknowns: int | None = None
    relative_l2: float | None = None
    relative_h1: float | None = None
    max_error: float | None = None
    reference_error: float | None = None
    bias_index: float | None = None
    bias_index_is_bound: bool | None = None
    half_times: Sequence[Sequence[float | None]] = ()
    curve: Sequence[Sequence[float]] = ()
    outside: bool = False

    @property
    def case(self) -> tuple[str, str, str]:
        """The problem, the method and the budget."""
        return self.problem, self.method, self.budget

    @property
    def bias(self) -> BiasIndex | None:
        """The bias index with its standard error and its relation to that of a longer run; None if it is undefined."""
        return None if self.bias_index is None else self._stored_bias

    @property
    def _stored_bias(self) -> BiasIndex | None:
        """That of the stored half times, also of families of modes that are not complete."""
        if self.steps is None or not self.half_times:
            return None
        return bias_of_stored([(k, step) for k, step, _ in self.half_times if k is not None], last_step=self.steps)

    @property
    def bias_index_relation(self) -> Relation | None:
        """Whether the bias index of a longer run is at least (``">="``) or at most (``"<="``) B; ``"~"`` if neither is known.

        It is also ``"~"`` if B is undefined because the run was too short; None if it is undefined for another reason.
        """
        if self.bias is not None:
            return self.bias.relation
        stored = self._stored_bias
        return "~" if stored is not None and stored.value is None and stored.relation == "~" else None

    @property
    def is_open(self) -> bool:
        """Whether the run has not ended, because the benchmark was interrupted."""
        return self.status in ("not run", Status.INTERRUPTED.label)

    @property
    def half_time_low(self) -> float | None:
        """The half time of the lowest mode, in seconds; None if it is not halved."""
        return self._half_time(0)

    @property
    def half_time_high(self) -> float | None:
        """The half time of the highest mode, in seconds; None if it is not halved."""
        return self._half_time(-1)

    def _half_time(self, place: int) -> float | None:
        """That of a mode; the largest one of all modes with its wavenumber."""
        if not self.half_times:
            return None
        number = self.half_times[place][0]
        return select_time(max, [time for k, _, time in self.half_times if k == number])


def select_time(rule: Callable[[Sequence[float]], float], times: Sequence[float | None]) -> float | None:
    """One of several half times.

    Args:
        rule: A function that selects a number, such as `max`.
        times: The half times; None for modes that are not halved, which take longer than all others.
    """
    found = rule([math.inf if time is None else time for time in times])
    return found if math.isfinite(found) else None
