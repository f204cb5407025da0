"""The results of a run for one mode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class ModeRow:
    """The results of a run for one mode; None for undefined values.

    Args:
        index: Mode numbers along each axis of a box; on other domains the number of the eigenvalue.
        wavevector: Angular wavevector, rad per unit length; None if modes have no direction.
        wavenumber: Norm of the wavevector, or square root of the eigenvalue.
        amplitude: |u^_k| of the target.
        error: Relative error at the end of the run against the exact or reference solution.
        halving_step: t_k(0.5) in steps, interpolated between records; None unless `status` is ``"halved"``.
        halving_seconds: t_k(0.5) in seconds.
        rate: Measured decay rate -d log e_k / d step.
        predicted_rate: Decay rate predicted by theory.
        predicted_halving_step: `halving_step` predicted by theory; None without a prediction, or beyond the end of the run.
        rayleigh_quotient: Predicted relative decrease per step of an error that consists of this mode only.
        eigen_residual: Relative eigen-residual of the mode. The mode has a single rate only if this number is small.
        status: Whether the error fell below one half permanently, did not, or started below it.
    """

    index: tuple[int, ...]
    wavevector: tuple[float, ...] | None
    wavenumber: float
    amplitude: float
    error: float | None
    halving_step: float | None
    halving_seconds: float | None
    rate: float | None
    predicted_rate: float | None
    predicted_halving_step: float | None
    rayleigh_quotient: float | None
    eigen_residual: float | None
    status: Literal["halved", "not halved", "below half from the start"]
