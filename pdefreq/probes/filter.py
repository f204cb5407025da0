"""Errors in a low and a high band, separated by a Gaussian filter at scattered points, in any dimension."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from pdefreq.core.errors import OptionError
from pdefreq.core.streams import stream
from pdefreq.probes.probe import Measurement, Probe
from pdefreq.spectrum.filter import even_split, half_wavenumber, low_part

if TYPE_CHECKING:
    from pdefreq.probes.iterate import Iterate
    from pdefreq.probes.target import Target

_ROUNDING = 1e-12  # relative variation below which a solution is constant


@dataclass(frozen=True)
class FilterProbe(Probe):
    """Records ``low_error`` and ``high_error``, relative L2 errors |y_low - h_low| / |y_low| and |y_high - h_high| / |y_high|.

    h is the approximation and y the exact or reference solution, or else the discrete solution. Low parts are means with the
    weights exp(-|x - x'|^2 / (2 delta)) over fixed random points, and high parts are the remainder. For a regression of given
    values the points are those of its training. Nothing is recorded if no solution is known, or if it is constant.

    Args:
        delta: Variance of the Gaussian, squared units of length; null means the value that splits the variance of y evenly. The
            fact ``filter_delta`` is this value, and ``filter_wavenumber`` the wavenumber that the filter halves.
        number: Largest number of points; the cost of a record is its square.

    Source:
        Xu, Zhang, Luo, Xiao, Ma: Frequency principle (2020), arXiv 1901.06523, equations 6 to 9.
    """

    delta: float | None = None
    number: int = 2048

    def __post_init__(self) -> None:
        if self.delta is not None and not 0 < self.delta < np.inf:
            raise OptionError(f"`delta` must be positive and finite, or null, got {self.delta:g}")
        if self.number < 2:
            raise OptionError(f"`number` must be at least 2, got {self.number}")

    def prepare(
        self, target: Target, iterate: Iterate, *, discrete_solution: Iterate | None, facts: Mapping[str, Any]
    ) -> Measurement:
        problem, target = target.problem, target.on_data()
        x = problem.domain.interior(self.number, stream(0, "filter points")).x
        if problem.is_known_at_points:
            assert problem.data is not None
            x = problem.data.training_points()[: self.number]
        settled, known = "filter_delta" in facts, target.solution or discrete_solution
        if known is None:
            return Unknown(settled)
        values = known.values(x)
        if np.ptp(values) <= _ROUNDING * np.abs(values).max():
            return Unknown(settled)
        values = torch.from_numpy(values)
        delta = float(facts["filter_delta"]) if settled else self.delta or even_split(x, values)
        return FilterMeasurement(x, values, delta)


class Unknown(Measurement):
    """A measurement without a target, in which existing columns are nan."""

    def __init__(self, settled: bool) -> None:
        self._row: dict[str, float] = {name: np.nan for name in ("low_error", "high_error") if settled}

    def __call__(self, iterate: Iterate) -> Mapping[str, float]:
        return self._row


class FilterMeasurement(Measurement):
    """The target at the points, and the norms of its two parts. The filter is linear: each record splits the error only."""

    def __init__(self, x: torch.Tensor, target: torch.Tensor, delta: float) -> None:
        self._x, self._target, self._delta = x, target, delta
        self._low, self._high = self._norms(target)
        self.facts = {"filter_delta": np.array(delta), "filter_wavenumber": np.array(half_wavenumber(delta))}

    def __call__(self, iterate: Iterate) -> Mapping[str, float]:
        low, high = self._norms(torch.from_numpy(iterate.values(self._x)) - self._target)
        return {"low_error": _ratio(low, self._low), "high_error": _ratio(high, self._high)}

    def _norms(self, values: torch.Tensor) -> tuple[float, float]:
        low = low_part(self._x, values, self._delta)
        return float(low.norm()), float((values - low).norm())


def _ratio(error: float, size: float) -> float:
    return error / size if size > 0 else np.nan
