"""The results for one mode of a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class ModeRow:
    """The results for one mode; None if undefined.

    Args:
        index: Mode numbers along each axis of a box; elsewhere the number of the eigenvalue.
        wavevector: Angular wavevector, rad per unit length; None for modes without a direction.
        wavenumber: Length of the wavevector, or square root of the eigenvalue.
        amplitude: |u^_k| of the target.
        error: Relative error of the result against the exact or reference solution.
        halving_step: t_k(0.5) in steps, interpolated between records; None unless `status` is ``"halved"``.
        halving_seconds: The same in seconds.
        rate: Measured decay -d log e_k / d step.
        predicted_rate: Predicted rate.
        predicted_halving_step: Predicted halving step; None without a prediction, or beyond the end of the run.
        rayleigh_quotient: Predicted relative decrease per step of an error in this mode alone.
        eigen_residual: Relative eigen-residual of the mode; the rate is valid if it is small.
        status: Whether the error decreased below one half for good, did not, or started below one half; ``"unknown"`` for a mode
            without a relative error, because its amplitude is zero or the grid does not resolve it.
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
    status: Literal["halved", "not halved", "below half at the start", "unknown"]
