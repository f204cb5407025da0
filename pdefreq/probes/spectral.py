"""The error of each watched mode along a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pdefreq.core.errors import IncompatibleError, OptionError
from pdefreq.probes.probe import Measurement, Nothing, Probe
from pdefreq.problem.spectrum import ModeFamily
from pdefreq.spaces.trial_space import LinearSpace
from pdefreq.spectrum.modes import WAVE_FAMILIES, Modes
from pdefreq.spectrum.spectral_record import ERROR, PHASE, TOTAL
from pdefreq.spectrum.watched import WatchedModes

if TYPE_CHECKING:
    from pdefreq.probes.iterate import Iterate
    from pdefreq.probes.target import Target

_HALF = 0.5  # of the amplitude, of the halving times


@dataclass(frozen=True)
class SpectralProbe(Probe):
    """Records ``mode_error`` and ``mode_error_total`` (m,), relative, and ``unwatched_error``, the L2 error in all other modes.

    For families with complex coefficients it also records ``mode_error_phase`` (m,), the argument of each coefficient's error.

    The target is the discrete solution if it is known (algebraic error), otherwise the exact or reference solution. Without
    either, or on a domain without modes, nothing is recorded. The watched modes are selected at the start of the run by their
    amplitudes in the solution, or else in the first known discrete solution; the wavenumbers that the problem names are watched
    whatever their amplitudes.

    Args:
        modes: The mode family; by default that of the problem.
        threshold: Smallest amplitude of a watched mode that is not named, relative to the largest.
        max_modes: Largest number of watched modes, the strongest ones.
    """

    modes: ModeFamily | None = None
    threshold: float = 1e-3
    max_modes: int = 512

    def __post_init__(self) -> None:
        if not 0 < self.threshold <= 1:
            raise OptionError(f"`threshold` must lie between 0 and 1, got {self.threshold:g}")
        if self.max_modes < 1:
            raise OptionError(f"`max_modes` must be at least 1, got {self.max_modes}")

    def prepare(
        self, target: Target, iterate: Iterate, *, discrete_solution: Iterate | None, facts: Mapping[str, Any]
    ) -> Measurement:
        if (self.modes or target.families.chosen) in WAVE_FAMILIES:  # whose points are those of the data
            target = target.on_data()
        if target.solution is None and discrete_solution is None:
            return Nothing()
        settled = WatchedModes.in_facts(facts)  # selected in an earlier space of this run
        if len(settled):
            modes = target.families.modes(settled.kind, settled.indices)
            above = settled.above_threshold
            return SpectralMeasurement(modes, settled.count_above_threshold, above, target, iterate, discrete_solution)
        try:
            modes, count_above_threshold, above = self._watched(target, iterate, discrete_solution)
        except IncompatibleError:  # for example the domain can't be meshed, which is no error if no modes were requested
            if self.modes or target.problem.spectrum.modes:
                raise
            return Nothing()
        if not len(modes):
            return Nothing()
        return SpectralMeasurement(modes, count_above_threshold, above, target, iterate, discrete_solution)

    def _watched(self, target: Target, iterate: Iterate, discrete_solution: Iterate | None) -> tuple[Modes, int, np.ndarray]:
        """The modes to watch, the number of all modes above the threshold, and whether each watched mode is above it.

        The amplitudes are those in the solution, or else in the discrete solution. A mode of which the reference solution may
        have half of the amplitude as an error does not count as above the threshold: whether its error is halved can't be told.
        """
        space = iterate.space if target.solution is None else None
        every = target.families.modes(self.modes or target.families.chosen, space=space)
        known = target.solution or discrete_solution
        assert known is not None
        values = known.values(every.points(space))
        wavenumbers = target.problem.spectrum.wavenumbers
        modes, count = every.strongest(values, space, threshold=self.threshold, max_modes=self.max_modes, wavenumbers=wavenumbers)
        amplitude = modes.amplitudes(values, space)
        least = self.threshold * amplitude.max(initial=0.0)
        if discrete_solution is None:  # errors against the discrete solution contain no error of the reference
            least = max(least, target.reference_error * float(np.linalg.norm(amplitude)) / _HALF)
        return modes, count, (amplitude > 0) & (amplitude >= least)


class SpectralMeasurement(Measurement):
    """Watched modes on the grid of one space, with the coefficients of the target.

    Errors are measured at the points of `Modes.recorded`. Errors of members of linear spaces, whose evaluation is cheap and which
    may have kinks, are measured at the points of the modes themselves, like the amplitudes among the facts.
    """

    def __init__(
        self,
        modes: Modes,
        count_above_threshold: int,
        above_threshold: np.ndarray,
        target: Target,
        iterate: Iterate,
        discrete_solution: Iterate | None,
    ) -> None:
        self._space = iterate.space
        self._modes = modes if isinstance(self._space, LinearSpace) else modes.recorded()
        self._x = self._modes.points(self._space)
        self._solution = None if target.solution is None else target.solution.values(self._x)
        self._target = self._solution if discrete_solution is None else discrete_solution.values(self._x)
        self._amplitude, self._amplitude_total = self._size(self._target), self._size(self._solution)
        self._gap = None  # coefficients of the target minus the solution, for total errors
        if self._modes.linear and self._target is not None and self._solution is not None:
            self._gap = self._modes.coefficients(self._target - self._solution, self._space)
        known, kind = (target.solution, "total") if discrete_solution is None else (discrete_solution, "algebraic")
        assert known is not None
        amplitude = modes.amplitudes(known.values(modes.points(self._space)), self._space)
        self.facts = WatchedModes.of(
            modes,
            amplitude,
            error_kind=kind,
            count_above_threshold=count_above_threshold,
            above_threshold=above_threshold,
            wavenumber_range=modes.wavenumber_range(self._space),
        ).facts()

    @np.errstate(over="ignore", invalid="ignore")  # if u is infinite, the errors are recorded as inf or nan
    def __call__(self, iterate: Iterate) -> Mapping[str, Any]:
        values = iterate.values(self._x)
        if self._target is None:
            difference, rest = np.full(len(self._modes), np.nan), np.nan
        else:
            difference, rest = self._modes.decompose(values - self._target, self._space)
        error = _relative(difference, self._amplitude)
        if self._target is self._solution:
            total = error
        elif self._gap is not None:
            total = _relative(difference + self._gap, self._amplitude_total)
        elif self._solution is not None:
            total = _relative(self._modes.coefficients(values - self._solution, self._space), self._amplitude_total)
        else:
            total = np.full(len(self._modes), np.nan)
        row = {ERROR: error, TOTAL: total, "unwatched_error": rest}
        return row | {PHASE: np.angle(difference)} if np.iscomplexobj(difference) else row

    def _size(self, values: np.ndarray | None) -> np.ndarray:
        return np.full(len(self._modes), np.nan) if values is None else self._modes.amplitudes(values, self._space)


def _relative(difference: np.ndarray, amplitude: np.ndarray) -> np.ndarray:
    """Moduli of coefficients of an error over amplitudes of the solution; nan for an unresolved mode."""
    return np.divide(np.abs(difference), amplitude, out=np.full(len(amplitude), np.nan), where=amplitude > 0)
