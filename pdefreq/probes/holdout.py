"""The misfit at data that no method trains on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pdefreq.functionals.sampling import held_out_samples
from pdefreq.probes.probe import Measurement, Nothing, Probe
from pdefreq.probes.sampled import Sampled, as_array, field_values

if TYPE_CHECKING:
    from pdefreq.fields import Field
    from pdefreq.iterations.iteration import State
    from pdefreq.problem import Problem
    from pdefreq.shapes import Coefficients


@dataclass(frozen=True)
class HoldoutProbe(Probe):
    """Records ``holdout_misfit``, the mean square of u - f/c at the points held out; nothing where there are none."""

    def prepare(
        self,
        problem: Problem,
        state: State,
        *,
        reference: Field | None,
        limit: Coefficients | None,
        facts: Mapping[str, Any],
    ) -> Measurement:
        return HoldoutMeasurement(problem, state) if problem.data is not None and problem.data.holdout else Nothing()


class HoldoutMeasurement(Measurement):
    """The space at the points held out, and the target there."""

    def __init__(self, problem: Problem, state: State) -> None:
        x, values = held_out_samples(problem)
        self._sampled = Sampled(state, x)
        self._target = as_array(values) / field_values(problem.reaction, x)

    def __call__(self, state: State) -> Mapping[str, float]:
        return {"holdout_misfit": float(((self._sampled(state.coefficients) - self._target) ** 2).mean())}
