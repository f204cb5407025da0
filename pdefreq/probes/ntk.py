"""The drift of the tangent kernel and of the parameters of a network, which is small if it trains like its linearization."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from pdefreq.core.errors import OptionError
from pdefreq.core.streams import stream
from pdefreq.probes.probe import Measurement, Probe
from pdefreq.probes.sampled import as_array
from pdefreq.spaces.trial_space import Network
from pdefreq.theory.kernel_modes import relative_distance
from pdefreq.theory.ntk import kernel

if TYPE_CHECKING:
    from pdefreq.core.shapes import Coefficients
    from pdefreq.probes.iterate import Iterate
    from pdefreq.probes.target import Target


@dataclass(frozen=True)
class NtkProbe(Probe):
    """Records ``kernel_drift``, |K(t) - K(0)| / |K(0)|, ``kernel_trace``, tr K, and ``parameter_distance``, the RD of c.

    K is the tangent kernel of u itself at fixed points of the domain, for any loss. Both distances are small as long as a
    prediction from the initial state is valid. The kernel of a linear space is constant, so that nothing is recorded for it, nor
    for a function without coefficients.

    Args:
        number: Number of points at which the kernel is computed.
    """

    number: int = 100

    def __post_init__(self) -> None:
        if not isinstance(self.number, int) or isinstance(self.number, bool) or self.number < 2:
            raise OptionError(f"`number` must be a whole number of points, at least 2, got {self.number!r}")

    def prepare(
        self, target: Target, iterate: Iterate, *, discrete_solution: Iterate | None, facts: Mapping[str, Any]
    ) -> Measurement:
        if not isinstance(iterate.space, Network) or iterate.coefficients is None:
            return Unmoved("ntk_start" in facts)
        x = target.problem.domain.interior(self.number, stream(0, "kernel points")).x
        return NtkMeasurement(iterate.space, iterate.coefficients, x, facts)


class Unmoved(Measurement):
    """The measurement for a space without a kernel, after a network in the same run: nan."""

    def __init__(self, settled: bool) -> None:
        names = ("kernel_drift", "kernel_trace", "parameter_distance")
        self._row: dict[str, float] = {name: np.nan for name in names if settled}

    def __call__(self, iterate: Iterate) -> Mapping[str, Any]:
        return self._row


class NtkMeasurement(Measurement):
    """The drift from the first iterate of the run, whose kernel and parameters are facts of the history."""

    def __init__(self, space: Network, c: Coefficients, x: torch.Tensor, facts: Mapping[str, Any]) -> None:
        self._evaluator = space.at(x.to(c))
        if "ntk_start" in facts:
            self._kernel, self._start = (torch.from_numpy(np.array(facts[name])) for name in ("ntk_start", "ntk_parameters"))
        else:
            self._kernel, self._start = self._kernel_at(c), torch.from_numpy(as_array(c).copy())
        self.facts = {"ntk_start": self._kernel.numpy(), "ntk_parameters": self._start.numpy()}

    def __call__(self, iterate: Iterate) -> Mapping[str, Any]:
        c = iterate.coefficients
        assert c is not None
        now = self._kernel_at(c)
        return {
            "kernel_drift": relative_distance(now, self._kernel),
            "kernel_trace": float(now.trace()),
            "parameter_distance": relative_distance(torch.from_numpy(as_array(c)), self._start),
        }

    def _kernel_at(self, c: Coefficients) -> torch.Tensor:
        with torch.no_grad():
            return kernel(self._evaluator.jacobian_factors(c)).to("cpu", torch.float64)
