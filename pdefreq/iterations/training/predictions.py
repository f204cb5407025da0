"""Predictions of the errors of modes from the linearization of a network."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from pdefreq.iterations.protocols import Prediction
from pdefreq.theory.dynamics import GradientDescentFilter, GradientFlowFilter, HeavyBallFilter

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.spectrum.modes import Modes
    from pdefreq.theory.dynamics import LinearDynamics, SpectralFilter


def relative_errors(errors: Tensor, start: Tensor, modes: Modes) -> Tensor:
    """The errors of modes relative to those at the start, ``(T, m)``, from the errors of their parts ``(T, q)``."""
    found, unit = (torch.from_numpy(np.asarray(modes.of_parts(part.numpy()))) for part in (errors, start))
    return found / unit


def prediction(dynamics: LinearDynamics, method: SpectralFilter, steps: Tensor, modes: Modes) -> Prediction:
    """The note on a prediction by linearization, with a warning if it does not converge."""
    note, fastest = (
        "exact for the network linearized at its initial state (Lee et al., 2019), near which training must stay",
        dynamics.kappa[0],
    )
    if isinstance(method, (GradientDescentFilter, HeavyBallFilter)) and fastest >= method.stable_below:
        largest = method.rate * method.stable_below / float(fastest)
        note += f"; the learning rate {method.rate:g} is above {method.limit} = {largest:.3g}: it diverges"
    if bool((dynamics.secular_rate != 0).any()):
        note += "; the objective has no minimum at these points: errors finally grow like t"
    curves, known = relative_errors(dynamics.errors(method, steps), dynamics.start, modes), dynamics.rayleigh_quotients
    unknown = dynamics.kappa.new_full((len(modes),), torch.nan)
    found = Prediction(curves, unknown, note, final_rates=_final_rates(dynamics, method, modes))
    if known is None:
        return found
    return replace(found, rayleigh_quotients=method.first(known.values), eigen_residuals=known.eigen_residuals)


def _final_rates(dynamics: LinearDynamics, method: SpectralFilter, modes: Modes) -> Tensor:
    """The final rate of each mode: that of its slowest part, ``(m,)``."""
    part = torch.from_numpy(modes.mode_of_part)
    size = torch.from_numpy(np.abs(modes.of_parts(dynamics.start.numpy())))[part]  # shares are those in the mode
    rates = replace(dynamics, start=size).asymptotic_rates(method)
    slowest = rates.new_full((len(modes),), torch.inf)
    slowest.scatter_reduce_(0, part, rates.nan_to_num(nan=torch.inf), "amin")
    return torch.where(slowest.isfinite(), slowest, torch.nan)


def guide_by_flow(dynamics: LinearDynamics, steps: Tensor, modes: Modes) -> Prediction:
    """Gradient flow on the initial kernel, in units of the time of its fastest direction."""
    fastest, known = dynamics.kappa[0], dynamics.rayleigh_quotients
    kappa, response, secular = (part / fastest for part in (dynamics.kappa, dynamics.response, dynamics.secular_rate))
    known = None if known is None else replace(known, values=known.values / fastest)
    scaled = replace(dynamics, kappa=kappa, response=response, secular_rate=secular, rayleigh_quotients=known)
    found = prediction(scaled, GradientFlowFilter(), steps, modes)
    note = (
        "theory covers gradient descent at one rate, with or without momentum, and Gauss-Newton at one damping, on fixed points "
        "(optimizer=gd or sgd with half_life=null, or gauss-newton with damping=1e-3, and points=gauss), and there are guides "
        "for Adam and for Gauss-Newton with adaptive damping, but not for this optimizer; here the guide is gradient flow on the "
        "initial tangent kernel, in units of the time of its fastest direction"
    )
    return replace(found, note=note, is_heuristic=True)
