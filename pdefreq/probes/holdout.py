"""The misfit at held-out data, which are not used for training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pdefreq.functionals.sampling import held_out_samples
from pdefreq.probes.probe import Measurement, Nothing, Probe
from pdefreq.probes.sampled import as_array

if TYPE_CHECKING:
    from pdefreq.probes.iterate import Iterate
    from pdefreq.probes.target import Target


@dataclass(frozen=True)
class HoldoutProbe(Probe):
    """Records ``holdout_misfit``, the mean square of u - f / c at the held-out points; nothing without such points."""

    def prepare(
        self, target: Target, iterate: Iterate, *, discrete_solution: Iterate | None, facts: Mapping[str, Any]
    ) -> Measurement:
        data = target.problem.data
        return HoldoutMeasurement(target) if data is not None and data.holdout else Nothing()


class HoldoutMeasurement(Measurement):
    """The held-out points, and the data at these points."""

    def __init__(self, target: Target) -> None:
        samples, values = held_out_samples(target.problem)
        self._x = samples.x
        self._values = as_array(target.problem.regression_target(self._x, values))

    def __call__(self, iterate: Iterate) -> Mapping[str, float]:
        return {"holdout_misfit": float(((iterate.values(self._x) - self._values) ** 2).mean())}
