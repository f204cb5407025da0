"""The error of each watched mode along a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pdefreq.errors import IncompatibleError, OptionError
from pdefreq.probes.probe import Measurement, Nothing, Probe
from pdefreq.probes.sampled import Sampled, field_values
from pdefreq.problem import ModeFamily
from pdefreq.spectrum.modes import Modes, family_of, modes_of

if TYPE_CHECKING:
    from pdefreq.fields import Field
    from pdefreq.iterations.iteration import State
    from pdefreq.problem import Problem
    from pdefreq.shapes import Coefficients


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

    modes: ModeFamily | None = None
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
        if reference is None and limit is None:
            return Nothing()
        if "mode_indices" in facts:  # settled by an earlier space of this run
            modes = modes_of(problem, str(facts["mode_kind"]), facts["mode_indices"])
            return SpectralMeasurement(modes, int(facts["mode_candidates"]), state, reference, limit)
        try:
            modes, candidates = self._watched(problem, state, reference, limit)
        except IncompatibleError:  # e.g. the domain can't be meshed here: no reason to refuse a run that asked for no modes
            if self.modes or problem.spectrum.modes:
                raise
            return Nothing()
        return SpectralMeasurement(modes, candidates, state, reference, limit) if len(modes) else Nothing()

    def _watched(self, problem: Problem, state: State, reference: Field | None, limit: Coefficients | None) -> tuple[Modes, int]:
        """The strongest modes of the solution, else of the limit, and how many qualify."""
        kind = self.modes or family_of(problem)
        space = state.space if reference is None else None
        every = modes_of(problem, kind, space=space)
        x = every.points(space)
        if reference is not None:
            values = field_values(reference, x)
        else:
            assert limit is not None
            values = Sampled(state, x)(limit)
        return every.strongest(values, space, threshold=self.threshold, limit=self.max_modes)


class SpectralMeasurement(Measurement):
    """Watched modes on the grid of one space, and the coefficients that the target has in them."""

    def __init__(self, modes: Modes, candidates: int, state: State, reference: Field | None, limit: Coefficients | None) -> None:
        self._modes, self._space = modes.recorded(), state.space
        x = self._modes.points(state.space)
        self._sampled = Sampled(state, x)
        self._reference = None if reference is None else field_values(reference, x)
        self._target = self._reference if limit is None else self._sampled(limit)
        self._amplitude, self._amplitude_total = self._size(self._target), self._size(self._reference)
        self.facts = {
            "mode_kind": np.array(modes.kind),
            "mode_indices": modes.indices,
            "mode_magnitude": modes.magnitude,
            "mode_amplitude": self._amplitude,
            "mode_complete": np.array(modes.complete),
            "mode_target": np.array("total" if limit is None else "algebraic"),
            "mode_candidates": np.array(candidates),  # modes above the threshold; more than are watched if that was cut
        } | ({} if modes.wavevectors is None else {"mode_wavevectors": modes.wavevectors})

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
        return np.full(len(self._modes), np.nan) if values is None else self._modes.amplitudes(values, self._space)
