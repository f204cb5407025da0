"""Amplitudes of modes against the errors with which they can be known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pdefreq.studies.checks.finding import Finding

if TYPE_CHECKING:
    from pdefreq.studies.checks.finding import Subject

_ROUNDING = {"float32": 1e-6, "float64": 1e-14}  # relative to u, of values after sums over many points
_BELOW_ROUNDING = 1.0  # severity: amplitudes below rounding are recorded as 0, so that the ratio is known to be at least 1
_NEAR = 1e-3  # relative difference of wavenumbers that are the same


def noise_floor(subject: Subject) -> Finding | str:
    """A finding if the amplitude of a mode that the problem names is below rounding or the error of the reference solution."""
    from pdefreq.spectrum.spectral_record import SpectralRecord

    run = subject.run
    record = SpectralRecord.of(run.valid_history)
    asked = run.problem.spectrum.wavenumbers
    near = record.modes.nearest(asked) if len(record) else ()
    named = [k for k in near if any(abs(record.modes.wavenumber[k] - xi) < _NEAR * xi for xi in asked)]
    if not named:
        return "the problem names no wavenumber that was recorded"
    size = float(np.linalg.norm(record.modes.amplitude))
    floor = max(_ROUNDING.get(run.spec.dtype, 1e-6), np.nan_to_num(run.reference_error)) * size
    weakest = min(named, key=lambda k: record.modes.amplitude[k])
    amplitude = float(record.modes.amplitude[weakest])
    precise = "`--dtype float64`, or " if run.spec.dtype == "float32" else ""
    return Finding(
        floor / amplitude if amplitude > 0 else _BELOW_ROUNDING,
        f"the mode of wavenumber {record.modes.wavenumber[weakest]:.4g} has the amplitude {amplitude:.2g}; amplitudes are known "
        f"to about {floor:.2g}",
        f"{precise}an exact solution in the problem file if there is one; otherwise ignore the error of this mode",
    )
