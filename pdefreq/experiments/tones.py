"""Errors and amplitudes of the tones of a regression at each step, the two published measures of frequency bias."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pdefreq.core.history import Schedule, Stop
from pdefreq.experiments.training import TrainingHistory
from pdefreq.functionals.sampling import data_samples
from pdefreq.probes.probe import Measurement, Probe
from pdefreq.probes.sampled import as_array
from pdefreq.runs.solve import solve

if TYPE_CHECKING:
    from pdefreq.core.history import History
    from pdefreq.probes.iterate import Iterate
    from pdefreq.probes.target import Target
    from pdefreq.problem.problem import Problem
    from pdefreq.solvers.solver import Solver

_RECORDS = Schedule(dense=100, per_decade=230)  # one percent apart


@dataclass(frozen=True)
class ToneProbe(Probe):
    """Records ``tone_error``, |h^_k - f^_k| / |f^_k|, and ``tone_amplitude``, |h^_k| / |f^_k|, both ``(m,)`` and not squared.

    h^_k is the discrete Fourier transform of the network over the n training points themselves, all of them, as the papers take
    it, (1/n) sum_j h(x_j) exp(-2 pi i j k / n), and f^_k that of the data. The modes of `SpectralProbe` live on a grid of their
    own, and know the exact solution where a paper knows the data.

    Args:
        numbers: k, the numbers of the transform: waves over all points, which must be evenly spaced and in ascending order.
    """

    numbers: tuple[int, ...]

    def prepare(
        self, target: Target, iterate: Iterate, *, discrete_solution: Iterate | None, facts: Mapping[str, Any]
    ) -> ToneMeasurement:
        return ToneMeasurement(target.problem, self.numbers)


class ToneMeasurement(Measurement):
    """The data of a regression u = f, and their transform."""

    def __init__(self, problem: Problem, numbers: Sequence[int]) -> None:
        samples, values = data_samples(problem)
        self._x = samples.x
        self._numbers = list(numbers)
        self._target = self._transform(as_array(values))

    def _transform(self, values: np.ndarray) -> np.ndarray:
        return np.fft.fft(values, norm="forward")[self._numbers]

    def __call__(self, iterate: Iterate) -> Mapping[str, np.ndarray]:
        found, size = self._transform(iterate.values(self._x)), np.abs(self._target)
        return {"tone_error": np.abs(found - self._target) / size, "tone_amplitude": np.abs(found) / size}


@dataclass(frozen=True)
class ToneHistory:
    """The m tones of one run, or the mean of several, step by step.

    Args:
        steps: Where they were measured, ascending, shape ``(n,)``.
        errors: |h^_k - f^_k| / |f^_k|, shape ``(n, m)``.
        amplitudes: |h^_k| / |f^_k|, shape ``(n, m)``.
    """

    steps: np.ndarray
    errors: np.ndarray
    amplitudes: np.ndarray

    @classmethod
    def of(cls, problem: Problem, solver: Solver, numbers: Sequence[int], *, seed: int, steps: int) -> ToneHistory:
        """Train, in float32 as in the papers."""
        probe = ToneProbe(tuple(numbers))
        done = solve(problem, solver, seed=seed, stop=Stop(steps=steps), probes=[probe], schedule=_RECORDS, dtype="float32")
        return cls.read(done.history)

    @classmethod
    def read(cls, history: History) -> ToneHistory:
        """What `ToneProbe` recorded."""
        return cls(*(history.column(name) for name in ("step", "tone_error", "tone_amplitude")))

    @classmethod
    def mean(cls, histories: Sequence[ToneHistory]) -> ToneHistory:
        """The mean over runs recorded at the same steps."""
        errors, amplitudes = (np.mean([getattr(c, name) for c in histories], axis=0) for name in ("errors", "amplitudes"))
        return cls(histories[0].steps, errors, amplitudes)

    def error(self, position: int) -> TrainingHistory:
        """The error of one tone."""
        return TrainingHistory(self.steps, self.errors[:, position])

    def first_with(self, amplitude: float) -> list[int | None]:
        """For each tone the first recorded step at which its amplitude is at least this; None if it never is."""
        reached = self.amplitudes >= amplitude
        return [int(self.steps[column.argmax()]) if column.any() else None for column in reached.T]


def growth_exponent(wavenumbers: Sequence[float], steps: Sequence[int | None]) -> float:
    """The slope p of the least-squares line through (log k, log step), step ~ k^p, over the tones that were reached after a step.

    Fewer than two have none: nan.
    """
    pairs = [(k, step) for k, step in zip(wavenumbers, steps, strict=True) if step]
    if len(pairs) < 2:
        return float("nan")
    log_k, log_step = np.log(np.array(pairs, float)).T
    return float(np.polyfit(log_k, log_step, 1)[0])
