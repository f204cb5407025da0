"""What is known of one mode after a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class ModeRow:
    """What is known of one mode; None where something is undefined.

    Args:
        index: Mode numbers along each axis of a box; elsewhere the number of the eigenvalue.
        wavevector: Angular, rad per unit length; None where modes have no direction.
        wavenumber: Its length, or the root of the eigenvalue.
        amplitude: |u^_k| of the target.
        error: Relative error at the end against the exact or reference solution.
        halving_step: t_k(0.5) in steps, interpolated between records; None unless `status` is ``"halved"``.
        halving_seconds: The same in seconds.
        rate: Measured decay -d log e_k / d step.
        predicted_rate: What theory says of it.
        predicted_halving_step: What theory says of `halving_step`; None where it says nothing, or beyond the end of the run.
        rayleigh_quotient: The relative decrease per step of an error that is this mode alone, by theory.
        eigen_residual: Relative eigen-residual of the mode: how far that holds.
        status: Whether the error fell below one half for good, did not, or was there from the start.
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
