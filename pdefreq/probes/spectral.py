"""The error of each watched mode along a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from pdefreq.domains.box import Box
from pdefreq.errors import IncompatibleError, OptionError
from pdefreq.probes.probe import Measurement, Probe
from pdefreq.probes.sampled import Sampled, field_values
from pdefreq.spectrum.modes import DEFAULT_INTERVALS, Modes, grid_intervals, make_modes, strongest

if TYPE_CHECKING:
    from pdefreq.fields import Field
    from pdefreq.iterations.iteration import State
    from pdefreq.problem import Problem
    from pdefreq.shapes import Coefficients

_ROUNDING = 1e-12  # coefficients below this times the largest value are rounding errors of the transform


@dataclass(frozen=True)
class SpectralProbe(Probe):
    """Records ``mode_error`` and ``mode_error_total`` (m,), relative, and ``rest_error``, the L2 error in all other modes.

    The target is what the iteration tends to, where that is known (algebraic error), else the exact or reference
    solution; without either, or on a domain that has no modes, nothing is recorded. Which modes are watched is settled
    when the run starts: by the solution, which no trial space changes, else by the first limit that is known.

    Args:
        modes: Family of modes; by default the one that the problem names.
        threshold: Least amplitude of a watched mode, relative to the largest.
        max_modes: Largest number of watched modes; the strongest are kept.
    """

    modes: Literal["sine", "cosine", "fourier"] | None = None
    threshold: float = 1e-3
    max_modes: int = 512

    def __post_init__(self) -> None:
        if not 0 < self.threshold <= 1:
            raise OptionError(f"`threshold` must lie between 0 and 1, got {self.threshold:g}")
        if self.max_modes < 1:
            raise OptionError(f"`max_modes` must be at least 1, got {self.max_modes}")

    def prepare(
        self,
        problem: Problem,
        state: State,
        *,
        reference: Field | None,
        limit: Coefficients | None,
        facts: Mapping[str, Any],
    ) -> Measurement:
        domain = problem.domain
        if not isinstance(domain, Box) or domain.dimension not in DEFAULT_INTERVALS:
            if self.modes is not None:
                raise IncompatibleError(f"{self.modes} modes need a box of up to 3 dimensions; leave out `modes` here")
            return Nothing()
        if reference is None and limit is None:
            return Nothing()
        if "mode_indices" in facts:  # settled by an earlier space of this run
            modes, candidates = make_modes(str(facts["mode_kind"]), domain, facts["mode_indices"]), int(facts["mode_candidates"])
        else:
            found = _watched(self, problem, domain, state, reference, limit)
            if found is None:
                return Nothing()
            modes, candidates = found
        return SpectralMeasurement(modes, candidates, state, reference, limit)


class Nothing(Measurement):
    """Of what can't be measured no column is kept."""

    def __call__(self, state: State) -> Mapping[str, Any]:
        return {}


class SpectralMeasurement(Measurement):
    """Watched modes on the grid of one space, and the coefficients that the target has in them."""

    def __init__(self, modes: Modes, candidates: int, state: State, reference: Field | None, limit: Coefficients | None) -> None:
        self._modes, self._space = modes, state.space
        x = modes.points(state.space)
        self._sampled = Sampled(state, x)
        self._reference = None if reference is None else field_values(reference, x)
        self._target = self._reference if limit is None else self._sampled(limit)
        self._amplitude, self._amplitude_total = self._size(self._target), self._size(self._reference)
        self.facts = {
            "mode_kind": np.array(modes.kind),
            "mode_indices": modes.indices,
            "mode_wavevectors": modes.wavevectors,
            "mode_magnitude": modes.magnitude,
            "mode_amplitude": self._amplitude,
            "mode_complete": np.array(modes.complete),
            "mode_target": np.array("total" if limit is None else "algebraic"),
            "mode_candidates": np.array(candidates),  # modes above the threshold; more than are watched if that was cut
        }

    def __call__(self, state: State) -> Mapping[str, Any]:
        values = self._sampled(state.coefficients)
        error, rest = self._error(values, self._target, self._amplitude)
        same = self._target is self._reference
        total = error if same else self._error(values, self._reference, self._amplitude_total)[0]
        return {"mode_error": error, "mode_error_total": total, "rest_error": rest}

    def _error(self, values: np.ndarray, target: np.ndarray | None, amplitude: np.ndarray) -> tuple[np.ndarray, float]:
        """Relative error of each mode, and the rest; a mode that the grid can't carry has none."""
        if target is None:
            return np.full(len(self._modes), np.nan), np.nan
        difference, rest = self._modes.decompose(values - target, self._space)  # complex differences first, then moduli
        return np.divide(np.abs(difference), amplitude, out=np.full(len(amplitude), np.nan), where=amplitude > 0), rest

    def _size(self, values: np.ndarray | None) -> np.ndarray:
        if values is None:
            return np.full(len(self._modes), np.nan)
        amplitude = np.abs(self._modes.coefficients(values, self._space))
        return np.where(amplitude > _ROUNDING * np.abs(values).max(), amplitude, 0.0)


def _watched(
    probe: SpectralProbe, problem: Problem, box: Box, state: State, reference: Field | None, limit: Coefficients | None
) -> tuple[Modes, int] | None:
    """The strongest modes of the solution, else of the limit, and how many qualify; None where there are none."""
    kind = probe.modes or problem.spectrum.modes
    if reference is not None:
        space, every = None, make_modes(kind, box)
        values = field_values(reference, every.points())
    elif limit is not None:
        space = state.space
        every = make_modes(kind, box, intervals=grid_intervals(box, space))
        values = Sampled(state, every.points(space))(limit)
    else:
        return None
    amplitude = np.abs(every.coefficients(values, space))
    amplitude[amplitude <= _ROUNDING * np.abs(values).max()] = 0.0
    places, candidates = strongest(amplitude, threshold=probe.threshold, limit=probe.max_modes)
    return (make_modes(kind, box, every.indices[places]), candidates) if len(places) else None
